"""The local stack, and the doctor."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from polelens import stack
from polelens.cli.store import database_url
from polelens.cli.text import as_json, echo_json, progress_console
from storage import roles
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
@click.option("--pages/--no-pages", default=True, help="Serve the pages too: see `polelens serve`.")
@as_json
def up(workers: int, flower: bool, pages: bool, as_json: bool) -> None:
    """Start Postgres, Redis, workers, beat, Flower and the pages here, and return when they work.

    Everything lives in POLELENS_HOME (default ~/.local/share/polelens); a second `up` starts what is missing.

    \b
    polelens up
    polelens up --workers 8 --no-flower --no-pages
    """
    with progress_console.status("starting Postgres, Redis, workers and beat") as status:
        started = stack.up(
            local_home(),
            workers=workers,
            flower=flower,
            pages=pages,
            tell=lambda line: status.console.print(line, soft_wrap=True),
        )
    if as_json:
        echo_json(_view(started))
        return
    running = {one.name for one in stack.status(Path(started.home))}
    click.echo(f"the stack is up in {started.home}; logs are in its log/, photographs and pictures in {started.blobs}")
    if flower:
        click.echo(f"Flower: {started.flower_url} (its login is in {started.home}/stack.json)")
    if "pages" in running:
        click.echo(f"the pages: {started.pages_url} (any name; the password of their login is there, too)")
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
@click.option(
    "--roles", "with_roles", is_flag=True, help="Grant the roles of migrations/roles.sql too, and make logins."
)
@as_json
def migrate(bucket: bool, with_roles: bool, as_json: bool) -> None:
    """Bring the database of DATABASE_URL to the newest schema.

    With --roles, POLELENS_LOGIN_WORKER, _CONTROL, _PRODUCER, _READER and _MARKER, each user:password, name logins made,
    or get that password.

    \b
    DATABASE_URL=postgresql://me@host/polelens polelens migrate
    polelens migrate --bucket --roles
    """
    apply(database_url())
    made = roles.logins() if with_roles else []
    if with_roles:
        roles.apply(database_url(), made)
    if bucket:
        make_bucket(settings().blobs)
    if as_json:
        where = {"schema": newest(database_url()), "bucket": settings().blobs if bucket else None}
        echo_json(where | {"roles": with_roles, "logins": [one.user for one in made]})
        return
    click.echo("the database is at the newest schema")
    if with_roles:
        click.echo(f"roles are granted; logins: {', '.join(one.user for one in made) or 'none'}")
    if bucket:
        click.echo(f"{settings().blobs} is there")


def _view(started: stack.Stack) -> dict[str, Any]:
    """Where the stack is, without its passwords: those are in a file."""
    services = [{"name": one.name, "pid": one.pid, "log": str(one.log)} for one in stack.status(Path(started.home))]
    running = {one["name"] for one in services}
    where: dict[str, str | None] = {"home": started.home, "blobs": started.blobs}
    urls = {"flower": started.flower_url, "pages": started.pages_url}
    where |= {f"{name}_url": url if name in running else None for name, url in urls.items()}
    return {**where, "addresses": f"{started.home}/stack.json", "services": services}
