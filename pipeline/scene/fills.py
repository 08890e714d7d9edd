"""Fills: what a switched-off superpixel shows."""

import re

import numpy as np
import scipy
from numpy.typing import NDArray

AUTO = "auto"  # of a recipe: the model is asked, see `pipeline.methods.chosen_fill`
NAMED = ("mean", "black", "grey", "blur", "noise", "surroundings", AUTO)
GREY = "#808080"


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


def surroundings(canvas: NDArray[np.uint8], segments: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Each region continued from what is around it: the nearest colours outside, smoothed (sigma h / 64).

    Unlike a mean or a blur of its own it leaves no silhouette of what it takes away. A region that is all of the
    canvas, which nothing is around, shows its mean colour.

    Examples
    --------
    >>> canvas = np.array([[[0, 0, 0], [200, 0, 0], [100, 0, 0]]], dtype=np.uint8)
    >>> surroundings(canvas, np.array([[0, 1, 0]], dtype=np.int32))[0, :, 0].tolist()
    [200, 0, 200]
    """
    filled = mean_fill(canvas, segments)
    if segments.min() == segments.max():
        return filled
    sigma = canvas.shape[0] / 64
    for region in range(segments.max() + 1):
        inside = segments == region
        nearest = scipy.ndimage.distance_transform_edt(inside, return_distances=False, return_indices=True)
        continued = canvas[tuple(nearest)].astype(np.float32)
        smooth = scipy.ndimage.gaussian_filter(continued, (sigma, sigma, 0))
        filled[inside] = np.round(smooth[inside]).astype(np.uint8)
    return filled


def fill(canvas: NDArray[np.uint8], segments: NDArray[np.int32], name: str) -> NDArray[np.uint8]:
    """The fill of a canvas.

    Parameters
    ----------
    canvas : uint8 [h, w, 3]
    segments : int32 [h, w]
    name : "mean" (each superpixel's mean colour), "black", "grey", "blur" (Gaussian, sigma a sixteenth of the height),
        "noise" (each value of each pixel by chance), "surroundings" (see there) or a colour "#rrggbb"; "auto" is the
        mean until the model was asked

    Returns
    -------
    uint8 [h, w, 3]

    Raises
    ------
    ValueError
        If the name is none of these.
    """
    if name in ("mean", AUTO):
        return mean_fill(canvas, segments)
    if name == "surroundings":
        return surroundings(canvas, segments)
    if name == "noise":
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(canvas.shape)))
        return generator.integers(0, 256, canvas.shape, dtype=np.uint8)
    if name == "blur":
        sigma = canvas.shape[0] / 16
        blurred = scipy.ndimage.gaussian_filter(canvas.astype(np.float32), (sigma, sigma, 0))
        return np.asarray(np.round(blurred), dtype=np.uint8)
    return np.broadcast_to(color(name), canvas.shape).copy()


def color(name: str) -> NDArray[np.uint8]:
    """The colour that a fill names: uint8 [3]. Raises ValueError for anything but black, grey and #rrggbb."""
    text = {"black": "#000000", "grey": GREY}.get(str(name), str(name))
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise ValueError(f"fill is {name!r}, expected {', '.join(NAMED)} or a colour like #808080")
    return np.frombuffer(bytes.fromhex(text[1:]), dtype=np.uint8)
