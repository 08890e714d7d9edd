"""Selection: which superpixels count as the support of a label."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Measure = Literal["evidence", "number", "threshold", "share"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The superpixels to show among those with positive weight, strongest first.

    Attributes
    ----------
    by : "evidence", "number", "threshold" or "share"
        `evidence`: as few as carry this share of the whole positive weight, 0..1. `number`: at most so many.
        `threshold`: those with at least this weight. `share`: at most this share of all superpixels, 0..1.
    value : float

    Examples
    --------
    >>> Selection("evidence", 0.8).chosen(np.array([0.1, -0.5, 0.3, 0.6]))
    array([False, False,  True,  True])
    """

    by: Measure = "evidence"
    value: float = 0.8

    def __post_init__(self) -> None:
        if self.by not in get_args(Measure):
            raise ValueError(f"selection by {self.by!r}, expected one of {', '.join(get_args(Measure))}")
        if not self.value >= 0:
            raise ValueError(f"selection by {self.by}: value is {self.value}, expected 0 or more")
        if self.by in ("evidence", "share") and self.value > 1:
            raise ValueError(f"selection by {self.by}: value is {self.value}, expected 0..1")

    def chosen(self, weights: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each superpixel is chosen: float [k] to bool [k]. Zero and negative weights never are."""
        order = np.argsort(-weights, kind="stable")
        keep = np.zeros(len(weights), dtype=np.bool_)
        keep[order[: self._count(weights[order])]] = True
        return keep & (weights > 0)

    def _count(self, descending: NDArray[np.floating]) -> int:
        if self.by == "number":
            return int(self.value)
        if self.by == "share":
            return round(self.value * len(descending))
        if self.by == "threshold":
            return int(np.count_nonzero(descending >= self.value))
        carried = np.cumsum(np.maximum(descending, 0))
        # the margin lets a share of 1 be met in spite of rounding
        return int(np.searchsorted(carried, self.value * carried[-1] * (1 - 1e-12))) + 1 if self.value else 0
