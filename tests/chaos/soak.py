"""The soak: one audit after another, and faults at random times in an order that a seed replays."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from tests.chaos.fault import Broken, Fault, Missed
from tests.chaos.live_stack import PHOTOGRAPHS, Stage
from tests.chaos.registry import FAULTS

PAUSE_SECONDS = 2  # at most, between a recovery and the next strike
COUNTED = ("photographs", "parts", "evaluations", "duplicates", "republished")
PROGRESS = ("answered", "finished")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that is to strike: how long after the one before, and with what dice."""

    fault: Fault
    pause: float
    dice: np.random.Generator


@dataclass
class Outcome:
    """What a soak has seen."""

    seed: int
    asked: float  # seconds in which faults were to strike
    seconds: float = 0.0  # until the last audit ended
    audits: int = 0
    counted: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(default_factory=dict)  # seconds from the mending to the next progress
    stalls: int = 0  # workers that were stuck, and ended themselves
    broken: str = ""


def plan(seed: int) -> Iterator[Strike]:
    """Strikes without end, the same for the same seed: all faults in some order, all in another, and so on."""
    chance, number = np.random.Generator(np.random.Philox(key=seed)), 0
    while True:
        for place in chance.permutation(len(FAULTS)):
            number += 1
            dice = np.random.Generator(np.random.Philox(key=[seed, number]))
            yield Strike(FAULTS[place], PAUSE_SECONDS * chance.random(), dice)


def soak(stage: Stage, seconds: float, seed: int, say: Say) -> Outcome:
    """Break things for so long, and let the last audit end; stops at the first promise that is broken."""
    outcome, began, strikes = Outcome(seed, seconds), time.monotonic(), plan(seed)
    end, present = began + seconds, next(strikes)
    try:
        while time.monotonic() < end:
            stage.start_audit()
            while time.monotonic() < end and _goes_on(stage, present.pause):
                if not _strike(stage, present, outcome, say):
                    break  # it strikes the next audit
                present = next(strikes)
            stage.await_end()
            stage.assert_undisturbed()
            outcome.audits += 1
            outcome.counted.update({what: int(stage.counted(what)) for what in COUNTED})
            say(f"{time.monotonic() - began:6.0f} s  audit {outcome.audits}: {PHOTOGRAPHS} photographs as undisturbed")
    except Broken as broken:
        outcome.broken = f"after {present.fault.name}, strike {sum(outcome.struck.values())}: {broken}"
    outcome.seconds, outcome.stalls = time.monotonic() - began, stage.stalls()
    return outcome


def _goes_on(stage: Stage, pause: float) -> bool:
    """Whether the audit still runs after a pause."""
    time.sleep(pause)
    return not stage.over()


def _strike(stage: Stage, strike: Strike, outcome: Outcome, say: Say) -> bool:
    """Strike and measure the recovery; False if the audit ended before."""
    name = strike.fault.name
    try:
        strike.fault.strike(stage, strike.dice)
    except Missed as missed:
        say(f"          {name}: missed, {missed}")
        return False
    recovery = _recovery(stage, stage.take_mended())
    outcome.struck[name] += 1
    if recovery is not None:
        outcome.recoveries.setdefault(name, []).append(recovery)
    seconds = "-" if recovery is None else f"{recovery:.1f} s"
    say(f"          {name}: {seconds}  ({stage.progress().done} of {PHOTOGRAPHS} done)")
    return True


def _recovery(stage: Stage, mended: float) -> float | None:
    """Seconds from the mending to the next answer that was kept; None if the audit was over before."""
    later: list[float] = []

    def progressed() -> bool:
        later[:] = [
            line.seconds - mended for line in stage.charges.diary() if line.what in PROGRESS and line.seconds > mended
        ]
        return bool(later) or stage.over()

    stage.wait(progressed, 120)
    return min(later, default=None)
