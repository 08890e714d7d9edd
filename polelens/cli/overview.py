"""What an audit comes to, in the width of a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from polelens.cli.text import printable
from polelens.report.answers import VERDICTS, Portion, bases, headline, soundness
from polelens.report.words import fills, interval
from storage.overview import Overview

BAR = 24  # characters: the whole from 0 to 1
NAME, ANSWER, IMAGE = 19, 25, 27  # characters


def overview_tables(found: Overview, audit: int, word: str = "object") -> Iterator[RenderableType]:
    """The headline, the share of each answer, the reliance on the background, and what to look at first.

    `word` is what the object is called.
    """
    told = headline(found, word)
    if told is None:
        return
    yield from ("", told.text)
    if judged := found.count():
        yield from ("", _portions("rests on", bases(found, word), judged))
        yield from ("", _portions("explanation", soundness(found), judged))
    if found.verdicts:
        yield from ("", _verdicts(found))
    warning = fills(found)
    if warning:
        yield printable(warning)
    if found.reliance.photographs:
        yield from ("", _reliance(found))
    yield from ("", *_look_first(found, audit))


def _portions(name: str, portions: Sequence[Portion], total: int) -> Table:
    table = _table(name, "", "share", "photographs", width=ANSWER)
    for one in portions:
        share = one.photographs / total
        table.add_row(one.word, "#" * max(round(BAR * share), 1), f"{share:.0%}", f"{one.photographs:,}")
    return table


def _verdicts(found: Overview) -> Table:
    """Those of an earlier version."""
    table = _table("verdict (earlier)", "", "share", "photographs")
    for one in sorted(found.verdicts, key=lambda one: list(VERDICTS).index(one.verdict)):
        table.add_row(one.verdict, "#" * max(round(BAR * one.share), 1), f"{one.share:.0%}", f"{one.photographs:,}")
    return table


def _reliance(found: Overview) -> Table:
    """A mean is drawn as o, its interval as a line."""
    table = _table("background reliance", "0" + "1".rjust(BAR - 1), "mean (95 %)", "photographs")
    for one in found.background_reliance:
        name = "all" if one.label is None else printable(one.label)
        drawn = "" if one.mean is None else _drawn(one.mean, one.low, one.high)
        table.add_row(name, drawn, interval(one), f"{one.photographs:,}")
    return table


def _drawn(mean: float, low: float | None, high: float | None) -> str:
    first, last = (_place(mean if bound is None else bound) for bound in (low, high))
    line = ["-" if first <= place <= last else " " for place in range(BAR)]
    line[_place(mean)] = "o"
    return "".join(line).rstrip()


def _place(value: float) -> int:
    return min(int(value * BAR), BAR - 1)


def _look_first(found: Overview, audit: int) -> Iterator[RenderableType]:
    if not found.flagged:
        yield "no photograph has a reason to be looked at first"
    if not found.look_first:
        return
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("", justify="right")
    table.add_column("look first", overflow="fold", max_width=IMAGE)
    table.add_column("why")
    for look in found.look_first:
        table.add_row(str(look.rank), printable(look.image), printable(look.why))
    yield table
    hidden = found.flagged - len(found.look_first)
    if hidden:
        yield f"and {hidden:,} more: --first, or `polelens audit report {audit}`"


def _table(name: str, bar: str, *figures: str, width: int = NAME) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=width, max_width=width)
    table.add_column(bar, no_wrap=True, min_width=BAR)
    for figure in figures:
        table.add_column(figure, no_wrap=True, justify="right")
    return table
