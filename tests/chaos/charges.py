"""Charges: a folder in which a test lays what its workers then do once, where they come past the point.

A charge is a file of its own. Whoever renames it has it, so that of many processes exactly one does.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

from tests.chaos.fault import Missed

FOLDER = "POLELENS_CHAOS_FOLDER"  # the workers' environment names it
Deed = Literal["kill", "stop"]
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
FOLDERS = ("laid", "met", "poison")
TWICE = "twice"  # a file that says: publish every message twice, in any order
_numbers = count()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the diary: what was done, of which explanation and which row of `part`, by which process, and when."""

    seconds: float  # since the epoch
    what: str  # taken or answered, a part; or finished, an explanation
    explanation: int
    part: int
    pid: int


@dataclass(frozen=True, slots=True)
class Charges:
    """The folder, seen from either side."""

    home: Path

    def __post_init__(self) -> None:
        for name in FOLDERS:
            (self.home / name).mkdir(parents=True, exist_ok=True)

    # The test's side

    def lay(self, point: str, deed: Deed = "kill") -> str:
        """Have the next process that comes past the point end, or stop; the charge's name."""
        name = f"{point}.{deed}.{next(_numbers)}"
        (self.home / "laid" / name).touch()
        return name

    def await_met(self, name: str, over: Callable[[], bool], seconds: float = 60) -> int:
        """The pid of the process that met a charge. Raises Missed if `over` comes true before."""
        met, deadline = self.home / "met" / name, time.monotonic() + seconds
        while not (met.exists() and met.read_text()):
            if over() or time.monotonic() > deadline:
                (self.home / "laid" / name).unlink(missing_ok=True)
                if not met.exists():
                    raise Missed(f"nobody came past {name}")
            time.sleep(0.02)
        return int(met.read_text())

    def met(self) -> Counter[str]:
        """How often each point was met."""
        return Counter(path.name.partition(".")[0] for path in (self.home / "met").iterdir())

    def poison(self, step: str, image: str) -> None:
        """Have every process end that begins this step (prepare, infer or reduce) of a photograph, by its SHA-256."""
        (self.home / "poison" / f"{step}.{image}").touch()

    def cure(self) -> None:
        """No photograph is poisoned any more."""
        for path in (self.home / "poison").iterdir():
            path.unlink()

    def clear(self) -> None:
        """Take up all that was laid, and forget what was met and answered."""
        for folder in FOLDERS:
            for path in (self.home / folder).iterdir():
                path.unlink(missing_ok=True)
        (self.home / "diary").unlink(missing_ok=True)
        self.once()

    def twice(self) -> None:
        """From now on, every message is published twice, and in any order."""
        (self.home / TWICE).touch()

    def once(self) -> None:
        """From now on, once again."""
        (self.home / TWICE).unlink(missing_ok=True)

    def diary(self) -> list[Line]:
        """What was done, in the order of time."""
        path = self.home / "diary"
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [Line(float(when), what, *map(int, numbers)) for when, what, *numbers in lines]

    def answered(self) -> list[Line]:
        """The answers that were given, in the order of time."""
        return [line for line in self.diary() if line.what == "answered"]

    def held(self, pid: int) -> int:
        """The row of the part that a process took last."""
        return [line.part for line in self.diary() if (line.what, line.pid) == ("taken", pid)][-1]

    # The workers' side

    def meet(self, point: str) -> None:
        """Come past a point: if a charge lies there and nobody else has it, do what it says."""
        for path in (self.home / "laid").glob(f"{point}.*"):
            mine = self.home / "met" / path.name
            try:
                path.rename(mine)
            except FileNotFoundError:
                continue
            mine.write_text(str(os.getpid()))
            os.kill(os.getpid(), SIGNALS[path.name.split(".")[1]])

    def taste(self, step: str, image: str) -> None:
        """Die of a poisoned photograph."""
        if (self.home / "poison" / f"{step}.{image}").exists():
            os.kill(os.getpid(), signal.SIGKILL)

    def is_twice(self) -> bool:
        """Whether messages are published twice."""
        return (self.home / TWICE).exists()

    def write(self, what: str, explanation: int, part: int = 0) -> None:
        """Write a line into the diary."""
        with (self.home / "diary").open("a") as diary:  # a short line is appended whole or not at all
            diary.write(f"{time.time()} {what} {explanation} {part} {os.getpid()}\n")
