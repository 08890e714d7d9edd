"""Watch an audit: photographs done, perturbations a second, time left."""

import time
from collections import deque

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from polelens.cli.store import audits, progress_console
from polelens.report.words import duration
from storage.audits import Progress as AuditProgress

INTERVAL_SECONDS = 0.5
SMOOTHED_SECONDS = 20.0  # rates are over so long: shorter ones jump with every photograph


class Pace:
    """How fast an audit goes, over the last while."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, AuditProgress]] = deque()

    def add(self, at: float, progress: AuditProgress) -> None:
        """Note a reading at a time in seconds."""
        self._seen.append((at, progress))
        while self._seen[-1][0] - self._seen[0][0] > SMOOTHED_SECONDS:
            self._seen.popleft()

    @property
    def evaluations_per_second(self) -> float:
        """Perturbations answered a second."""
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last.evaluations - first.evaluations) / (ended - began) if ended > began else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left at this pace, from what the photographs done so far took each; None before one is done."""
        last = self._seen[-1][1]
        if not last.done or not self.evaluations_per_second:
            return None
        return last.photographs * last.evaluations / max(last.done, 1) / self.evaluations_per_second - (
            last.evaluations / self.evaluations_per_second
        )


class _Rate(ProgressColumn):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def render(self, task: Task) -> Text:
        left = self._pace.seconds_left
        words = f"{self._pace.evaluations_per_second:,.0f} perturbations/s"
        return Text(words if left is None or task.finished else f"{words}, {duration(max(left, 0))} left")


def watch(number: int) -> AuditProgress:
    """Show an audit's progress until it is no longer running."""
    pace, store = Pace(), audits()
    pace.add(time.monotonic(), store.progress(number))
    columns = (TextColumn(f"audit {number}"), BarColumn(), MofNCompleteColumn(), TextColumn("photographs"), _Rate(pace))
    with Progress(*columns, console=progress_console) as bar:
        task = bar.add_task("")
        while True:
            progress = store.progress(number)
            pace.add(time.monotonic(), progress)
            bar.update(task, completed=progress.done + progress.failed, total=progress.photographs)
            if progress.state != "running":
                break
            time.sleep(INTERVAL_SECONDS)
    progress_console.print(f"audit {number} is {progress.state}: {progress.done} explained, {progress.failed} failed")
    return progress
