"""Which photographs excite a channel of a layer most, and where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float32]

REGION = 0.5  # of the largest activation: what of the map counts as the exciting region


@dataclass(frozen=True, slots=True, eq=False)
class Excited:
    """A photograph, and the map of a channel of it.

    Attributes
    ----------
    photograph : int
        Its number.
    activation : float
        The map's largest value.
    map : float32 [h, w]
    """

    photograph: int
    activation: float
    map: Maps

    @property
    def region(self) -> NDArray[np.bool_]:
        """The places that excite the channel at least half as much as the strongest, bool [h, w]; none if none does."""
        return np.asarray((self.map >= REGION * self.activation) & (self.activation > 0))


def most_varied(maps: Iterable[Maps], most: int) -> list[int]:
    """The channels whose largest activation differs most from photograph to photograph, the most varied first.

    Parameters
    ----------
    maps : iterable of float32 [c, h, w]
        A layer's, of each photograph.
    most : int
        Channels.
    """
    largest = np.stack([one.max(axis=(1, 2)) for one in maps])
    spread = largest.std(axis=0) if len(largest) > 1 else largest[0]
    return [int(channel) for channel in np.argsort(-spread, kind="stable")[:most]]


def most_excited(maps: Sequence[Maps], channel: int, most: int) -> list[Excited]:
    """The photographs that excite a channel most, the strongest first.

    Examples
    --------
    >>> [one.photograph for one in most_excited([np.zeros((1, 2, 2)), np.ones((1, 2, 2))], 0, 1)]
    [1]
    """
    found = [Excited(number, float(one[channel].max()), one[channel]) for number, one in enumerate(maps)]
    return sorted(found, key=lambda one: -one.activation)[:most]
