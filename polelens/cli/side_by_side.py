"""Several recipes side by side as tables, for who has no picture before them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from polelens.cli.text import console, printable
from polelens.side_by_side import Side, SideBySide


def tell_side_by_side(found: SideBySide, out: Path | None) -> None:
    """What each recipe took and found of each label, how far they agree, and which is best supported."""
    shares = sorted(found.sides[0].explanation.attribution.probabilities.items(), key=lambda pair: -pair[1])
    click.echo("\nthe model says: " + ", ".join(f"{printable(name)} {share:.1%}" for name, share in shares[:5]))
    for one, sentence in zip(found.labels, found.sentences, strict=True):
        words = [_words(side, one.label) for side in found.sides]
        console.print(_figures(f"\n{printable(one.label)}", found.rows(one), words))
        console.print(_pairs(found.pairs(one), one.standing.chance))
        click.echo(printable(sentence))
    click.echo(
        f"\n{out / 'side-by-side.png'} shows them" if out else "\n--out FOLDER writes the pictures and every number"
    )


def _words(side: Side, label: str) -> str:
    """Both answers of a recipe's own judgement; nothing where it does not judge."""
    [mine] = [one for one in side.explanation.attribution.labels if one.label == label]
    return mine.judgement.words if mine.judgement else ""


def _figures(title: str, rows: Sequence[Mapping[str, Any]], words: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="", box=None)
    names = (
        "evaluations",
        "shared",
        "seconds",
        "deletion",
        "insertion",
        "MuFidelity",
        "on object",
        "its own judgement",
    )
    for name in ("recipe", *names):
        table.add_column(name, justify="left" if name in ("recipe", "its own judgement") else "right")
    for row, own in zip(rows, words, strict=True):
        shares = (row[name] for name in ("deletion", "insertion", "mu_fidelity", "object_share"))
        counts = (f"{row['evaluations']:,}", f"{row['shared']:,}", f"{row['seconds']:.1f}")
        table.add_row(row["recipe"], *counts, *map(_share, shares), own)
    table.caption = "deletion: low is good; insertion, MuFidelity: high; all on the first recipe's superpixels and fill"
    table.caption_justify = "left"
    return table


def _pairs(pairs: Sequence[Mapping[str, Any]], chance: float) -> Table:
    table = Table("agreement", box=None)
    for name in ("Spearman", "top-5 Jaccard"):
        table.add_column(name, justify="right")
    for pair in pairs:
        figures = (_share(pair[name]) for name in ("spearman", "top5_jaccard"))
        table.add_row(f"{pair['first']}, {pair['second']}", *figures)
    table.caption = f"unrelated ones stay below {chance:.2f} in rank 95 % of the time"
    table.caption_justify = "left"
    return table


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
