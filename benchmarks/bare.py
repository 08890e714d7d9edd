"""The bare loop: ONNX Runtime alone, in processes of its own, on pictures that are there already."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.model import Model
from pipeline.model.session import open_session
from polelens.stack.workers import HUGE_PAGES

_held: dict[str, Any] = {}  # what a process of the loop holds: its session and a batch of pictures


@dataclass(frozen=True, slots=True)
class Bare:
    """Processes with one thread and one session each."""

    processes: tuple[ProcessPoolExecutor, ...]

    def seconds(self, evaluations: int) -> float:
        """The wall time of so many evaluations, shared between the processes."""
        shares = np.diff(np.linspace(0, evaluations, len(self.processes) + 1).astype(int)).tolist()
        began = time.perf_counter()
        running = [one.submit(_loop, share) for one, share in zip(self.processes, shares, strict=True)]
        for future in running:
            future.result()
        return time.perf_counter() - began


@contextmanager
def bare(model: Model, processes: int, batch: int) -> Iterator[Bare]:
    """A bare loop over a model, its sessions opened and warm."""
    os.environ.update(HUGE_PAGES)  # as the workers have it: processes that are started from here on
    with ExitStack() as stack:
        pools = tuple(
            stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"), _open, (model.onnx, batch, size)))
            for size in [(model.profile.height, model.profile.width)] * processes
        )
        loop = Bare(pools)
        loop.seconds(processes * 2 * batch)
        yield loop


def pictures(batch: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """A batch of noise, float32 [batch, 3, height, width]."""
    return np.random.Generator(np.random.Philox(0)).normal(size=(batch, 3, *size)).astype(np.float32)


def _open(onnx: bytes, batch: int, size: tuple[int, int]) -> None:
    session = open_session(onnx, threads=1)
    _held.update(session=session, name=session.get_inputs()[0].name, pictures=pictures(batch, size))


def _loop(evaluations: int) -> None:
    session, name, batch = _held["session"], _held["name"], _held["pictures"]
    for start in range(0, evaluations, len(batch)):
        session.run(None, {name: batch[: evaluations - start]})
