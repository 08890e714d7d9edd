"""A ranking of regions: those first that have the most attribution for their area.

Kapishnikov, Bolukbasi, Viegas and Terry, "XRAI: Better attributions through regions", ICCV 2019, algorithm 1. A region
counts by what it adds to those before it. The authors' package ranks by *density*, the mean attribution of the pixels
added, and passes over what adds fewer than 50; so does this.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float64]
Masks = NDArray[np.bool_]

LEAST = 50  # pixels that a region must add, in the authors' package


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Regions in order, none overlapping.

    Attributes
    ----------
    rank : int32 [h, w]
        Of the region that each pixel came with: 0 for the densest, 1 for the next. What no region added comes last.
    density : float64 [r]
        Mean attribution of each, by rank.
    """

    rank: NDArray[np.int32]
    density: Array

    @property
    def heat(self) -> NDArray[np.float32]:
        """The map, float32 [h, w]: each pixel has the density of its region, and the sum is the attribution's."""
        return self.density[self.rank].astype(np.float32)


def ranked(attribution: NDArray[np.floating], regions: Masks, *, fast: bool = False, least: int = LEAST) -> Ranking:
    """Regions ranked by the attribution in them.

    Parameters
    ----------
    attribution : float [h, w]
        Of whatever method; XRAI's own are integrated gradients from black and from white, averaged.
    regions : bool [r, h, w]
        They may overlap, and leave pixels out.
    fast : bool
        Put them in order once, by their own density, rather than after each by what the others would add.
    least : int
        Pixels that a region must add; 1 where regions do not overlap.

    Returns
    -------
    Ranking

    Examples
    --------
    >>> two = np.array([[[1, 1, 0, 0]], [[0, 1, 1, 1]]], dtype=bool)
    >>> ranked(np.array([[1.0, 5.0, 0.0, 1.0]]), two, least=1).heat
    array([[3. , 3. , 0.5, 0.5]], dtype=float32)
    """
    values = np.asarray(attribution, dtype=np.float64).ravel()
    flat = regions.reshape(len(regions), -1)
    added = list((_by_own_density if fast else _by_gain)(values, flat, least))
    added.sort(key=lambda pixels: -values[pixels].mean())  # what comes later may be denser: it was worth less alone
    rest = np.ones(len(values), dtype=bool)
    for pixels in added:
        rest[pixels] = False
    added += [np.flatnonzero(rest)] if rest.any() else []
    rank = np.empty(len(values), dtype=np.int32)
    for place, pixels in enumerate(added):
        rank[pixels] = place
    density = np.array([values[pixels].mean() for pixels in added])
    return Ranking(rank.reshape(attribution.shape), density)


def _by_gain(values: Array, regions: Masks, least: int) -> Iterator[NDArray[np.intp]]:
    """The pixels that each region adds, always the region next whose pixels are densest."""
    inside, hidden = scipy.sparse.csr_array(regions, dtype=np.float64), np.ones(len(values))
    while True:
        areas = inside @ hidden
        totals = inside @ (hidden * values)
        worth = np.full(len(areas), -np.inf)
        np.divide(totals, areas, out=worth, where=areas >= max(least, 1))
        if not np.isfinite(worth).any():
            return
        pixels = np.flatnonzero(regions[worth.argmax()] & (hidden > 0))
        yield pixels
        hidden[pixels] = 0


def _by_own_density(values: Array, regions: Masks, least: int) -> Iterator[NDArray[np.intp]]:
    """The pixels that each region adds, the densest region first."""
    hidden = np.ones(len(values), dtype=bool)
    filled = regions[regions.any(axis=1)]
    for region in filled[np.argsort([-values[region].mean() for region in filled], kind="stable")]:
        pixels = np.flatnonzero(region & hidden)
        if len(pixels) >= max(least, 1):
            yield pixels
            hidden[pixels] = False
