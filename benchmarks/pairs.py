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


def alternate(ours: Callable[[], object], theirs: Callable[[], object], pairs: int = PAIRS) -> Pairs:
    """Time both, a pair at a time; who begins changes from pair to pair, as a machine that warms up favours one."""
    seconds: dict[Callable[[], object], list[float]] = {ours: [], theirs: []}
    for number in range(pairs):
        for way in (ours, theirs) if number % 2 == 0 else (theirs, ours):
            began = time.perf_counter()
            way()
            seconds[way].append(time.perf_counter() - began)
    return Pairs(seconds[ours], seconds[theirs])


def _rounded(seconds: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in seconds]
