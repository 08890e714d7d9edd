"""Alignment: two attributions over other superpixels, laid onto one grid over the photograph."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model.profile import Placement

GRID = 64  # cells along each side of the photograph: finer than any superpixel of the usual fifty


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a network saw of a photograph: its superpixels int32 [h, w], and the part they cover, in pixels."""

    segments: NDArray[np.int32]
    placement: Placement
    width: int
    height: int

    def cells(self) -> NDArray[np.int32]:
        """The superpixel at the middle of each cell of the grid, int32 [GRID²]; -1 where the network saw nothing."""
        place, (h, w) = self.placement, self.segments.shape
        middles = (np.arange(GRID) + 0.5) / GRID
        rows = np.floor((middles * self.height - place.top) / (place.bottom - place.top) * h).astype(int)
        columns = np.floor((middles * self.width - place.left) / (place.right - place.left) * w).astype(int)
        inside = ((rows >= 0) & (rows < h))[:, None] & ((columns >= 0) & (columns < w))
        found = self.segments[np.ix_(rows.clip(0, h - 1), columns.clip(0, w - 1))]
        return np.where(inside, found, -1).astype(np.int32).ravel()


def spread(seen: Seen, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights, float64 [..., k], spread evenly over the cells of their superpixels: float64 [..., GRID²].

    A superpixel that is smaller than a cell and holds the middle of none is lost.
    """
    cells = seen.cells()
    sizes = np.bincount(cells[cells >= 0], minlength=weights.shape[-1]).clip(min=1)
    return np.asarray(np.where(cells >= 0, (weights / sizes)[..., cells], 0.0))
