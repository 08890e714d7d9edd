"""Compare two audits of the same photographs, and see what was compared."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Group
from rich.table import Table

from pipeline.answer.nulls import to_null
from polelens.cli.agreement_tables import agreement_tables
from polelens.cli.completion import audit_numbers
from polelens.cli.store import audits, blobs, comparisons, gallery, registry
from polelens.cli.text import as_json, console, echo_json, echo_json_object, printable, progress_bar
from polelens.report.words import named
from storage.comparisons import Compared, Comparison

NUMBER = click.IntRange(1, 2**31 - 1)
TESTS = {"paired": "the seeds in common", "permutation": "permutation, under other seeds"}
LEGEND = """
moved: distance of the two attributions, and what seeds alone make of it
bg: how far the score rests on what is outside the mask, before and after"""


@click.command()
@click.argument("before", type=NUMBER, shell_complete=audit_numbers)
@click.argument("after", type=NUMBER, shell_complete=audit_numbers)
@click.option("--report", type=click.Path(file_okay=False, path_type=Path), help="Write its pages into this folder.")
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True, help="Photographs shown.")
@as_json
def compare(before: int, after: int, report: Path | None, limit: int, as_json: bool) -> None:
    """Compare two audits of the same photographs: BEFORE and AFTER are their numbers.

    Both must be done. A photograph counts as changed if its two attributions differ by more than seeds do, and by a
    distance of POLELENS_CHANGE_DISTANCE or more; of those that count, at most 5 % are expected not to have changed.
    Where the recipes differ in more than their seeds nothing counts as a change: then it says how far the two agree,
    whose explanations are more faithful, and on which photographs they contradict each other most. What was compared
    before is only shown, unless an audit was judged anew or photographs were removed since: then it is compared again.

    \b
    polelens audit compare 1 2
    polelens audit compare 1 2 --report comparison
    polelens audit compare 1 2 --json                      everything, a line for each photograph
    """
    one = _compared(comparisons().start(before, after))
    if report is not None:
        from polelens.report.comparison import write_comparison  # noqa: PLC0415 -- slow to import

        page = write_comparison(comparisons(), gallery(), one, report)
        click.echo(f"{page} shows audits {before} and {after} side by side", err=as_json)
    if as_json:
        rows = (_photograph(row) for row in comparisons().compared(one.id))
        echo_json_object(_view(one), "photographs", rows)
        return
    console.print(_told(one, limit))


@click.command("comparisons")
@as_json
def comparisons_(as_json: bool) -> None:
    """List the comparisons, the newest first: those made by `audit compare`, and those that made themselves.

    \b
    polelens audit comparisons
    polelens audit comparisons --json
    """
    found = comparisons().all()
    if as_json:
        echo_json([_view(one) for one in found])
        return
    if not found:
        click.echo("there are no comparisons; `polelens audit compare BEFORE AFTER` makes one", err=True)
    for one in found:
        told = f"audits {one.before} and {one.after}, {' and '.join(one.names)}: "
        click.echo(printable(told + _state(one)))


def _state(one: Comparison) -> str:
    if one.outcome is not None:
        return f"{named(one.outcome['sentence'], one.object_word)}{_outdated(one)}"
    return f"failed: {one.reason}" if one.state == "failed" else "waits for both audits to end"


def _outdated(one: Comparison) -> str:
    """That an audit was judged anew or photographs were removed since, and what to do about it."""
    if not one.outdated:
        return ""
    number = "1 photograph" if one.removed == 1 else f"{one.removed:,} photographs"
    since = f"before {number} of it {'was' if one.removed == 1 else 'were'} removed"
    why = since if one.removed else "before an audit was judged anew"
    return f" ({why}; `polelens audit compare {one.before} {one.after}` makes it anew)"


def _compared(one: Comparison) -> Comparison:
    """Make the comparison, or what is missing of it; one that lacks nothing stays as it was concluded."""
    from storage.comparer import Comparer  # noqa: PLC0415 -- slow to import

    comparer = Comparer(comparisons(), registry(), blobs())
    with progress_bar() as bar:
        task = bar.add_task("photographs", total=audits().progress(one.after).done)
        new = 0
        for count in comparer.pages(one):
            bar.advance(task, count)
            new += count
    if new or one.outcome is None:
        comparer.conclude(one)
    return comparisons().get(one.id)


def _told(one: Comparison, limit: int) -> Group:
    outcome = one.outcome or {}
    parts: list[Any] = [printable(named(outcome["sentence"], one.object_word)), *outcome.get("warnings", ())]
    if outcome.get("agreement"):
        return Group(*parts, *agreement_tables(one, comparisons().foremost(one.id, "contrary", limit)))
    counts, rows = outcome["counts"], comparisons().foremost(one.id, "distance", limit)
    facts = f"{counts['compared']:,} photographs are in both audits; {counts['better']:,} rest less on the background, "
    facts += f"{counts['worse']:,} more; {counts['relabelled']:,} have another label"
    parts += [facts, _how(outcome)]
    if len(outcome["by_label"]) > 1:
        parts += ["", _by_label(outcome["by_label"])]
    if rows:
        parts += ["", _changes(rows), LEGEND]
    return Group(*parts)


def _how(outcome: Mapping[str, Any]) -> str:
    """By which tests, and from which distance; a comparison made before there were two says so."""
    if "tests" not in outcome:
        return "told from noise by an earlier rule: permutation alone, at any distance"
    tests = [f"{outcome['tests'].get(name, 0):,} by {words}" for name, words in TESTS.items()]
    return f"told from noise: {', '.join(tests)}; a change counts from a distance of {outcome['least_distance']:g}"


def _by_label(found: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table("label", "photographs", "changed", "better", "worse", "relabelled", box=None)
    for label, counts in found.items():
        figures = (counts[name] for name in ("compared", "changed", "better", "worse", "relabelled"))
        table.add_row(printable(label), *map(str, figures))
    return table


def _changes(rows: list[Compared]) -> Table:
    table = Table("changed most", "before", "after", "moved", "Spearman", "bg", box=None)
    for row in rows:
        one = row.change
        labels = f"{one.label_before} {one.confidence_before:.0%}", f"{one.label_after} {one.confidence_after:.0%}"
        moved = f"{one.distance:.2f}" + (f" ({one.noise:.2f})" if math.isfinite(one.noise) else "")
        leaned = "" if math.isnan(one.reliance_after) else f"{one.reliance_before:.2f} > {one.reliance_after:.2f}"
        figures = (moved, f"{one.spearman:.2f}", leaned)
        table.add_row(printable(row.name), *map(printable, labels), *figures)
    return table


def _view(one: Comparison) -> dict[str, Any]:
    told = asdict(one)
    return {"comparison": told.pop("id"), **told}


def _photograph(row: Compared) -> dict[str, Any]:
    figures = to_null(asdict(row.change))
    return {"name": row.name, "sha256": row.sha256, "label": row.label, "changed": row.changed, **figures}
