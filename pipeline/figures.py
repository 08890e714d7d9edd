"""Figures that say how far an attribution can be trusted."""

import math
from dataclasses import dataclass


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
    """Agreement of the seeds with each other, see `pipeline.stability`; NaN with fewer than two seeds."""

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


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like two explanations of one canvas are, pixel by pixel; see `pipeline.sensitivity`."""

    spearman: float
    top5_jaccard: float
