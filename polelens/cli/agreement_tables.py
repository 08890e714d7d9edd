"""What a comparison of two recipes prints: the curves of both, and the photographs on which they contradict most."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from polelens.cli.text import printable
from polelens.report.words import named
from storage.comparisons import Compared, Comparison

LEGEND = """
Spearman, top 5: rank correlation of the two explanations, and overlap of their five strongest superpixels
deletion, insertion: of recipe A and of recipe B; deletion is good when low, insertion when high
on the object: share of the supporting evidence inside the mask"""


def agreement_tables(one: Comparison, rows: Sequence[Compared]) -> Iterator[Any]:
    """The parts below the sentence; the comparison must be done, and of two recipes."""
    outcome = one.outcome or {}
    differing = ", ".join(one.differing)
    yield f"{outcome['counts']['compared']:,} photographs are in both audits, whose recipes differ in {differing}"
    yield ""
    yield _means(one, outcome)
    if rows:
        yield ""
        yield _contrary(rows, curves=one.terms.against_curves is None)
        yield named(LEGEND, printable(one.object_word))


def _means(one: Comparison, outcome: Mapping[str, Any]) -> Table:
    """The means of both recipes, and their differences on the same photographs."""
    agreement = outcome["agreement"]
    figures = {
        "deletion": agreement["deletion"],
        "insertion": agreement["insertion"],
        printable(named("on the object", one.object_word)): outcome["share"],
    }
    sides = (f"{letter}: {printable(name)}" for letter, name in zip("AB", one.names, strict=True))
    table = Table("mean", *sides, "difference", "95 % interval", box=None)
    for figure, pair in figures.items():
        if pair["before"]["n"] > 1:
            means = (f"{pair[when]['mean']:.2f}" for when in ("before", "after"))
            difference = pair["difference"]
            interval = f"{difference['low']:+z.2f} to {difference['high']:+z.2f}"
            table.add_row(figure, *means, f"{difference['mean']:+z.2f}", interval)
        else:
            table.add_row(figure, *("unknown",) * 2, "", "")
    return table


def _contrary(rows: Sequence[Compared], *, curves: bool) -> Table:
    table = Table("contradict most", "label", "Spearman", "top 5", "deletion", "insertion", box=None)
    for row in rows:
        one = row.change
        pairs = ((one.deletion_before, one.deletion_after), (one.insertion_before, one.insertion_after))
        areas = (f"{a:.2f}, {b:.2f}" if curves and math.isfinite(a + b) else "" for a, b in pairs)
        figures = (f"{one.spearman:.2f}", f"{one.top5_jaccard:.2f}", *areas)
        table.add_row(printable(row.name), printable(one.explained_before), *figures)
    return table
