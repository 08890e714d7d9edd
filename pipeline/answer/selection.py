"""Selection: which superpixels count as the support of a label."""

import math
from dataclasses import dataclass
from typing import Literal, Self, get_args

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

    @classmethod
    def of(cls, text: str) -> Self:
        """The selection that a person writes: so many, a share of all superpixels, or a least weight.

        Raises ValueError.

        Examples
        --------
        >>> Selection.of("4"), Selection.of("10%"), Selection.of(">0.02")
        (Selection(by='number', value=4.0), Selection(by='share', value=0.1), Selection(by='threshold', value=0.02))
        """
        by: Measure = "threshold" if text.startswith(">") else "share" if text.endswith("%") else "number"
        try:
            value = float(text.strip(">=% ")) / (100 if by == "share" else 1)
            if not 0 < value < math.inf or (by == "number" and not value.is_integer()):
                raise ValueError
            return cls(by, value)
        except ValueError:
            ways = "a number of superpixels like 4, a share of them like 10%, or a least weight like '>0.02'"
            raise ValueError(f"show is {text!r}, expected {ways}") from None

    def strongest(self, weights: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each superpixel is among the strongest, for or against: float [k] to bool [k]."""
        return self.chosen(np.abs(weights))

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
