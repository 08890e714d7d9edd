"""Regions that overlap: a canvas cut into pieces at several scales, each grown a little beyond its edges.

As XRAI has them: Kapishnikov, Bolukbasi, Viegas and Terry, "XRAI: Better attributions through regions", ICCV 2019,
section 3.2, with the numbers of its authors' package `saliency` 0.2.1. The pieces are those of Felzenszwalb and
Huttenlocher (2004), and `scale` is theirs: the larger, the larger the pieces.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from skimage import segmentation, transform

SCALES = (50, 100, 150, 250, 500, 1200)
SIGMA = 0.8
SMALLEST = 150  # pixels of a piece, of the 224x224 that are cut
SIDE = 224  # what is cut, whatever the canvas, for the scales are meant for it
REACH = 5  # pixels that a piece grows, for what tells an object from its surroundings lies on its edge

Masks = NDArray[np.bool_]


def regions(canvas: NDArray[np.uint8]) -> Masks:
    """The regions of a canvas at six scales, the finest first, bool [r, h, w].

    Parameters
    ----------
    canvas : uint8 [h, w, 3]
    """
    cut = _stretched(canvas)
    return np.concatenate([grown(_pieces(cut, scale, canvas.shape[:2])) for scale in SCALES])


def grown(pieces: NDArray[np.integer], reach: int = REACH) -> Masks:
    """Each piece and all that lies within `reach` pixels of it.

    Parameters
    ----------
    pieces : int [h, w], labels 0..r-1

    Returns
    -------
    bool [r, h, w]

    Examples
    --------
    >>> grown(np.array([[0, 0, 0, 1, 1]]), reach=1).astype(int)
    array([[[1, 1, 1, 1, 0]],
    <BLANKLINE>
           [[0, 0, 1, 1, 1]]])
    """
    boxes = scipy.ndimage.find_objects(pieces + 1)
    masks = np.zeros((len(boxes), *pieces.shape), dtype=bool)
    for number, (rows, columns) in enumerate(boxes):
        near = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in (rows, columns))
        masks[number][near] = scipy.ndimage.distance_transform_edt(pieces[near] != number) <= reach
    return masks


def apart(segments: NDArray[np.int32]) -> Masks:
    """Superpixels as regions, which do not overlap, bool [k, h, w]."""
    return np.asarray(segments == np.arange(segments.max() + 1)[:, None, None])


def _stretched(canvas: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The canvas on -1..1 between its darkest and its brightest value, at the size that is cut; of one color, zeros."""
    darkest, brightest = float(canvas.min()), float(canvas.max())
    values = 2 * (canvas - darkest) / max(brightest - darkest, 1) - 1
    return _resized(values, (SIDE, SIDE), order=3, anti_aliasing=True)


def _pieces(cut: NDArray[np.float64], scale: int, size: tuple[int, ...]) -> NDArray[np.int64]:
    pieces = segmentation.felzenszwalb(cut, scale=scale, sigma=SIGMA, min_size=SMALLEST)
    laid = _resized(pieces, size, order=0, preserve_range=True, anti_aliasing=False).astype(np.int64)
    return np.asarray(np.unique(laid, return_inverse=True)[1].reshape(size))  # a small canvas may lose a piece


def _resized(values: NDArray[Any], size: tuple[int, ...], **options: Any) -> NDArray[Any]:
    resize: Callable[..., NDArray[Any]] = transform.resize
    return resize(values, size, mode="constant", **options)
