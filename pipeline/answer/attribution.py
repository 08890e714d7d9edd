"""Attributions: a weight for each superpixel and label, with what is needed to judge it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.judgement import Judgement

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How well the surrogate follows the model; NaN where the scores do not vary.

    r2 is the weighted coefficient of determination on the rows fitted, as lime reports it; r2_held_out on rows left
    out of the fit, each block of the design in turn.
    """

    r2: float
    r2_held_out: float


@dataclass(frozen=True, slots=True)
class Stability:
    """Agreement of the seeds with each other, see `pipeline.judge.stability`; NaN with fewer than two seeds."""

    seeds: int
    spearman: float = math.nan
    kendall: float = math.nan
    top3_jaccard: float = math.nan
    top3_jaccard_chance: float = math.nan
    top5_jaccard: float = math.nan
    top5_jaccard_chance: float = math.nan
    top10_jaccard: float = math.nan
    top10_jaccard_chance: float = math.nan
    sign_agreement: float = math.nan
    vsi: float = math.nan
    csi: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Denoised:
    """The photograph without what speaks against a label: see `pipeline.methods.noise_experiment`.

    Attributes
    ----------
    removed : tuple of int
        The superpixels taken away, in order of their number.
    probabilities : label -> 0..1
        The model's for the photograph without them.
    weights, std_error : float64 [k]
        The explanation of that; zero for what was taken away.
    """

    removed: tuple[int, ...]
    probabilities: Mapping[str, float]
    weights: Array
    std_error: Array
    r2_held_out: float

    def to_json(self) -> dict[str, Any]:
        """The value of `denoised` in `attribution.json`."""
        weights, errors = _finite(self.weights.tolist()), _finite(self.std_error.tolist())
        return {
            "removed": list(self.removed),
            "probabilities": dict(self.probabilities),
            "weights": weights,
            "std_error": errors,
            "r2_held_out": _finite(self.r2_held_out),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        arrays = {name: np.array(value[name], dtype=float) for name in ("weights", "std_error")}
        held_out = math.nan if value["r2_held_out"] is None else value["r2_held_out"]
        return cls(tuple(value["removed"]), value["probabilities"], **arrays, r2_held_out=held_out)


@dataclass(frozen=True, slots=True, eq=False)
class LabelAttribution:
    """The evidence for one label.

    Attributes
    ----------
    weights, std_error : float64 [k]
        The pooled estimate and its standard error, in units of the model's score (of importance, which sums to 1,
        where the surrogate is a tree).
    weights_by_seed : float64 [s, k]
        Each seed's own estimate.
    intercept : float
        The surrogate's prediction with every superpixel off, in the model's score.
    """

    label: str
    weights: Array
    std_error: Array
    weights_by_seed: Array
    intercept: float
    fidelity: Fidelity
    stability: Stability
    judgement: Judgement | None = None
    denoised: Denoised | None = None

    def to_json(self) -> dict[str, Any]:
        """The value under the label's name in `attribution.json`."""
        return {
            "weights": _finite(self.weights.tolist()),
            "std_error": _finite(self.std_error.tolist()),
            "weights_by_seed": _finite(self.weights_by_seed.tolist()),
            "intercept": _finite(self.intercept),
            "fidelity": _finite(asdict(self.fidelity)),
            "stability": _finite(asdict(self.stability)),
            "judgement": _finite(asdict(self.judgement)) if self.judgement else None,
            "denoised": self.denoised.to_json() if self.denoised else None,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """The answer of an explainer for one photograph.

    `probabilities` are the model's for the canvas, `fill_probabilities` those for the bare fill.
    """

    probabilities: Mapping[str, float]
    fill_probabilities: Mapping[str, float]
    evaluations: int
    labels: tuple[LabelAttribution, ...]

    def to_json(self) -> dict[str, Any]:
        """The explanation's own part of `attribution.json`; NaN becomes null."""
        return {
            "probabilities": dict(self.probabilities),
            "fill_probabilities": dict(self.fill_probabilities),
            "evaluations": self.evaluations,
            "labels": {label.label: label.to_json() for label in self.labels},
        }


def _finite(value: Any) -> Any:
    """The same value with null for what JSON cannot say."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
