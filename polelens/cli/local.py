"""The local stack, and the doctor."""

import os

import click

from polelens import stack
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
    """
    started = stack.up(local_home(), workers=workers, flower=flower)
    click.echo(f"the stack is up in {started.home}")
    if flower:
        click.echo(f"Flower: {started.flower_url} (its login is in {local_home() / 'stack.json'})")


@click.command()
def down() -> None:
    """Stop the local stack. What it has stored stays."""
    stopped = stack.down(local_home())
    click.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@click.command()
def doctor() -> None:
    """Say what is wrong with the stack, one line each, and how to mend it."""
    findings = stack.doctor(settings())
    for finding in findings:
        remedy = "" if finding.ok else f": {finding.remedy}"
        click.echo(f"{'ok  ' if finding.ok else 'FAIL'} {finding.subject}: {finding.seen}{remedy}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


@click.command()
def migrate() -> None:
    """Bring the database of DATABASE_URL to the newest schema."""
    apply(settings().database_url)
    click.echo("the database is at the newest schema")
