"""Pictures that excite a network most: gradient ascent from noise, over canvases that are smooth by nature.

Olah, Mordvintsev and Schubert, "Feature visualization", Distill 2017: frequencies weigh by one over their own, colours
are decorrelated, and each step sees the canvas shifted a little, lest a grid as fine as the network's strides arise.
Adam is that of Kingma and Ba 2015, algorithm 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ascent = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From a canvas, float32 [h, w, 3] on 0..255, to the gradient of what is to grow, of the same shape."""

# The square root of the covariance of colours in ImageNet, from lucid (Apache-2.0), over its largest column's length.
COLORS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]]) / 0.4619
RATE, DECAY, SECOND, TINY = 0.05, 0.9, 0.999, 1e-8
JITTER = 8  # pixels that a step's canvas is shifted at most, of 224
FIRST = 0.1  # standard deviation of the noise that it begins with


@dataclass(frozen=True, slots=True)
class Climb:
    """How to climb.

    Attributes
    ----------
    steps : int
    seed : int
        Of the noise that it begins with, and of the shifts.
    """

    steps: int = 128
    seed: int = 0


def maximised(size: tuple[int, int], ascent: Ascent, climb: Climb) -> NDArray[np.uint8]:
    """The canvas, uint8 [h, w, 3], that gradient ascent comes to.

    Parameters
    ----------
    size : (h, w)
    ascent : (canvas) -> gradient
    climb : Climb
    """
    rng = np.random.Generator(np.random.Philox(climb.seed))
    values = rng.normal(0, FIRST, (*size, 3))
    mean, square = np.zeros_like(values), np.zeros_like(values)
    reach = JITTER * min(size) // 224
    for step in range(1, climb.steps + 1):
        shift = tuple(rng.integers(-reach, reach + 1, 2).tolist())
        canvas = np.roll(painted(values), shift, axis=(0, 1)).astype(np.float32)
        change = np.roll(ascent(canvas), (-shift[0], -shift[1]), axis=(0, 1)).astype(np.float64)
        gradient = pulled_back(values, change)
        mean = DECAY * mean + (1 - DECAY) * gradient
        square = SECOND * square + (1 - SECOND) * gradient**2
        unit = mean / (1 - DECAY**step) / (np.sqrt(square / (1 - SECOND**step)) + TINY)
        values = values + RATE * unit
    return np.asarray(np.round(painted(values)), np.uint8)


def painted(values: Array) -> Array:
    """The canvas that values stand for, float64 [h, w, 3] each; the canvas is on 0..255, and grey where they are 0."""
    return np.asarray(255 / (1 + np.exp(-_smoothed(values) @ COLORS.T)))


def pulled_back(values: Array, change: Array) -> Array:
    """The gradient with respect to values, of a gradient with respect to their canvas."""
    share = painted(values) / 255
    return _smoothed((change * 255 * share * (1 - share)) @ COLORS)


def _smoothed(values: Array) -> Array:
    """Values with each frequency divided by itself: a symmetric map, which is its own adjoint."""
    scale = _falloff(values.shape[0], values.shape[1])[..., None]
    return np.asarray(np.fft.irfft2(np.fft.rfft2(values, axes=(0, 1)) * scale, s=values.shape[:2], axes=(0, 1)))


@cache
def _falloff(height: int, width: int) -> Array:
    """One over the frequency, the lowest of the longer side for the mean; noise stays noise of the same power."""
    across, down = np.fft.rfftfreq(width), np.fft.fftfreq(height)
    frequency = np.maximum(np.hypot(down[:, None], across), 1 / max(height, width))
    return np.asarray(1 / frequency / np.sqrt(np.mean(1 / frequency**2)))
