"""Superpixels: the regions that are switched on and off."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import segmentation

from pipeline.text import meant

# A design, a surrogate and its error take k x k numbers, and far fewer masks than superpixels tell nothing apart.
MOST = 1_024

# How each segmenter is told to make fewer superpixels.
FEWER: Mapping[str, str] = {
    "slic": "lower n_segments",
    "quickshift": "raise max_dist",
    "felzenszwalb": "raise scale or min_size",
    "grid": "lower n_segments",
}


def relabel(labels: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """The same regions, labelled 0..k-1 in the order of their labels, with none missing.

    Examples
    --------
    >>> relabel(np.array([[1, 1], [7, 3]]))
    array([[0, 0],
           [2, 1]], dtype=int32)
    """
    _, inverse = np.unique(labels, return_inverse=True)
    return np.asarray(inverse.reshape(labels.shape), dtype=np.int32)


def grid(canvas: NDArray[np.uint8], n_segments: int = 49) -> NDArray[np.int32]:
    """About n_segments rectangles of equal size, row by row."""
    h, w = canvas.shape[:2]
    side = max(1, round(n_segments**0.5))
    rows, columns = np.arange(h) * side // h, np.arange(w) * side // w
    return relabel(rows[:, None] * side + columns)


def tiles(canvas: NDArray[np.uint8], side: int) -> NDArray[np.int32]:
    """Squares of `side` pixels, row by row from the upper left corner; the last of each are cut off by the border.

    Raises
    ------
    ValueError
        If there are more than `MOST`.
    """
    rows, columns = (np.arange(length) // side for length in canvas.shape[:2])
    if (k := int((rows[-1] + 1) * (columns[-1] + 1))) > MOST:
        raise ValueError(f"squares of {side} pixels cut the canvas into {k:,}, at most {MOST:,} go; take larger ones")
    return np.asarray(rows[:, None] * (columns[-1] + 1) + columns, dtype=np.int32)


def _slic(canvas: NDArray[np.uint8], **options: Any) -> NDArray[Any]:
    return np.asarray(segmentation.slic(canvas, start_label=0, **options))


def _quickshift(canvas: NDArray[np.uint8], **options: Any) -> NDArray[Any]:
    # 42 is scikit-image's default, and so lime's: lime's own seed has not reached quickshift since scikit-image 0.23.
    quickshift: Callable[..., NDArray[Any]] = segmentation.quickshift
    return np.asarray(quickshift(canvas, rng=42, **options))


def _felzenszwalb(canvas: NDArray[np.uint8], **options: Any) -> NDArray[Any]:
    return np.asarray(segmentation.felzenszwalb(canvas, **options))


SEGMENTERS: Mapping[str, Callable[..., NDArray[Any]]] = {
    "slic": _slic,
    "quickshift": _quickshift,
    "felzenszwalb": _felzenszwalb,
    "grid": grid,
}


OWN = ("image", "start_label", "rng")  # what is not for a recipe to say: the canvas, and what we say ourselves


def known_options(name: str) -> tuple[str, ...]:
    """The options of a segmenter.

    Examples
    --------
    >>> known_options("grid")
    ('n_segments',)
    """
    made = grid if name == "grid" else getattr(segmentation, name)
    return tuple(one for one in inspect.signature(made).parameters if one not in (*OWN, "canvas"))


def check(name: str, options: Mapping[str, Any]) -> None:
    """Refuse a segmenter's name or options before any photograph has been decoded. Raises ValueError."""
    known = known_options(name) if name in SEGMENTERS else tuple(options)
    for option in options:
        if option not in known:
            near = meant(option, known)
            raise ValueError(f"segmenter {name} has no option {option!r}{near}; it has {', '.join(known)}")
    asked = options.get("n_segments")
    if isinstance(asked, int | float) and asked > MOST:
        raise ValueError(f"segmenter {name}: n_segments is {asked:,}, expected at most {MOST:,}; lower it")
    swatch = np.arange(16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8)
    segment(swatch, name, options)


def segment(canvas: NDArray[np.uint8], name: str, options: Mapping[str, Any]) -> NDArray[np.int32]:
    """Cut a canvas into superpixels.

    Parameters
    ----------
    canvas : uint8 [h, w, 3]
    name : "slic", "quickshift", "felzenszwalb" or "grid"
    options : the segmenter's own, as scikit-image names them

    Returns
    -------
    int32 [h, w], labels 0..k-1 with none missing.

    Raises
    ------
    ValueError
        If the name or an option is unknown, the segmenter refuses the option's value, or k is above `MOST`.
    """
    if name not in SEGMENTERS:
        raise ValueError(f"segmenter is {name!r}, expected one of {', '.join(SEGMENTERS)}")
    try:
        segments = relabel(SEGMENTERS[name](canvas, **options))
    except (TypeError, ArithmeticError) as error:
        raise ValueError(f"segmenter {name}: {error}") from error
    if (k := int(segments.max()) + 1) > MOST:
        told = ", ".join(f"{option}={value}" for option, value in options.items()) or "its defaults"
        raise ValueError(f"segmenter {name}: {told} gives {k:,} superpixels, at most {MOST:,} go; {FEWER[name]}")
    return segments
