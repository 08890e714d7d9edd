"""Moments: means over photographs with their intervals, of numbers that go by once."""

import math
from dataclasses import dataclass, field

import scipy

from pipeline.answer.interval import of_mean


@dataclass(slots=True)
class Moments:
    """Mean and spread of numbers that go by once (Welford 1962)."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Count one."""
        self.n += 1
        step = value - self.mean
        self.mean += step / self.n
        self.squares += step * (value - self.mean)

    def student(self) -> "Interval":
        """The mean with Student's interval (1908), for differences, which pairing makes small."""
        if self.n < 2:
            return self._alone()
        half = float(scipy.special.stdtrit(self.n - 1, 0.975)) * math.sqrt(self.squares / (self.n - 1) / self.n)
        return Interval(self.mean, self.mean - half, self.mean + half, self.n)

    def wilson(self) -> "Interval":
        """The mean of values in 0..1 with the interval that it has everywhere: see `of_mean`."""
        if self.n < 2:
            return self._alone()
        return Interval(self.mean, *of_mean(self.mean, self.squares, self.n), self.n)

    def _alone(self) -> "Interval":
        return Interval(self.mean if self.n else math.nan, math.nan, math.nan, self.n)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over n photographs and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:z.2f} (95 % interval {self.low:z.2f} to {self.high:z.2f})"

    def within(self, low: float, high: float) -> "Interval":
        """With its ends no further than a figure can go."""
        return Interval(self.mean, max(self.low, low), min(self.high, high), self.n)

    @property
    def may_be_zero(self) -> bool:
        """Whether the interval holds zero."""
        return self.low <= 0 <= self.high

    @property
    def size(self) -> "Interval":
        """Of the mean without its sign, where the interval leaves out zero."""
        low, high = sorted((abs(self.low), abs(self.high)))
        return Interval(abs(self.mean), low, high, self.n)


@dataclass(frozen=True, slots=True)
class Paired:
    """A figure before and after, and the difference on the same photographs."""

    before: Interval
    after: Interval
    difference: Interval


@dataclass(slots=True)
class Pairs:
    """One figure of both audits, counted where both have it."""

    before: Moments = field(default_factory=Moments)
    after: Moments = field(default_factory=Moments)
    difference: Moments = field(default_factory=Moments)

    def add(self, before: float, after: float) -> None:
        """Count one photograph."""
        if math.isfinite(before) and math.isfinite(after):
            self.before.add(before)
            self.after.add(after)
            self.difference.add(after - before)

    def paired(self) -> Paired:
        """The intervals."""
        return Paired(self.before.wilson(), self.after.wilson(), self.difference.student())
