"""Schedules: audits that start by the clock."""

from datetime import UTC, datetime
from typing import Any

import click

from polelens.cli.beforehand import nothing_yet
from polelens.cli.completion import model_references, schedule_numbers
from polelens.cli.order_options import Ordered, order_options
from polelens.cli.policies import order_view
from polelens.cli.store import registry, schedules
from polelens.cli.tables import kept, narrow_table
from polelens.cli.text import as_json, console, echo_json, printable
from storage.schedules import Schedule, Timing

NUMBER = click.argument("number", type=click.IntRange(1, 2**31 - 1), shell_complete=schedule_numbers)


@click.group()
def schedule() -> None:
    """Start audits by the clock."""


@schedule.command()
@click.argument("model", metavar="MODEL[@VERSION]", shell_complete=model_references)
@click.option("--cron", required=True, help="Minute, hour, day, month, weekday: '0 2 * * 0' is Sundays at two.")
@click.option("--timezone", default="UTC", show_default=True, help="Whose clock it is, like Europe/Oslo.")
@order_options
@as_json
def add(model: str, cron: str, timezone: str, ordered: Ordered, as_json: bool) -> None:
    """Explain a selection of photographs under MODEL whenever the clock says so.

    poles or poles@latest is the newest version at that time. What was explained before is not computed again, so a
    weekly audit costs what came to the archive during the week.

    \b
    polelens schedule add poles@latest --cron "0 2 * * 0" --timezone Europe/Oslo
    polelens schedule add poles@latest --cron "0 2 * * 0" --name "every Sunday" --tag weekly
    polelens schedule add poles@2 --cron "30 1 1 * *" --recipe lime --images 'north/*' --compare none
    """
    made = schedules().add(model, Timing(cron, timezone), ordered.order(registry().labels(model)))
    if as_json:
        echo_json(_view(made))
    else:
        click.echo(f"schedule {made.id} starts its first audit at {_next(made)}")
    for line in nothing_yet(ordered.images):
        click.echo(printable(line), err=True)


@schedule.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the schedules, with their next due time and what came of the last.

    \b
    polelens schedule list
    polelens schedule list --json
    """
    found = schedules().all()
    if as_json:
        echo_json([_view(one) for one in found])
        return
    if not found:
        click.echo("there are no schedules; `polelens schedule add MODEL --cron ...` makes one", err=True)
        return
    table = narrow_table("schedule", "name", "model", "when", "recipe", "images", "next", "last", whole={"schedule"})
    for one in found:
        order, when = one.order, f"{one.timing.cron}\n{one.timing.timezone}"
        recipe = f"{printable(order.recipe.title)}{kept(order.keep)}"
        names = (printable(order.title.told), printable(one.model), when, recipe, printable(order.selection))
        table.add_row(str(one.id), *names, _next(one), printable(_last(one)))
    console.print(table)


@schedule.command()
@NUMBER
@as_json
def pause(number: int, as_json: bool) -> None:
    """Let a schedule start nothing until it is resumed.

    \b
    polelens schedule pause 1
    """
    schedules().pause(number)
    if as_json:
        echo_json(_view(schedules().get(number)))
        return
    click.echo(f"schedule {number} is paused; `polelens schedule resume {number}` lets it go on")


@schedule.command()
@NUMBER
@as_json
def resume(number: int, as_json: bool) -> None:
    """Let a paused schedule go on; what was due meanwhile is not caught up.

    \b
    polelens schedule resume 1
    """
    schedules().resume(number)
    one = schedules().get(number)
    if as_json:
        echo_json(_view(one))
    else:
        click.echo(f"schedule {number} goes on; next {_next(one)}")


@schedule.command()
@NUMBER
@as_json
def remove(number: int, as_json: bool) -> None:
    """Forget a schedule; audits that it started go on.

    \b
    polelens schedule remove 1
    """
    schedules().remove(number)
    if as_json:
        echo_json({"removed": number})
        return
    click.echo(f"schedule {number} is removed")


@schedule.command("next")
@NUMBER
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many due times.")
@as_json
def next_(number: int, count: int, as_json: bool) -> None:
    """Show the next due times of a schedule, on its own clock.

    \b
    polelens schedule next 1
    polelens schedule next 1 --count 60 --json
    """
    one = schedules().get(number)
    times = one.coming(_now(), count)
    if as_json:
        echo_json(times)
        return
    if one.paused:
        click.echo(f"schedule {number} is paused; `polelens schedule resume {number}` lets it go on", err=True)
    for moment in times:
        click.echo(_time(moment))


def _now() -> datetime:
    return datetime.now(UTC)


def _time(moment: datetime) -> str:
    return f"{moment:%a %Y-%m-%d %H:%M %Z}"


def _next(one: Schedule) -> str:
    coming = one.coming(_now(), 1)
    return _time(coming[0]) if coming else "paused" if one.paused else "never again"


def _last(one: Schedule) -> str:
    if one.last is None:
        return ""
    return f"audit {one.last.audit}" if one.last.audit is not None else f"none: {one.last.problem}"


def _view(one: Schedule) -> dict[str, Any]:
    last = one.last and {"due_at": one.last.due_at, "audit": one.last.audit, "problem": one.last.problem}
    coming = one.coming(_now(), 1)
    return {
        "schedule": one.id,
        "model": one.model,
        "cron": one.timing.cron,
        "timezone": one.timing.timezone,
        **order_view(one.order),
        "paused": one.paused,
        "next": coming[0] if coming else None,
        "last": last,
    }
