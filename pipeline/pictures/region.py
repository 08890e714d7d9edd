"""The region of a photograph that some of its superpixels cover, pixel by pixel."""

import numpy as np
from numpy.typing import NDArray

from pipeline.model.profile import Placement
from pipeline.pictures.backdrop import lay


def region(
    segments: NDArray[np.int32], chosen: NDArray[np.bool_], place: Placement, size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Where the chosen superpixels lie in the upright photograph.

    Parameters
    ----------
    segments : int32 [h, w]
        The canvas's superpixels, labels 0..k-1.
    chosen : bool [k]
    place : Placement
        The part of the photograph that the canvas shows.
    size : (H, W)
        The photograph's height and width, in pixels.

    Returns
    -------
    bool [H, W], columns contiguous in memory
        False where the network did not look.
    """
    (rows, columns), laid = lay(np.ascontiguousarray(segments.T), _turned(place), size[::-1])
    turned = np.zeros(size[::-1], dtype=np.bool_)  # run-length codes go down the columns: so do its bytes
    turned[rows, columns] = chosen[laid]
    return turned.T


def _turned(place: Placement) -> Placement:
    return Placement(place.top, place.left, place.bottom, place.right)
