"""Stopping: has a photograph been asked about often enough?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stability import top_sets
from pipeline.surrogate import Fit, jackknife


@dataclass(frozen=True, slots=True)
class Stopping:
    """When to stop asking, looked at after each round of seeds.

    Enough is known of a label when the standard error of its weights is at most `precision` of their size (root mean
    squares over superpixels), the last of the `top` superpixels lies at least `gap` standard errors above the next,
    and leaving out any one seed leaves the same on top. At `tie` of their size it is enough in any case: what still
    trades places then weighs the same. The first is a fixed-width rule (Chow and Robbins 1965, with the jackknife's
    error), the second asks as S-LIME does whether the selection would change (Zhou, Hooker and Wang 2021, section 3),
    the last is an indifference zone (Bechhofer 1954).

    Attributes
    ----------
    first, step : int
        Seeds of the first round, and of each further one.
    top : int
    precision, gap, tie : float
    """

    first: int = 3
    step: int = 1
    top: int = 5
    precision: float = 0.25
    gap: float = 2.0
    tie: float = 0.005

    def __post_init__(self) -> None:
        for one in fields(self):
            value: Any = getattr(self, one.name)
            low = 2 if one.name == "first" else 1
            if one.type is int and not (type(value) is int and value >= low):
                raise ValueError(f"stopping.{one.name} is {value!r}, expected a whole number of at least {low}")
            if one.type is float and not (type(value) in (int, float) and 0 <= value < math.inf):
                raise ValueError(f"stopping.{one.name} is {value!r}, expected a number of at least 0")

    def enough(self, pooled: Fit, left_out: Sequence[Fit]) -> bool:
        """Whether enough is known of every label, from the fit to all seeds and those that leave out each of them."""
        errors = jackknife(left_out)
        weights = np.stack([one.coefficients for one in (pooled, *left_out)], axis=1)  # [c, 1 + seeds, k]
        return all(self._known(*label) for label in zip(weights, errors, strict=True))

    def _known(self, weights: NDArray[np.float64], error: NDArray[np.float64]) -> bool:
        size, miss = _root_mean_square(weights[0]), _root_mean_square(error)
        return miss <= self.tie * size or (miss <= self.precision * size and self._settled(weights, error))

    def _settled(self, weights: NDArray[np.float64], error: NDArray[np.float64]) -> bool:
        """Whether the same superpixels would be on top again."""
        sizes = np.abs(weights[0])
        edge = np.argsort(-sizes, kind="stable")[self.top - 1 : self.top + 1]
        clear = len(edge) < 2 or -np.diff(sizes[edge])[0] >= self.gap * np.linalg.norm(error[edge])
        sets = top_sets(weights, self.top)
        return bool(clear) and all(one == sets[0] for one in sets)


def _root_mean_square(values: NDArray[np.float64]) -> float:
    return float(np.sqrt((values**2).mean()))
