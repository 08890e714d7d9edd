"""Alternating pairs: two ways to do the same, side by side in one run."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

PAIRS = 5


@dataclass(frozen=True, slots=True)
class Pairs:
    """The seconds that each of two ways took, pair by pair."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratio(self) -> float:
        """Median over the pairs of our seconds over theirs."""
        return median(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def speedup(self) -> float:
        """Median over the pairs of their seconds over ours."""
        return median(b / a for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def medians(self) -> tuple[float, float]:
        """The median seconds of ours and of theirs."""
        return median(self.ours), median(self.theirs)

    def to_json(self) -> dict[str, Any]:
        """The seconds, to the tenth of a millisecond."""
        return {"ours_seconds": _rounded(self.ours), "theirs_seconds": _rounded(self.theirs)}


def alternate(ours: Callable[[], float], theirs: Callable[[], float], pairs: int = PAIRS) -> Pairs:
    """Run both, each of which returns its seconds, a pair at a time.

    Who begins changes from pair to pair, as a machine that warms up or tires favours one place.
    """
    seconds: dict[Callable[[], float], list[float]] = {ours: [], theirs: []}
    for number in range(pairs):
        for way in (ours, theirs) if number % 2 == 0 else (theirs, ours):
            seconds[way].append(way())
    return Pairs(seconds[ours], seconds[theirs])


def clocked(way: Callable[[], object]) -> Callable[[], float]:
    """The same, returning its wall time in seconds."""

    def seconds() -> float:
        began = time.perf_counter()
        way()
        return time.perf_counter() - began

    return seconds


def _rounded(seconds: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in seconds]
