"""Pools: means and maxima over windows."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pipeline.model.vjp.alone import alone
from pipeline.model.vjp.draft import Draft, Unsupported
from pipeline.model.vjp.walk import Rule, Step
from pipeline.model.vjp.windows import Windows, adjoint, windows


def average_pool(step: Step) -> Sequence[str | None]:
    """∂y shared out evenly over the pixels of each window."""
    draft, (win, means) = step.draft, _windows(step)
    pixels = _pixels(win)
    shares = np.where(pixels > 0, means / np.maximum(pixels, 1), 0)
    shared = draft.node("Mul", step.message, draft.constant(shares, step.x))
    return [_spread(step, draft.reshape(shared, [-1, 1, *win.out]), np.ones((1, 1, *win.kernel)), win)]


def max_pool(step: Step) -> Sequence[str | None]:
    """∂y to the first pixel of each window that has the maximum, as PyTorch and ONNX Runtime choose it.

    One comparison for each place of the window, since scattering to `Indices` overwrites or adds in another order on
    some devices; where the pixels of a window are all alike, only one of them gets the message.
    """
    draft, (win, _) = step.draft, _windows(step)
    padded = draft.pad(step.x, [0, 0, *win.begins], [0, 0, *win.ends], draft.constant(-np.inf, step.x))
    handed, free = [], None
    for offset in product(*map(range, win.kernel)):
        less = draft.node("Less", _at(draft, padded, offset, win), step.y)
        first = draft.node("Not", less)
        first = first if free is None else draft.node("And", first, free)
        free = less if free is None else draft.node("And", free, less)
        share = draft.node("Mul", step.message, draft.cast(first, step.y))
        handed.append(draft.reshape(share, [-1, 1, *win.out]))
    places = len(handed)
    return [_spread(step, draft.node("Concat", *handed, axis=1), np.eye(places).reshape(places, 1, *win.kernel), win)]


def global_average_pool(step: Step) -> Sequence[str | None]:
    """∂y / n at each pixel."""
    draft = step.draft
    size = draft.lengths(step.x, range(2, len(draft.shape(step.x))))
    return [draft.node("Mul", step.message, draft.constant(np.full((1, 1, *size), 1 / np.prod(size)), step.x))]


def _windows(step: Step) -> tuple[Windows, NDArray[np.float32]]:
    """The windows, and what the node makes of a picture of ones, [1, 1, *win.out].

    ONNX Runtime is asked: what the padding, and a last window that reaches beyond it, count for in a mean has changed
    with its versions and differs from PyTorch's. A last window wholly beyond the picture it leaves out, and when it
    checks shapes it counts it: no node can be put beside such a pool.
    """
    kernel = tuple(step.attribute("kernel_shape"))
    size, out = (step.draft.lengths(name, range(2, 2 + len(kernel))) for name in (step.x, step.y))
    answer = alone(step.draft.model, step.node, np.ones((1, 1, *size), np.float32))
    if answer.shape[2:] != out:
        raise Unsupported("ceil_mode with a window beyond the picture")
    return windows(step, kernel), answer


def _at(draft: Draft, padded: str, offset: tuple[int, ...], win: Windows) -> str:
    """The pixel at one place of each window."""
    starts = [o * d for o, d in zip(offset, win.dilations, strict=True)]
    ends = [start + (o - 1) * s + 1 for start, o, s in zip(starts, win.out, win.strides, strict=True)]
    return draft.slice(padded, list(range(2, 2 + len(ends))), starts, ends, list(win.strides))


def _spread(step: Step, message: str, weight: NDArray[np.float64], win: Windows) -> str:
    """The adjoint of a convolution of each channel by itself, from [n · channels, places, *win.out]."""
    draft = step.draft
    spread = adjoint(draft, message, draft.constant(weight, step.x), 1, win)
    channels = draft.lengths(step.x, range(1, 2))
    return draft.reshape(spread, [-1, *channels, *win.size])


def _pixels(win: Windows) -> NDArray[np.int64]:
    """How many pixels of the picture each window has, [1, 1, *win.out]."""
    counts = np.ones((1, 1), np.int64)
    for axis in range(len(win.size)):
        starts = np.arange(win.out[axis])[:, None] * win.strides[axis] - win.begins[axis]
        places = starts + np.arange(win.kernel[axis]) * win.dilations[axis]
        inside = ((places >= 0) & (places < win.size[axis])).sum(axis=1)
        counts = counts[..., None] * inside
    return counts


RULES: dict[str, Rule] = {
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "MaxPool": max_pool,
}
