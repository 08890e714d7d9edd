"""Faults of messages: delivered twice and out of order, and asked for by two producers and two sweepers at once."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np

from tests.chaos.fault import Broken
from tests.chaos.stage import SETTINGS, Stage

RUSH_SECONDS = 3
RUSHING = {"POLELENS_LEASE_SECONDS": "0.5"}  # so that there is always something for the sweepers to quarrel about


@dataclass(frozen=True, slots=True)
class Twice:
    """Every message is delivered twice, and out of order, for the time of some photographs."""

    name: str = "messages twice"
    photographs: int = 10

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Publish everything twice until so many more photographs are done."""
        del dice
        stage.charges.twice()
        try:
            stage.await_done(self.photographs)
        finally:
            stage.charges.once()


@dataclass(frozen=True, slots=True)
class Rush:
    """Two producers and two sweepers, in processes of their own, work without a pause beside the usual ones."""

    name: str = "two producers and two sweepers"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Let them, and see that no more than a window of photographs is ever in flight."""
        del dice
        command = [sys.executable, "-m", "tests.chaos.rush", str(RUSH_SECONDS)]
        rushing = [subprocess.Popen(command, cwd="/", env=stage.environment | RUSHING) for _ in range(2)]
        try:
            most = max(_in_flight(stage) for _ in iter(lambda: rushing[0].poll() is None, False))
            ends = [process.wait(60) for process in rushing]
        finally:
            for process in rushing:
                process.kill()
                process.wait()
        if any(ends) or most > int(SETTINGS["POLELENS_WINDOW"]):
            raise Broken(f"the producers and sweepers ended with {ends}, {most} photographs were in flight")


def _in_flight(stage: Stage) -> int:
    return stage.progress().in_flight


FAULTS = (Twice(), Rush())
