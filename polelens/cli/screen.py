"""How an audit's progress is shown: a bar on a terminal, lines now and then where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from polelens.cli.audit_pace import Pace
from polelens.cli.text import progress_console
from polelens.report.words import duration
from storage.progress import Progress

LEAST_SECONDS = 3.0  # between two lines
SLOWER = 50  # and no less than this part of the time so far: an audit of a night leaves some hundred lines


class Screen(Protocol):
    """Where progress is shown, and messages between."""

    def show(self, progress: Progress, at: float) -> None:
        """Show where the audit is at a time in seconds."""

    def say(self, message: str) -> None:
        """Say something else."""


@contextmanager
def screen(number: int, pace: Pace) -> Iterator[Screen]:
    """The error output, as the terminal that it is or is not."""
    if not progress_console.is_terminal:
        yield Lines(number, pace)
        return
    with Live(console=progress_console) as live:
        yield Bar(number, pace, live)


class Bar:
    """A bar of the evaluations, below the figures; it runs to and fro until the first of them is answered."""

    def __init__(self, number: int, pace: Pace, live: Live) -> None:
        self._number, self._pace, self._live = number, pace, live

    def show(self, progress: Progress, at: float) -> None:
        """Show where the audit is."""
        del at  # it is always shown
        whole = self._pace.evaluations_expected if progress.evaluations or progress.remaining == 0 else None
        bar = ProgressBar(whole, progress.evaluations, pulse=whole is None)
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(ratio=1)
        row.add_column(no_wrap=True, justify="right")
        row.add_row(bar, speed(self._pace) if progress.remaining else "")
        self._live.update(Group(Text(counts(self._number, progress, self._pace), overflow="ellipsis"), row))

    def say(self, message: str) -> None:
        """Print a line above the bar."""
        self._live.console.print(message)


class Lines:
    """A line whenever something has moved, but seldom more often than a person would read."""

    def __init__(self, number: int, pace: Pace) -> None:
        self._number, self._pace = number, pace
        self._began: float | None = None
        self._last = 0.0
        self._seen: Progress | None = None

    def show(self, progress: Progress, at: float) -> None:
        """Print where the audit is, if it has moved and the last line is a while ago."""
        self._began = at if self._began is None else self._began
        due = at - self._last >= max(LEAST_SECONDS, (at - self._began) / SLOWER)
        if self._seen is None or (progress != self._seen and due):
            self.say(f"{counts(self._number, progress, self._pace)}, {speed(self._pace)}")
            self._last, self._seen = at, progress

    def say(self, message: str) -> None:
        """Print a line."""
        progress_console.print(message, soft_wrap=True)


def counts(number: int, progress: Progress, pace: Pace) -> str:
    """What is done of what is to be done."""
    photographs = f"{progress.done:,} of {progress.photographs:,} photographs"
    photographs += f" ({progress.failed:,} failed)" if progress.failed else ""
    evaluations = f"{progress.evaluations:,} of about {pace.evaluations_expected:,} evaluations"
    return f"audit {number}: {photographs}, {evaluations}"


def speed(pace: Pace) -> str:
    """How fast it goes, and for how long at this pace."""
    left = pace.seconds_left
    told = "time left unknown" if left is None else f"about {duration(left)} left"
    return f"{pace.evaluations_per_second:,.0f} evaluations/s, {told}"
