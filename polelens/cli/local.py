"""The local stack, and the doctor."""

import os
from dataclasses import asdict

import click

from polelens import stack
from polelens.cli.store import database_url
from polelens.cli.text import as_json, echo_json, progress_console
from storage.blobs import make_bucket
from storage.database import migrate as apply
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
def up(workers: int, flower: bool) -> None:
    """Start Postgres, Redis, workers, beat and Flower on this machine, and return when they work.

    Everything lives in POLELENS_HOME (default ~/.local/share/polelens); a second `up` starts what is missing.

    \b
    polelens up
    polelens up --workers 8 --no-flower
    """
    with progress_console.status("starting Postgres, Redis and workers"):
        started = stack.up(local_home(), workers=workers, flower=flower)
    click.echo(f"the stack is up in {started.home}")
    if flower:
        click.echo(f"Flower: {started.flower_url} (its login is in {local_home() / 'stack.json'})")


@click.command()
def down() -> None:
    """Stop the local stack. What it has stored stays.

    \b
    polelens down
    """
    with progress_console.status("stopping the stack"):
        stopped = stack.down(local_home())
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
def migrate(bucket: bool) -> None:
    """Bring the database of DATABASE_URL to the newest schema.

    \b
    DATABASE_URL=postgresql://me@host/polelens polelens migrate
    polelens migrate --bucket
    """
    apply(database_url())
    click.echo("the database is at the newest schema")
    if bucket:
        make_bucket(settings().blobs)
        click.echo(f"{settings().blobs} is there")
