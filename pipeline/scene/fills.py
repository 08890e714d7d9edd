"""Fills: what a switched-off superpixel shows."""

import re

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

NAMED = ("mean", "black", "blur")


def mean_fill(canvas: NDArray[np.uint8], segments: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Each superpixel in its own mean colour, rounded down as the lime package does.

    Examples
    --------
    >>> canvas = np.array([[[10, 0, 0], [21, 0, 0]]], dtype=np.uint8)
    >>> mean_fill(canvas, np.array([[0, 0]], dtype=np.int32))[..., 0]
    array([[15, 15]], dtype=uint8)
    """
    flat = segments.ravel()
    count = np.bincount(flat)
    colors = [np.bincount(flat, canvas[..., channel].ravel()) / count for channel in range(3)]
    return np.stack(colors, axis=1).astype(np.uint8)[segments]


def fill(canvas: NDArray[np.uint8], segments: NDArray[np.int32], name: str) -> NDArray[np.uint8]:
    """The fill of a canvas.

    Parameters
    ----------
    canvas : uint8 [h, w, 3]
    segments : int32 [h, w]
    name : "mean" (each superpixel's mean colour), "black", "blur" (Gaussian, sigma a sixteenth of the height) or
        a colour "#rrggbb"

    Returns
    -------
    uint8 [h, w, 3]

    Raises
    ------
    ValueError
        If the name is none of these.
    """
    if name == "mean":
        return mean_fill(canvas, segments)
    if name == "blur":
        sigma = canvas.shape[0] / 16
        blurred = ndimage.gaussian_filter(canvas.astype(np.float32), (sigma, sigma, 0))
        return np.asarray(np.round(blurred), dtype=np.uint8)
    return np.broadcast_to(color(name), canvas.shape).copy()


def color(name: str) -> NDArray[np.uint8]:
    """The colour that a fill names: uint8 [3]. Raises ValueError for anything but black and #rrggbb."""
    text = "#000000" if name == "black" else str(name)
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise ValueError(f"fill is {name!r}, expected {', '.join(NAMED)} or a colour like #808080")
    return np.frombuffer(bytes.fromhex(text[1:]), dtype=np.uint8)
