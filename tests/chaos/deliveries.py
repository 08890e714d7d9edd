"""Faults of messages: delivered twice and out of order, and asked for by two producers and two sweepers at once."""

import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from tests.chaos.fault import Broken, Missed
from tests.chaos.live_stack import SETTINGS, Stage

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
        command, pipes = [sys.executable, "-m", "tests.chaos.rush", str(RUSH_SECONDS)], subprocess.PIPE
        environment = stage.environment | RUSHING
        with ExitStack() as later:
            rushing = [
                later.enter_context(subprocess.Popen(command, cwd="/", env=environment, stdin=pipes, stdout=pipes))
                for _ in range(2)
            ]
            for process in rushing:
                process.stdout.readline()  # it is ready, after some seconds of imports
            if stage.over():
                raise Missed("the audit was over")
            for process in rushing:
                process.stdin.close()
            most = max(_in_flight(stage) for _ in iter(lambda: rushing[0].poll() is None, False))
        if any(process.returncode for process in rushing) or most > int(SETTINGS["POLELENS_WINDOW"]):
            raise Broken(f"{most} photographs were in flight, or a producer failed")


def _in_flight(stage: Stage) -> int:
    time.sleep(0.02)
    return stage.progress().in_flight


FAULTS = (Twice(), Rush())
