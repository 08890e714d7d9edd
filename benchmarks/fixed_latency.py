"""Workers whose model is a sleep: `celery -A benchmarks.fixed_latency worker`. For the row `scaling` alone."""

import os
import time
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.model.precision import CPU, F32, Precision
from pipeline.scene.scene import Scene
from tasks import app, runtime

__all__ = ["APP", "SECONDS", "app"]

APP = "benchmarks.fixed_latency"
SECONDS = "POLELENS_BENCH_SECONDS_AN_EVALUATION"


class Asleep:
    """A black box that takes a fixed time for each evaluation and no processor, as a device of its own would."""

    provider = CPU

    def __init__(self, columns: int) -> None:
        self._columns = np.linspace(0, 1, columns, dtype=np.float32)
        self._seconds = float(os.environ[SECONDS])

    def scores(self, scene: Scene, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Scores that follow the share of superpixels that are on, float32 [n, c], after a sleep."""
        del scene
        time.sleep(self._seconds * len(masks))
        return np.asarray(masks.mean(axis=1, keepdims=True, dtype=np.float32) * self._columns)


@lru_cache(maxsize=2)
def black_box(number: int, precision: Precision = F32) -> Asleep:
    """In the place of tasks.runtime's own."""
    del precision
    return Asleep(len(runtime.model(number).labels))


runtime.black_box = black_box  # type: ignore[assignment]
