"""Watch an audit: photographs done, perturbations a second, time left."""

import signal
import time
from collections import deque
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from pipeline.methods import planned_evaluations
from polelens.cli.store import audits
from polelens.cli.tables import paused
from polelens.cli.text import progress_console
from polelens.report.words import duration
from storage.audits import Progress as AuditProgress

INTERVAL_SECONDS = 0.5
SMOOTHED_SECONDS = 20.0  # rates are over so long: shorter ones jump with every photograph
STALLED_SECONDS = 20.0  # ten parts' time: longer than that nothing stands still by itself
GOES_ON = ("running", "paused")  # the states that an audit leaves by itself
STALLED = "`polelens doctor` says whether any worker takes this work"


class Pace:
    """How fast an audit goes, over the last while."""

    def __init__(self, evaluations_each: int) -> None:
        self._each = evaluations_each
        self._seen: deque[tuple[float, AuditProgress]] = deque()
        self._moved = 0.0

    def add(self, at: float, progress: AuditProgress) -> None:
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
    def seconds_left(self) -> float | None:
        """Time left at this pace; None while nothing moves."""
        last = self._seen[-1][1]
        left = max(0, (last.photographs - last.failed) * self._each - last.evaluations)
        return left / self.evaluations_per_second if self.evaluations_per_second > 0 else None

    @property
    def seconds_still(self) -> float:
        """For how long nothing has moved."""
        return self._seen[-1][0] - self._moved


class _Rate(ProgressColumn):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def render(self, task: Task) -> Text:
        left = self._pace.seconds_left
        words = f"{self._pace.evaluations_per_second:,.0f} perturbations/s"
        return Text(words if left is None or task.finished else f"{words}, {duration(left)} left")


class CtrlC:
    """Notes a Ctrl-C, which so falls between two questions to the database and into none; a second one ends at once."""

    def __init__(self) -> None:
        self.pressed = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, *_: object) -> None:
        self.pressed = True
        signal.signal(signal.SIGINT, self._before)


def watch(number: int, ctrl_c: CtrlC) -> AuditProgress:
    """Show an audit's progress until it has ended, or Ctrl-C; one that is paused is waited for."""
    store = audits()
    pace, progress = Pace(planned_evaluations(store.get(number).recipe)), store.progress(number)
    pace.add(time.monotonic(), progress)
    columns = (TextColumn(f"audit {number}"), BarColumn(), MofNCompleteColumn(), TextColumn("photographs"), _Rate(pace))
    with Progress(*columns, console=progress_console) as bar:
        task, told = bar.add_task("", completed=progress.done + progress.failed, total=progress.photographs), False
        took_seconds, pause = 0.0, None
        while progress.state in GOES_ON and not ctrl_c.pressed:
            if progress.paused_at != pause:
                bar.console.print(paused(number, progress) if progress.paused_at else f"audit {number} goes on")
            pause, stalled = progress.paused_at, pace.seconds_still > STALLED_SECONDS and not progress.paused_at
            if stalled and not told:
                bar.console.print(f"nothing has moved for {pace.seconds_still:.0f} s; {STALLED}")
            told = stalled
            time.sleep(max(INTERVAL_SECONDS, 4 * took_seconds))  # in a large archive asking itself costs something
            asked_at = time.monotonic()
            progress = store.progress(number)
            took_seconds = time.monotonic() - asked_at
            pace.add(time.monotonic(), progress)
            bar.update(task, completed=progress.done + progress.failed)
    return progress


def ending(number: int, progress: AuditProgress) -> str:
    """How an audit ended, and what to do about it; how to go on if it has not."""
    if progress.state in GOES_ON:
        ways = f"`polelens audit watch {number}` follows it again, `polelens audit cancel {number}` stops it"
        return f"{paused(number, progress) if progress.paused_at else f'audit {number} goes on'}; {ways}"
    told = f"audit {number} is {progress.state}: {progress.done} explained, {progress.failed} failed"
    if progress.state == "cancelled":
        return f"{told}; `polelens audit resume {number}` goes on"
    told += f", {progress.not_rejudged} not judged anew" if progress.not_rejudged else ""
    return f"{told}; `polelens audit show {number}` says why" if progress.failed or progress.not_rejudged else told
