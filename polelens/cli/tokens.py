"""Tokens: how programs sign in to the pages and the endpoint."""

from dataclasses import asdict

import click

from polelens.cli.store import tokens
from polelens.cli.tables import narrow_table
from polelens.cli.text import as_json, console, echo_json, printable
from storage.tokens import Token

ROLES = ("reader", "marker", "operator")


@click.group()
def token() -> None:
    """Let programs sign in to the pages and the endpoint, each by a token of its own."""


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What whoever has it may.")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How long it holds.")
@as_json
def add(name: str, role: str, days: int, as_json: bool) -> None:
    """Make a token called NAME, and print it: this once, since only a hash of it is kept.

    A program sends it with each request, as Authorization: Bearer TOKEN.

    \b
    polelens token add nightly --role reader
    polelens token add line-3 --role operator --days 30
    """
    given = tokens().add(name, role, days)
    if as_json:
        echo_json({"name": name, "role": role, "days": days, "token": given})
        return
    click.echo(given)
    click.echo(f"{name} may do what the role {role} may, for {days} days; the token is not shown again", err=True)


@token.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the tokens: who made them, what they may, and until when.

    \b
    polelens token list
    polelens token list --json
    """
    found = tokens().all()
    if as_json:
        echo_json([asdict(one) | {"expired": one.expired} for one in found])
        return
    if not found:
        click.echo("there are no tokens; `polelens token add NAME --role reader` makes one", err=True)
        return
    table = narrow_table("token", "role", "made by", "made", "until", whole={"role", "made", "until"})
    for one in found:
        made = f"{one.created_at:%Y-%m-%d %H:%M}"
        table.add_row(printable(one.name), one.role, printable(one.made_by), made, _until(one))
    console.print(table)


@token.command()
@click.argument("name")
@as_json
def remove(name: str, as_json: bool) -> None:
    """Remove the token called NAME: it lets nobody in any more, at once.

    \b
    polelens token remove nightly
    """
    tokens().remove(name)
    if as_json:
        echo_json({"removed": name})
    else:
        click.echo(f"the token {printable(name)} lets nobody in any more")


def _until(one: Token) -> str:
    return "expired" if one.expired else f"{one.expires_at:%Y-%m-%d %H:%M}"
