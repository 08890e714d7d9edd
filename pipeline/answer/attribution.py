"""Attributions: the answer of a method, a weight for each superpixel and label, and what the method has beside it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from math import nan
from typing import Any, Self

import numpy as np
import scipy
from numpy.typing import NDArray

from pipeline.answer.denoised import Denoised
from pipeline.answer.interval import Z95
from pipeline.answer.judgement import Judgement
from pipeline.answer.nulls import from_null, to_null
from pipeline.answer.rule import Rule
from pipeline.answer.selection import Selection
from pipeline.answer.stopped import Stopped

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """A surrogate's fit to the model; NaN where the scores do not vary.

    Attributes
    ----------
    intercept : float
        The surrogate's score with every superpixel off.
    r2, r2_held_out : float
        Weighted coefficient of determination on the rows fitted, as lime reports it, and on rows left out of the fit,
        each block of the design in turn.
    """

    intercept: float
    r2: float
    r2_held_out: float


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """How far the weights of seeds scatter.

    Attributes
    ----------
    std_error : float64 [k]
        Of the pooled weights, in their units; NaN where the method knows none.
    weights_by_seed : float64 [seeds, k]
        Each seed's own weights.
    """

    std_error: Array
    weights_by_seed: Array

    @property
    def half_width(self) -> Array:
        """Of the 95 % interval of each weight, float64 [k]: Student's t of one degree less than there are seeds, times
        the standard error; of the normal distribution where one seed's own fit gives the error."""
        return self.std_error * quantile(len(self.weights_by_seed))


@dataclass(frozen=True, slots=True)
class Stability:
    """Agreement of the seeds with each other, see `pipeline.judge.stability`; NaN with fewer than two seeds.

    `stopped` says why there are no more seeds, where they were asked in rounds.
    """

    seeds: int
    spearman: float = nan
    kendall: float = nan
    top3_jaccard: float = nan
    top3_jaccard_chance: float = nan
    top5_jaccard: float = nan
    top5_jaccard_chance: float = nan
    top10_jaccard: float = nan
    top10_jaccard_chance: float = nan
    sign_agreement: float = nan
    vsi: float = nan
    csi: float = nan
    stopped: Stopped | None = None

    def to_json(self) -> dict[str, Any]:
        """The figures; why there are no more seeds is not in them where all were asked at once."""
        told = asdict(self)
        return to_null(told if self.stopped else {name: told[name] for name in told if name != "stopped"})  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The value whose JSON object this is."""
        figures = {name: from_null(figure) for name, figure in value.items() if name != "stopped"}
        return cls(**figures, stopped=Stopped.from_json(value["stopped"]) if "stopped" in value else None)


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure of the method's own by which its answer is to be believed.

    Attributes
    ----------
    figure : str
        Its name, as `fidelity.r2_held_out`.
    value, least : float
        What it is, and what it has to be at least; NaN is never enough.
    sentence : str
        What it means where it is less, for a line inspector.
    """

    figure: str
    value: float
    least: float
    sentence: str


@dataclass(frozen=True, slots=True)
class FillChoice:
    """The fill that the model was asked for: see `pipeline.methods.chosen_fill`.

    Attributes
    ----------
    taken : str
        The one that everything in the answer is measured against.
    scores : fill -> 0..1
        The score of the first label explained for each candidate, bare.
    """

    taken: str
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class LabelAttribution:
    """The evidence for one label: weights from every method, and what else a method has; None where it has it not.

    Attributes
    ----------
    label : str
    weights : float64 [k]
        In units of the model's score for LIME (of importance, which sums to 1, where its surrogate is a tree); see each
        method for its own. A method whose answer is a heat map lays it on the superpixels: see `laid`.
    errors : Errors or None
        How the weights scatter over seeds.
    fit : Fit or None
        Of the surrogate.
    stability : Stability or None
    heat : float32 [h, w] or None
        The answer pixel by pixel of the canvas.
    heat_error : float32 [h, w] or None
        Its standard error over seeds.
    rule : Rule or None
    claims : tuple of Claim
    """

    label: str
    weights: Array
    errors: Errors | None = None
    fit: Fit | None = None
    stability: Stability | None = None
    heat: NDArray[np.float32] | None = None
    rule: Rule | None = None
    claims: tuple[Claim, ...] = ()
    judgement: Judgement | None = None
    denoised: Denoised | None = None
    heat_error: NDArray[np.float32] | None = None

    @property
    def std_error(self) -> Array:
        """Standard errors of the weights, float64 [k]; NaN where the method knows none."""
        return np.full(len(self.weights), nan) if self.errors is None else self.errors.std_error

    @property
    def half_width(self) -> Array:
        """Half-widths of the weights' 95 % intervals, float64 [k]; NaN where the method knows none."""
        return np.full(len(self.weights), nan) if self.errors is None else self.errors.half_width

    @property
    def weights_by_seed(self) -> Array:
        """Each seed's weights, float64 [seeds, k]; no rows where the method has no seeds."""
        return np.empty((0, len(self.weights))) if self.errors is None else self.errors.weights_by_seed

    @property
    def agreement(self) -> Stability:
        """The agreement of the seeds; of none where the method has none."""
        return self.stability or Stability(0)

    def supporting(self, selection: Selection = Selection()) -> NDArray[np.bool_]:  # noqa: B008, frozen
        """The superpixels that support the label, bool [k]: the rule's, where there is a rule, else as selected."""
        if self.rule:
            return np.isin(np.arange(len(self.weights)), self.rule.superpixels)
        return selection.chosen(np.nan_to_num(self.weights))

    def to_json(self) -> dict[str, Any]:
        """The value under the label's name in `attribution.json`; what the method has not is not in it."""
        told: dict[str, Any] = {"weights": self.weights.tolist()}
        if self.errors:
            told |= {
                name: getattr(self.errors, name).tolist() for name in ("std_error", "half_width", "weights_by_seed")
            }
        if self.fit:
            fit = asdict(self.fit)
            told |= {"intercept": fit.pop("intercept"), "fidelity": fit}
        told |= {"stability": self.stability.to_json()} if self.stability else {}
        told |= {"rule": asdict(self.rule)} if self.rule else {}
        told |= {"claims": [asdict(claim) for claim in self.claims]} if self.claims else {}
        told |= {"judgement": self.judgement.to_json() if self.judgement else None}
        told |= {"denoised": self.denoised.to_json() if self.denoised else None}
        return to_null(told)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """The answer of an explainer for one photograph.

    `probabilities` are the model's for the canvas, `fill_probabilities` those for the bare fill, None where the method
    did not ask. `fill_choice` is there where the recipe's fill is `auto`, `inside` where the network's inside was read:
    what of it, of the probability or of the logit, at which layer, and what else the method has to say of that. Of a
    model with many labels the two need not list all: `unlisted` says how many labels it has beyond `probabilities`.
    """

    probabilities: Mapping[str, float]
    fill_probabilities: Mapping[str, float] | None
    evaluations: int
    labels: tuple[LabelAttribution, ...]
    fill_choice: FillChoice | None = None
    unlisted: int = 0
    inside: Mapping[str, Any] | None = None

    @property
    def predicted(self) -> str:
        """The most probable label; of several alike the one explained first, else the first by name."""
        explained = [label.label for label in self.labels]
        most = max(self.probabilities.values())
        alike = sorted(name for name, share in self.probabilities.items() if share == most)
        return next((name for name in explained if name in alike), alike[0])

    @property
    def confidence(self) -> float:
        """The probability of the predicted label."""
        return self.probabilities[self.predicted]

    def to_json(self) -> dict[str, Any]:
        """The explanation's own part of `attribution.json`; NaN becomes null."""
        choice = {"fill_choice": asdict(self.fill_choice)} if self.fill_choice else {}
        unlisted = {"unlisted": self.unlisted} if self.unlisted else {}
        inside = {"inside": dict(self.inside)} if self.inside else {}
        return (
            choice
            | unlisted
            | inside
            | {
                "probabilities": dict(self.probabilities),
                "fill_probabilities": None if self.fill_probabilities is None else dict(self.fill_probabilities),
                "evaluations": self.evaluations,
                "labels": {label.label: label.to_json() for label in self.labels},
            }
        )


@cache
def quantile(seeds: int) -> float:
    """Standard errors in half a 95 % interval."""
    return float(scipy.special.stdtrit(seeds - 1, 0.975)) if seeds > 1 else Z95


def laid(heat: NDArray[np.floating], segments: NDArray[np.int32]) -> Array:
    """A heat map laid on the superpixels: its sum over each of them.

    Parameters
    ----------
    heat : float [h, w]
    segments : int32 [h, w], labels 0..k-1

    Returns
    -------
    float64 [k]

    Examples
    --------
    >>> laid(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0, 0], [1, 0]], dtype=np.int32))
    array([7., 3.])
    """
    return np.bincount(segments.ravel(), heat.ravel()).astype(np.float64)
