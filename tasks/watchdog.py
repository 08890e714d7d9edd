"""The watchdog: whether a worker that has messages to take has ceased to take them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sight:
    """What a worker is seen to do at one moment."""

    started: int  # tasks since it came up
    active: int  # tasks now
    backlog: Mapping[str, int] | None  # messages that wait in each of its queues; None: nobody can tell


class Watchdog:
    """Looks again and again, every so many seconds.

    It counts looks and not the clock: a machine that slept, or a worker that was stopped for a while, was not stuck.

    Parameters
    ----------
    period : float
        Seconds between two looks.
    patience : float
        Messages wait for so many seconds, nothing begins, and nothing is under way: it is stuck.
    longest : float
        Seconds after which a task is ended. What is under way for longer is not: whoever should end it is stuck.
    """

    def __init__(self, period: float, patience: float, longest: float) -> None:
        self._period, self._patience, self._longest = period, patience, longest
        self._started = self._still = self._neglected = 0

    def stuck(self, seen: Sight) -> bool:
        """Whether the worker is stuck, by this sight and those before. What cannot be told is no sign of it."""
        self._still = self._still + 1 if seen.started == self._started else 0  # looks since anything began
        self._started = seen.started
        busy = seen.active > 0 and self._still * self._period < self._longest
        waiting = seen.backlog is not None and any(seen.backlog.values())
        self._neglected = self._neglected + 1 if self._still and waiting and not busy else 0
        return self._neglected * self._period >= self._patience
