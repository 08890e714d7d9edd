"""Let an audit go on, and follow it."""

import click

from polelens.cli.control import ask
from polelens.cli.watch import GOES_ON, CtrlC, ending
from polelens.cli.watch import watch as follow

STOPPED_BY_HAND = 130  # the exit status of a command that Ctrl-C ended


def go_on(number: int, *names: str, watch: bool = True) -> None:
    """Ask for control tasks, and follow the audit."""
    with CtrlC() as ctrl_c:
        ask(*names)
        if not watch:
            return
        progress = follow(number, ctrl_c)
    click.echo(ending(number, progress), err=True)
    if progress.state in GOES_ON:
        raise SystemExit(STOPPED_BY_HAND)
    if progress.state != "done" or not progress.done:
        raise SystemExit(1)
