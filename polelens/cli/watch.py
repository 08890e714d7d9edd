"""Watch an audit until it ends: photographs done, evaluations answered, time left."""

import signal
import time
from types import TracebackType
from typing import Self

from pipeline.methods import planned_evaluations
from polelens.cli.audit_pace import Pace
from polelens.cli.screen import screen
from polelens.cli.store import audits
from polelens.cli.tables import paused
from storage.progress import Progress

INTERVAL_SECONDS, LONGEST_SECONDS = 0.5, 2.0  # between two questions to the database
STALLED_SECONDS = 20.0  # ten parts' time: longer than that nothing stands still by itself
GOES_ON = ("running", "paused")  # the states that an audit leaves by itself
STALLED = "`polelens doctor` says whether any worker takes this work"


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


def watch(number: int, ctrl_c: CtrlC) -> Progress:
    """Show an audit's progress until it has ended, or Ctrl-C; one that is paused is waited for."""
    store = audits()
    pace, progress = Pace(planned_evaluations(store.get(number).recipe)), store.progress(number)
    pace.add(time.monotonic(), progress)
    with screen(number, pace) as shown:
        told, took_seconds, pause = False, 0.0, None
        while progress.state in GOES_ON and not ctrl_c.pressed:
            shown.show(progress, time.monotonic())
            if progress.paused_at != pause:
                shown.say(paused(number, progress) if progress.paused_at else f"audit {number} goes on")
            pause, stalled = progress.paused_at, pace.seconds_still > STALLED_SECONDS and not progress.paused_at
            if stalled and not told:
                shown.say(f"nothing has moved for {pace.seconds_still:.0f} s; {STALLED}")
            told = stalled
            # in a large archive asking itself costs something
            time.sleep(min(max(INTERVAL_SECONDS, 4 * took_seconds), LONGEST_SECONDS))
            asked_at = time.monotonic()
            progress = store.progress(number)
            took_seconds = time.monotonic() - asked_at
            pace.add(time.monotonic(), progress)
        shown.show(progress, time.monotonic())
    return progress


def ending(number: int, progress: Progress) -> str:
    """How an audit ended, and what to do about it; how to go on if it has not."""
    if progress.state in GOES_ON:
        ways = f"`polelens audit watch {number}` follows it again, `polelens audit cancel {number}` stops it"
        return f"{paused(number, progress) if progress.paused_at else f'audit {number} goes on'}; {ways}"
    told = f"audit {number} is {progress.state}: {progress.done} explained, {progress.failed} failed"
    if progress.state == "cancelled":
        return f"{told}; `polelens audit resume {number}` goes on"
    told += f", {progress.not_rejudged} not judged anew" if progress.not_rejudged else ""
    return f"{told}; `polelens audit show {number}` says why" if progress.failed or progress.not_rejudged else told
