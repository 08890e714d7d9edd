"""Faults of processes: killed, or frozen for longer than anybody waits for them."""

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from tests.chaos.charges import Line
from tests.chaos.failing import POINTS
from tests.chaos.live_stack import WORKERS, Stage

FROZEN_SECONDS = 8  # longer than the stage's lease and its visibility timeout


@dataclass(frozen=True, slots=True)
class PoolKilled:
    """SIGKILL of a pool process, as the kernel does when memory runs out."""

    name: str = "a pool process killed"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Kill one; it is mended when its worker has forked another."""
        worker = WORKERS[dice.integers(len(WORKERS))]
        pid = stage.supervisor.pool(worker)[0]
        kill_pool(pid)
        stage.supervisor.await_new_pool(worker, pid)


@dataclass(frozen=True, slots=True)
class WorkerKilled:
    """SIGKILL of a worker, as when a machine dies, or of its parent process alone."""

    name: str = "a worker killed"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Kill one; it is mended when the one started in its place has a pool."""
        worker = WORKERS[dice.integers(len(WORKERS))]
        pid = stage.supervisor.pool(worker)[0]
        kill_worker(stage, worker, dice)
        stage.supervisor.await_new_pool(worker, pid)


def kill_pool(pid: int) -> None:
    """Kill a pool process."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_worker(stage: Stage, worker: str, dice: np.random.Generator) -> None:
    """Kill a worker's parent process, or all of it."""
    kill = (os.kill, os.killpg)[dice.integers(2)]
    with suppress(ProcessLookupError):
        kill(stage.supervisor.pid(worker), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Frozen:
    """SIGSTOP of a whole worker at a fail-point, for longer than anybody waits for it, then SIGCONT."""

    name: str
    point: str
    refused: bool  # whether its late answer is one that the ledger counts as refused

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Freeze it until the other has done what it holds, and thaw it; its late answer changes nothing."""
        del dice
        pid, duplicates = stage.charges.await_met(stage.charges.lay(self.point, "stop"), stage.over), "duplicates"
        group, refused, held = os.getpgid(pid), stage.counted(duplicates), stage.charges.held(pid)
        os.killpg(group, signal.SIGSTOP)
        frozen = time.time()
        try:
            time.sleep(FROZEN_SECONDS)
            stage.wait(lambda: _goes_on(stage.charges.diary(), frozen, held))
        finally:
            os.killpg(group, signal.SIGCONT)
        stage.mended()
        if self.refused:
            stage.wait(lambda: stage.counted(duplicates) > refused)


def _goes_on(diary: Sequence[Line], since: float, part: int) -> bool:
    """Whether somebody has answered this part, and has finished a photograph since."""
    answered = any((line.what, line.part) == ("answered", part) for line in diary)
    return answered and any(line.what == "finished" and line.seconds > since for line in diary)


@dataclass(frozen=True, slots=True)
class Died:
    """A process dies at a fail-point."""

    point: str

    @property
    def name(self) -> str:
        """Which."""
        return f"death {self.point.replace('-', ' ')}"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Have the next process that comes past die there; its worker forks another at once."""
        del dice
        stage.charges.await_met(stage.charges.lay(self.point), stage.over)


POOL, WORKER = PoolKilled(), WorkerKilled()
DEATHS = tuple(map(Died, POINTS))
FROZEN = (
    Frozen("a worker frozen with an answer in its hands", "before-record_part", refused=True),
    Frozen("a worker frozen in the middle of a transaction", "after-count_done", refused=False),
)
FAULTS = (POOL, WORKER, *FROZEN, *DEATHS)
