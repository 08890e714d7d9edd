"""`polelens trail`: what was done, and by whom."""

from dataclasses import asdict

import click

from polelens.cli.store import engine
from polelens.cli.tables import narrow_table
from polelens.cli.text import as_json, console, echo_json, printable
from polelens.report.words import size
from storage.forget.trail import trail as rows_of


@click.command()
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Lines shown.")
@as_json
def trail(limit: int, as_json: bool) -> None:
    """List what was removed, started or changed: when, by whom, of what kind and how many.

    The newest first. Of the pages and the endpoint: what people and programs started, cancelled, marked and brought in,
    and with which tokens. Nothing of what it was is kept.

    \b
    polelens trail
    polelens trail --limit 20 --json
    """
    rows = list(rows_of(engine(), limit))
    if as_json:
        echo_json([asdict(one) for one in rows])
        return
    table = narrow_table("when", "who", "what", "kind", "number", "bytes", whole={"when", "number", "bytes"})
    for one in rows:
        what = one.what if one.audit is None else f"{one.what} {one.audit}"
        who = printable(one.who)
        table.add_row(f"{one.at:%Y-%m-%d %H:%M}", who, what, one.kind, f"{one.number:,}", size(one.bytes))
    console.print(table)
