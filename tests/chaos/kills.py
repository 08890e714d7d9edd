"""Faults of processes: killed, or frozen for longer than anybody waits for them."""

import os
import signal
import time
from dataclasses import dataclass

import numpy as np

from tests.chaos.fault import Broken
from tests.chaos.stage import WORKERS, Stage

FROZEN_SECONDS = 8  # longer than the stage's lease and its visibility timeout


@dataclass(frozen=True, slots=True)
class PoolKilled:
    """SIGKILL of a pool process, as the kernel does when memory runs out."""

    name: str = "a pool process killed"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Kill one; it is mended when its worker has forked another."""
        worker = WORKERS[dice.integers(len(WORKERS))]
        child = stage.supervisor.pool(worker)[0]
        child.kill()
        stage.supervisor.await_new_pool(worker, child.pid)


@dataclass(frozen=True, slots=True)
class WorkerKilled:
    """SIGKILL of a worker, as when a machine dies, or of its parent process alone."""

    name: str = "a worker killed"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Kill one; it is mended when the one started in its place has a pool."""
        worker, kill = WORKERS[dice.integers(len(WORKERS))], (os.kill, os.killpg)[dice.integers(2)]
        pids = [child.pid for child in stage.supervisor.pool(worker)]
        kill(stage.supervisor.pid(worker), signal.SIGKILL)
        stage.supervisor.await_new_pool(worker, pids[0])


@dataclass(frozen=True, slots=True)
class Frozen:
    """SIGSTOP of a whole worker that has an answer in its hands, for longer than anybody waits, then SIGCONT."""

    name: str = "a worker frozen"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Freeze and thaw it; its late answer is refused."""
        del dice
        before, refused = stage.progress(), stage.counted("duplicates")
        group = os.getpgid(stage.charges.await_met(stage.charges.lay("before-record_part", "stop"), stage.over))
        os.killpg(group, signal.SIGSTOP)
        try:
            time.sleep(FROZEN_SECONDS)
        finally:
            os.killpg(group, signal.SIGCONT)
        stage.mended()
        after = stage.progress()
        if (after.done, after.evaluations) == (before.done, before.evaluations):
            raise Broken("the other worker did not go on")
        stage.wait(lambda: stage.counted("duplicates") > refused)


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
