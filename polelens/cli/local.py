"""The local stack, and the doctor."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from polelens import stack
from polelens.cli.store import database_url
from polelens.cli.text import as_json, echo_json, progress_console
from storage.blobs import make_bucket
from storage.database import migrate as apply
from storage.database import newest
from storage.settings import local_home, settings


@click.command()
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default="one a core",
    help="Inference processes.",
)
@click.option("--flower/--no-flower", default=True, help="Start Flower too.")
@as_json
def up(workers: int, flower: bool, as_json: bool) -> None:
    """Start Postgres, Redis, workers, beat and Flower on this machine, and return when they work.

    Everything lives in POLELENS_HOME (default ~/.local/share/polelens); a second `up` starts what is missing.

    \b
    polelens up
    polelens up --workers 8 --no-flower
    """
    with progress_console.status("starting Postgres, Redis, workers and beat") as status:
        started = stack.up(
            local_home(), workers=workers, flower=flower, tell=lambda line: status.console.print(line, soft_wrap=True)
        )
    if as_json:
        echo_json(_view(started, flower))
        return
    click.echo(f"the stack is up in {started.home}; logs are in its log/, photographs and pictures in {started.blobs}")
    if flower:
        click.echo(f"Flower: {started.flower_url} (its login is in {started.home}/stack.json)")
    click.echo("`polelens doctor` says whether it is well; `polelens down` stops it, and what it has stored stays")


@click.command()
@as_json
def down(as_json: bool) -> None:
    """Stop the local stack. What it has stored stays.

    \b
    polelens down
    """
    with progress_console.status("stopping the stack"):
        stopped = stack.down(local_home())
    if as_json:
        echo_json({"stopped": stopped})
        return
    click.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Say what is wrong with the stack, one line each, and how to mend it.

    The exit status is 1 if anything is; what is only not as good as it could be is a warning.

    \b
    polelens doctor
    polelens doctor --json
    """
    findings = stack.doctor(settings())
    if as_json:
        echo_json([asdict(finding) for finding in findings])
    for finding in () if as_json else findings:
        remedy = f": {finding.remedy}" if finding.remedy else ""
        click.echo(f"{finding.word:4} {finding.subject}: {finding.seen}{remedy}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


@click.command()
@click.option("--bucket", is_flag=True, help="Make the bucket of POLELENS_BLOBS too, if it is missing.")
@as_json
def migrate(bucket: bool, as_json: bool) -> None:
    """Bring the database of DATABASE_URL to the newest schema.

    \b
    DATABASE_URL=postgresql://me@host/polelens polelens migrate
    polelens migrate --bucket
    """
    apply(database_url())
    if bucket:
        make_bucket(settings().blobs)
    if as_json:
        echo_json({"schema": newest(database_url()), "bucket": settings().blobs if bucket else None})
        return
    click.echo("the database is at the newest schema")
    if bucket:
        click.echo(f"{settings().blobs} is there")


def _view(started: stack.Stack, flower: bool) -> dict[str, Any]:
    """Where the stack is, without its passwords: those are in a file."""
    services = [{"name": one.name, "pid": one.pid, "log": str(one.log)} for one in stack.status(Path(started.home))]
    where = {"home": started.home, "blobs": started.blobs, "flower_url": started.flower_url if flower else None}
    return where | {"addresses": f"{started.home}/stack.json", "services": services}
