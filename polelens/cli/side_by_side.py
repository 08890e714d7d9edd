"""Several recipes side by side as tables, for who has no picture before them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from polelens.cli.text import console, printable
from polelens.sides import Side, SideBySide


def tell_side_by_side(found: SideBySide, out: Path | None) -> None:
    """What each recipe took and found of each label, how far they agree, and which is best supported."""
    shares = sorted(found.sides[0].explanation.attribution.probabilities.items(), key=lambda pair: -pair[1])
    click.echo("\nthe model says: " + ", ".join(f"{printable(name)} {share:.1%}" for name, share in shares[:5]))
    for one, sentence in zip(found.labels, found.sentences, strict=True):
        console.print(_figures(f"\n{printable(one.label)}", found.rows(one)))
        console.print(_pairs(found.pairs(one), one.standing.chance))
        for side in found.sides:
            _tell_judgement(side, one.label)
        click.echo(printable(sentence))
    click.echo(
        f"\n{out / 'side-by-side.png'} shows them" if out else "\n--out FOLDER writes the pictures and every number"
    )


def _tell_judgement(side: Side, label: str) -> None:
    """Both answers of a recipe's own judgement, where it judges; and why it asked no more, where it asks in rounds."""
    [mine] = [one for one in side.explanation.attribution.labels if one.label == label]
    if mine.judgement:
        click.echo(f"{side.name} by its own tests: {mine.judgement.words}")
    if mine.agreement.stopped:
        click.echo(f"{side.name}: {mine.agreement.stopped.sentence}")


def _figures(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("recipe", no_wrap=True)
    for name in ("asked", "shared", "seconds", "deletion", "insertion", "MuFidelity", "object"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        shares = (row[name] for name in ("deletion", "insertion", "mu_fidelity", "object_share"))
        counts = (f"{row['evaluations']:,}", f"{row['shared']:,}", f"{row['seconds']:.1f}")
        table.add_row(row["recipe"], *counts, *map(_share, shares))
    table.caption = (
        "asked, shared: evaluations; object: share of the weight on it; deletion: low is good; insertion, MuFidelity: "
        "high; all on the first one's superpixels and fill"
    )
    table.caption_justify = "left"
    return table


def _pairs(pairs: Sequence[Mapping[str, Any]], chance: float) -> Table:
    table = Table("agreement", box=None)
    for name in ("Spearman", "seeds allow", "top-5 Jaccard"):
        table.add_column(name, justify="right")
    for pair in pairs:
        figures = (_share(pair[name]) for name in ("spearman", "seeds_allow", "top5_jaccard"))
        table.add_row(f"{pair['first']}, {pair['second']}", *figures)
    table.caption = (
        f"unrelated ones stay below {chance:.2f} in rank 95 % of the time; seeds allow: what two that say the same "
        "would have"
    )
    table.caption_justify = "left"
    return table


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
