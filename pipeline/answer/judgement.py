"""The judgement of an explanation: is it sound, and what does the answer rest on? Values only."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from pipeline.answer.nulls import from_null

SOUND, DOUBTFUL, NOTHING = "sound", "doubtful", "nothing to explain"
OBJECT, BACKGROUND, BOTH, UNKNOWN = "object", "background", "both", "unknown"
Reason = Literal["unstable", "unfaithful", "few superpixels", "neighbourhood", "fill"]

UNDIVIDED = {  # what a mask says that covers so much of the canvas
    0.0: "Nothing of what the model is shown is marked as the object: nothing is said of the background.",
    1.0: "All that the model is shown is marked as the object: nothing is said of the background.",
}


@dataclass(frozen=True, slots=True)
class Curves:
    """Areas under deletion and insertion curves, 0..1 as the scores are, and the means of those of random orders.

    Deletion is good when low, insertion (from the blurred photograph) when high; see `pipeline.judge.faithfulness`.

    Attributes
    ----------
    orders, better : int
        How many random orders there were, and how many of them do better than the weights' own, both curves together.
    """

    deletion: float
    deletion_random: float
    insertion: float
    insertion_random: float
    orders: int = 1  # as many as there were before the figure was kept
    better: int = 0

    @property
    def gain(self) -> float:
        """How much better than chance the order is, both curves together; 0 is chance."""
        return (self.deletion_random - self.deletion) + (self.insertion - self.insertion_random)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The photograph with each superpixel alone off; see `pipeline.judge.neighbourhood`.

    Attributes
    ----------
    median_drop : float
        The median fall of the score, as a share of the gap: where hiding any one superpixel changes the answer, the
        model notices that something is hidden.
    agreement : -1..1
        Pearson's correlation of the falls with the weights; NaN where no single superpixel moves the score.
    """

    median_drop: float = math.nan
    agreement: float = math.nan


@dataclass(frozen=True, slots=True)
class Grounding:
    """How the evidence, and the score itself, depend on the object; NaN without a mask of it.

    Attributes
    ----------
    mask_area, mask_share : 0..1
        Share of the canvas, and of the positive weight, inside the mask. With an area of 0 or 1 all else is NaN: the
        mask is empty, full, or outside of the canvas.
    chance_low, chance_high : 0..1
        What 95 % of random assignments of the weights to the superpixels give for mask_share.
    lift : 0 or more
        mask_share over mask_area: 1 where the positive weight is spread evenly over the canvas.
    pointing : 0 or 1
        Whether the strongest superpixel lies mostly on the object (the pointing game).
    object_only, background_only : 0..1
        The label's score with only the object kept, a mean over three fills, and with only the background kept, the
        object continued from its surroundings.
    background_reliance : 0..1
        The background's Shapley share of what the whole photograph brings above neither object nor background; see
        `pipeline.judge.grounding.background_reliance`.
    """

    mask_area: float = math.nan
    mask_share: float = math.nan
    chance_low: float = math.nan
    chance_high: float = math.nan
    pointing: float = math.nan
    object_only: float = math.nan
    background_only: float = math.nan
    background_reliance: float = math.nan
    lift: float = math.nan  # last: judgements stored before there was one have none


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like two explanations of one canvas are, pixel by pixel; see `pipeline.judge.sensitivity`."""

    spearman: float
    top5_jaccard: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the answers of a judgement begin; chosen on planted models and the demo, see docs/how-it-works.md.

    Attributes
    ----------
    gap : 0..1
        Below it, either way, there is nothing to explain.
    stability : 0..1
        Least agreement of the seeds.
    fidelity : 0..1
        Least held-out R² of a surrogate.
    background_reliance, object_reliance : 0..1
        Above the first the answer rests on the background, below the second on the object, between them on both.
    fill : 0..1
        A bare fill of which the model is surer is an answer of its own.
    neighbourhood : 0..1
        Most that hiding any one superpixel may cost, as a share of the gap.
    superpixels : int
        Fewest of which an explanation can be told from chance.
    """

    gap: float = 0.1
    stability: float = 0.5
    fidelity: float = 0.5
    background_reliance: float = 0.6
    fill: float = 0.5
    object_reliance: float = 0.4
    neighbourhood: float = 0.2
    superpixels: int = 6

    def least(self, figure: str, own: float) -> float:
        """What a method's claim has to be at least: the threshold of its figure where there is one, else its own."""
        return self.fidelity if figure == "fidelity.r2_held_out" else own


@dataclass(frozen=True, slots=True)
class Soundness:
    """Is the explanation sound?

    Attributes
    ----------
    word : "sound", "doubtful" or "nothing to explain"
    reason : Reason or None
        Why it is doubtful.
    figure, value : str, float
        What decided it.
    sentence : str
        For a line inspector.
    """

    word: str
    reason: str | None
    figure: str
    value: float
    sentence: str

    def __str__(self) -> str:
        return self.word if self.reason is None else f"{self.word} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Basis:
    """What does the answer rest on? `object`, `background`, `both` or `unknown`, and a sentence."""

    word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one word of judgements before there were two answers; kept as it was given."""

    word: str  # trusted, unexplained, unstable, unfaithful or background
    figure: str
    value: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """All of it.

    Attributes
    ----------
    gap : -1..1
        The score that there is to explain: that of the photograph less that of the bare fill.
    soundness, basis : Soundness, Basis or None
        The two answers; None in judgements of the time of `verdict`, which have that instead.
    mu_fidelity : -1..1
        See `pipeline.judge.faithfulness`; NaN where the recipe is not thorough.
    sensitivity : name -> Likeness
        How like the explanation is under other seeds, superpixels, fill and noise; empty where it is not thorough.
    thresholds : Thresholds
        Those that the answers were given by: they may have changed since.
    confident_fill : str or None
        The label that the model gives the bare fill with more than `thresholds.fill`: what the weights are measured
        against.
    """

    gap: float
    curves: Curves
    grounding: Grounding
    soundness: Soundness | None = None
    basis: Basis | None = None
    neighbourhood: Neighbourhood = field(default_factory=Neighbourhood)
    mu_fidelity: float = math.nan
    sensitivity: Mapping[str, Likeness] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
    confident_fill: str | None = None
    verdict: Verdict | None = None

    def to_json(self) -> dict[str, Any]:
        """The value of `judgement` in `attribution.json`; both answers in one are in `verdict`, as it was before."""
        told = asdict(self)
        if self.soundness and self.basis:
            one = Verdict(self.words, self.soundness.figure, self.soundness.value, " ".join(self.sentences))
            told["verdict"] = asdict(one)
        return told

    @property
    def words(self) -> str:
        """Both answers in a few words, or the one word of the time before there were two."""
        if self.verdict:
            return self.verdict.word
        return ", ".join(str(one) for one in (self.soundness, self.basis and self.basis.word) if one)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is said of the explanation, a sentence for each answer."""
        return tuple(one.sentence for one in (self.soundness, self.basis, self.verdict) if one)

    @property
    def warning(self) -> str | None:
        """What to bear in mind whatever the answers, as a sentence."""
        undivided = UNDIVIDED.get(self.grounding.mask_area)
        told = [undivided] if undivided and undivided not in self.sentences else []  # once is enough
        told += [] if self.confident_fill is None else [fill_warning(self.confident_fill)]
        return " ".join(told) or None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The judgement whose JSON this is; null is NaN."""
        figures = {name: kind(**from_null(value[name])) for name, kind in FIGURES.items() if value.get(name)}
        kinds = {name: kind for name, kind in ANSWERS.items() if name != "verdict" or not value.get("soundness")}
        answers = {name: kind(**_valued(value[name])) for name, kind in kinds.items() if value.get(name)}
        return cls(
            gap=from_null(value["gap"]),
            **figures,
            **answers,
            mu_fidelity=from_null(value.get("mu_fidelity")),
            sensitivity={name: Likeness(**from_null(one)) for name, one in value.get("sensitivity", {}).items()},
            confident_fill=value.get("confident_fill"),
        )


FIGURES: Mapping[str, Any] = {
    "curves": Curves,
    "grounding": Grounding,
    "neighbourhood": Neighbourhood,
    "thresholds": Thresholds,
}
ANSWERS: Mapping[str, Any] = {"soundness": Soundness, "basis": Basis, "verdict": Verdict}


def fill_warning(label: str) -> str:
    """What a fill that the model is sure of means for the weights."""
    return f"The model is sure of the bare fill as {label}: weights are measured against that answer."


def _valued(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer's fields, of which its value alone is a number."""
    return {name: from_null(field) if name == "value" else field for name, field in answer.items()}
