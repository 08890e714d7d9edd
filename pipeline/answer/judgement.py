"""The judgement of an explanation: is there something to explain, is it faithful, and is it about the object?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

UNDIVIDED = {  # what a mask says that covers so much of the canvas
    0.0: "Nothing of what the model is shown is marked as the object: nothing is said of the background.",
    1.0: "All that the model is shown is marked as the object: nothing is said of the background.",
}


@dataclass(frozen=True, slots=True)
class Curves:
    """Areas under deletion and insertion curves, 0..1 as the scores are, and those of a random order.

    Deletion is good when low, insertion (from the blurred photograph) when high; see `pipeline.judge.faithfulness`.
    """

    deletion: float
    deletion_random: float
    insertion: float
    insertion_random: float

    @property
    def gain(self) -> float:
        """How much better than chance the order is, both curves together; 0 is chance."""
        return (self.deletion_random - self.deletion) + (self.insertion - self.insertion_random)


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
        The label's score with only the object, only the background kept; means of a mean-colour fill and of a blur.
    background_reliance : 0..1
        Of what the object alone and the background alone bring above the score of neither, the background's part; see
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
    """Where the verdicts begin, and the warning of the fill; chosen on planted models and the demo.

    See docs/how-it-works.md.
    """

    gap: float = 0.1
    stability: float = 0.5
    fidelity: float = 0.5
    background_reliance: float = 0.6
    fill: float = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """One word, the figure that decided it, and a sentence for a line inspector."""

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
    mu_fidelity : -1..1
        See `pipeline.judge.faithfulness`; NaN where the recipe is not thorough.
    sensitivity : name -> Likeness
        How like the explanation is under other seeds, superpixels, fill and noise; empty where it is not thorough.
    thresholds : Thresholds
        Those that the verdict was given by: they may have changed since.
    confident_fill : str or None
        The label that the model gives the bare fill with more than `thresholds.fill`: a warning, no verdict.
    """

    gap: float
    curves: Curves
    grounding: Grounding
    verdict: Verdict
    mu_fidelity: float = math.nan
    sensitivity: Mapping[str, Likeness] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
    confident_fill: str | None = None

    @property
    def warning(self) -> str | None:
        """What to bear in mind whatever the verdict, as a sentence."""
        told = [UNDIVIDED[self.grounding.mask_area]] if self.grounding.mask_area in UNDIVIDED else []
        told += [] if self.confident_fill is None else [fill_warning(self.confident_fill)]
        return " ".join(told) or None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The judgement whose JSON this is; null is NaN."""
        parts = {key: _numbers(value[key]) for key in ("curves", "grounding", "verdict")}
        return cls(
            gap=_number(value["gap"]),
            curves=Curves(**parts["curves"]),
            grounding=Grounding(**parts["grounding"]),
            verdict=Verdict(**parts["verdict"]),
            mu_fidelity=_number(value.get("mu_fidelity")),
            sensitivity={name: Likeness(**_numbers(one)) for name, one in value.get("sensitivity", {}).items()},
            thresholds=Thresholds(**value.get("thresholds", {})),
            confident_fill=value.get("confident_fill"),
        )


def fill_warning(label: str) -> str:
    """What a fill that the model is sure of means for the weights."""
    return f"The model is sure of the bare fill as {label}: weights are measured against that answer."


def _number(value: Any) -> Any:
    return math.nan if value is None else value


def _numbers(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _number(item) for key, item in value.items()}
