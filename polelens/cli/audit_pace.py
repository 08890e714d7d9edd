"""The pace of an audit, seen over the last while, and what it says of the rest."""

from collections import deque

from storage.progress import Progress

SMOOTHED_SECONDS = 20.0  # rates are over so long: shorter ones jump with every photograph
FEW = 3  # photographs: fewer that ended in the last while say nothing of how fast they end


class Pace:
    """How fast an audit goes, over the last while."""

    def __init__(self, evaluations_each: int) -> None:
        self._each = evaluations_each
        self._seen: deque[tuple[float, Progress]] = deque()
        self._moved = 0.0

    def add(self, at: float, progress: Progress) -> None:
        """Note a reading at a time in seconds."""
        if not self._seen or progress != self._seen[-1][1]:
            self._moved = at
        self._seen.append((at, progress))
        while self._seen[-1][0] - self._seen[0][0] > SMOOTHED_SECONDS:
            self._seen.popleft()

    @property
    def evaluations_per_second(self) -> float:
        """Perturbations answered a second."""
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last.evaluations - first.evaluations) / (ended - began) if ended > began else 0.0

    @property
    def evaluations_expected(self) -> int:
        """About how many evaluations the audit comes to: those of the photographs done tell of the others."""
        last = self._seen[-1][1]
        each = last.evaluations_done / last.done if last.done and last.evaluations_done else self._each
        return max(last.evaluations, round((last.photographs - last.failed) * each))

    @property
    def seconds_left(self) -> float | None:
        """Time left at this pace; None while it is not known, as nothing moves.

        Near the end nothing is left to ask, and photographs still wait for their pictures: the longer time counts.
        """
        return max(filter(None, (self._by_evaluations, self._by_photographs)), default=None)

    @property
    def seconds_still(self) -> float:
        """For how long nothing has moved."""
        return self._seen[-1][0] - self._moved

    @property
    def _by_evaluations(self) -> float | None:
        left, rate = self.evaluations_expected - self._seen[-1][1].evaluations, self.evaluations_per_second
        return left / rate if rate > 0 else None

    @property
    def _by_photographs(self) -> float | None:
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        ended = (last.done + last.failed) - (first.done + first.failed)
        return last.remaining * (now - began) / ended if ended >= FEW else None
