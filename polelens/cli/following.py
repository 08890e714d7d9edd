"""Let an audit go on, and follow it."""

from collections.abc import Sequence

import click

from polelens.cli.control import ask
from polelens.cli.watch import GOES_ON, CtrlC, ending
from polelens.cli.watch import watch as follow

STOPPED_BY_HAND = 130  # the exit status of a command that Ctrl-C ended


def go_on(number: int, *names: str, watch: bool = True) -> None:
    """Ask for control tasks, and follow the audit."""
    go_on_with([number], *names, watch=watch)


def go_on_with(numbers: Sequence[int], *names: str, watch: bool = True) -> None:
    """Ask for control tasks, and follow audits one after another, however one of them ends."""
    with CtrlC() as ctrl_c:
        ask(*names)
        if not watch:
            return
        good = [_ended_well(number, ctrl_c) for number in numbers]
    if not all(good):
        raise SystemExit(1)


def _ended_well(number: int, ctrl_c: CtrlC) -> bool:
    """Follow an audit, and say how it ended; whether it is done and anything was explained."""
    progress = follow(number, ctrl_c)
    click.echo(ending(number, progress), err=True)
    if progress.state in GOES_ON:
        raise SystemExit(STOPPED_BY_HAND)
    return progress.state == "done" and bool(progress.done)
