"""Asking for what is to be done now, and saying what has started itself."""

from collections.abc import Iterable, Sequence

import click

from polelens.cli.store import policies
from polelens.cli.text import printable
from storage.reaudits import Started
from tasks.messages import hint


def ask(*names: str) -> None:
    """Ask for control tasks now. The ledger has the work already: beat asks again, whatever becomes of this."""
    try:
        for name in names:
            hint(name)
    except Exception as error:  # Redis, the network, a wrong address: none of it undoes what is in the ledger
        lines = str(error).splitlines() or [type(error).__name__]
        click.echo(f"Redis takes no messages now ({lines[0]}); it goes on when Redis and beat do", err=True)


def answer_policies() -> Sequence[Started]:
    """Start the audits that policies want of what was registered, as the next tick of beat would."""
    started = policies().answer()
    if started:
        ask("produce")
    return started


def tell_policies(model: str, started: Iterable[Started]) -> None:
    """Say which audits have started, or why the model's policy started none."""
    for one in started:
        beside = f"; when it ends it is compared with audit {one.before}" if one.before is not None else ""
        click.echo(printable(f"audit {one.audit} of {one.model} has started by its policy{beside}"))
    if not started:
        for policy in policies().all():
            if policy.model == model and policy.problem:
                click.echo(printable(f"note: its policy started no audit: {policy.problem}"), err=True)
