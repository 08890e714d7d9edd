"""Pace: how many masks at once a device answers fastest, found by a short warm-up."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.model.precision import ON_PROCESSOR
from pipeline.model.profile import Profile
from pipeline.scene.scene import Scene
from pipeline.scene.segments import grid

ON_CPU = (2, 4, 8, 16, 32)  # small batches stay in the cache: EfficientNet-Lite0 is fastest at 2 to 4
ON_DEVICE = (16, 32, 64, 128, 256)
RUNS = 5  # of which the fastest counts: whatever else the machine does only ever slows it down
SECONDS = 5.0  # after so long no larger batch is tried
WORTH = 1.02  # a larger batch costs memory: it has to be this much faster
FALL = 1.25  # slower by this much, no larger batch is tried; less may be whatever else the machine does


@dataclass(frozen=True, slots=True)
class Pace:
    """The micro-batch at which a device is fastest for a model, and the evaluations a second it then answers."""

    batch: int
    rate: float


def find_pace(model: Model, black_box: BlackBox) -> Pace:
    """Try micro-batches from the smallest up until none is faster, on noise; leaves the black box with the best one.

    Parameters
    ----------
    model : Model
    black_box : BlackBox
        Of that model.

    Returns
    -------
    Pace
    """
    sizes = (ON_CPU if black_box.provider in ON_PROCESSOR else ON_DEVICE) if model.batch else (1,)
    scene = noise(model.profile)
    best = fastest(_in_time(sizes), lambda batch: _rate(black_box, scene, batch))
    black_box.batch = best.batch
    return best


def fastest(sizes: Iterable[int], rate: Callable[[int], float]) -> Pace:
    """The size with the highest rate, of sizes that grow: none is tried once it has clearly fallen.

    Examples
    --------
    >>> fastest([1, 2, 4, 8], {1: 100, 2: 150, 4: 151, 8: 90}.__getitem__)
    Pace(batch=2, rate=150)
    """
    best = Pace(1, 0.0)
    for batch in sizes:
        found = rate(batch)
        if found > WORTH * best.rate:
            best = Pace(batch, found)
        elif found < best.rate / FALL:
            break
    return best


def _in_time(sizes: Sequence[int]) -> Iterator[int]:
    """The sizes, the first in any case, until the time is up."""
    deadline = time.perf_counter() + SECONDS
    yield sizes[0]
    yield from takewhile(lambda _: time.perf_counter() < deadline, sizes[1:])


def _rate(black_box: BlackBox, scene: Scene, batch: int) -> float:
    """Evaluations a second in batches of this size."""
    black_box.batch = batch
    masks = np.random.Generator(np.random.Philox(batch)).random((batch, scene.k)) < 0.5
    black_box.answers(scene, masks)  # memory is taken, and on a GPU kernels are chosen, at the first run of a size
    return batch / min(_seconds(black_box, scene, masks) for _ in range(RUNS))


def _seconds(black_box: BlackBox, scene: Scene, masks: NDArray[np.bool_]) -> float:
    began = time.perf_counter()
    black_box.answers(scene, masks)
    return time.perf_counter() - began


def noise(profile: Profile) -> Scene:
    """A picture of noise in squares, before grey."""
    shape = (profile.height, profile.width, 3)
    canvas = np.random.Generator(np.random.Philox(0)).integers(0, 256, shape, dtype=np.uint8)
    return Scene(canvas, grid(canvas), np.full_like(canvas, 128))
