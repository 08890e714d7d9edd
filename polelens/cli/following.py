"""Follow, cancel and resume an audit."""

from collections.abc import Sequence

import click

from polelens.cli.completion import audit_numbers
from polelens.cli.control import ask
from polelens.cli.store import audits
from polelens.cli.text import as_json, echo_json
from polelens.cli.watch import GOES_ON, CtrlC, ending
from polelens.cli.watch import watch as follow
from polelens.documents import summary
from storage.progress import Progress

NUMBER = click.argument("number", type=click.IntRange(1, 2**31 - 1), shell_complete=audit_numbers)
STOPPED_BY_HAND = 130  # the exit status of a command that Ctrl-C ended


@click.command()
@NUMBER
@as_json
def watch(number: int, as_json: bool) -> None:
    """Follow an audit until it ends; Ctrl-C stops the watching, not the audit.

    One that is paused, as the blob store is full or does not answer, is waited for. The exit status is 0 if it is done
    and anything was explained. Where the error output is no terminal, progress is a line now and then.

    \b
    polelens audit watch 3 && polelens audit report 3
    polelens audit watch 3 --json 2>progress.txt         what it came to, when it has ended
    """
    audits().get(number)
    go_on(number, as_json=as_json)


@click.command()
@NUMBER
@as_json
def cancel(number: int, as_json: bool) -> None:
    """Stop an audit; what is done stays, and `resume` goes on from there.

    \b
    polelens audit cancel 3
    """
    told = f"audit {number} is cancelled; `polelens audit resume {number}` goes on"
    try:
        audits().cancel(number)
    except ValueError:
        state = audits().get(number).state
        if state in GOES_ON:
            raise
        told = f"audit {number} is {state} already"
    _tell(number, told, as_json)


@click.command()
@NUMBER
@click.option("--watch", "follow_it", is_flag=True, help="Follow it until it ends.")
@as_json
def resume(number: int, follow_it: bool, as_json: bool) -> None:
    """Go on with a cancelled or paused audit, or try again what failed in one that has ended.

    \b
    polelens audit resume 3 --watch
    """
    one, progress = audits().get(number), audits().progress(number)
    if progress.state == "done" and not progress.failed:
        anew = f"`polelens audit start {one.model}` explains what came to the archive since"
        told = f"audit {number} is done and nothing of it failed, so there is nothing to resume; {anew}"
        _tell(number, told, as_json)
        return
    audits().resume(number)
    if not (as_json and follow_it):  # an object a command
        _tell(number, f"audit {number} goes on", as_json)
    go_on(number, "sweep", "produce", watch=follow_it, as_json=as_json and follow_it)


def go_on(number: int, *names: str, watch: bool = True, as_json: bool = False) -> None:
    """Ask for control tasks, and follow the audit."""
    with CtrlC() as ctrl_c:
        ask(*names)
        if not watch:
            return
        good = _ended_well(number, ctrl_c, as_json=as_json)
    if not good:
        raise SystemExit(1)


def go_on_each(numbers: Sequence[int], ctrl_c: CtrlC) -> None:
    """Follow audits one after another, however one of them ends."""
    good = [_ended_well(number, ctrl_c) for number in numbers]
    if not all(good):
        raise SystemExit(1)


def _ended_well(number: int, ctrl_c: CtrlC, *, as_json: bool = False) -> bool:
    """Follow an audit, and say how it ended; whether it is done and anything was explained."""
    progress = follow(number, ctrl_c)
    click.echo(ending(number, progress), err=True)
    if as_json:
        _tell_state(number, progress)
    if progress.state in GOES_ON:
        raise SystemExit(STOPPED_BY_HAND)
    return progress.state == "done" and bool(progress.done)


def _tell(number: int, told: str, as_json: bool) -> None:
    if as_json:
        _tell_state(number, audits().progress(number))
    else:
        click.echo(told)


def _tell_state(number: int, progress: Progress) -> None:
    echo_json(summary(audits().get(number), progress))
