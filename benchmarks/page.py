"""The page: docs/benchmarks.md, made from the book of results alone."""

from collections.abc import Iterable, Mapping
from typing import Any

Entry = Mapping[str, Any]

HEAD = """# Benchmarks

Made by `make bench`; every figure is a median over at least five alternating pairs, side by side in one run, unless its
sentence says otherwise. One row alone: `python -m benchmarks ROW`. All that was measured on the way is in
[benchmarks.json](benchmarks.json).
"""

TABLE = """
| row | against | to reach | measured | reached |
|---|---|---|---|---|
"""


def page(entries: Mapping[str, Entry]) -> str:
    """The page of these rows, by name."""
    rows = entries.values()
    table = TABLE + "".join(map(_line, rows))
    return HEAD + _where(rows) + table + "\n## What each figure means\n" + "".join(map(_paragraph, rows))


def _where(rows: Iterable[Entry]) -> str:
    """Each machine once, with the rows that were measured on it."""
    places: dict[str, list[str]] = {}
    for row in rows:
        if row["value"] is not None:
            versions = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
            places.setdefault(f"{row['machine']}; {row['date']}; {versions}", []).append(row["name"])
    return "".join(f"\n{', '.join(names)}: {place}.\n" for place, names in places.items())


def _line(row: Entry) -> str:
    value = "not measured" if row["value"] is None else f"{row['value']:.3g}"
    reached = {True: "yes", False: "**no**", None: ""}[row["reached"]]
    return f"| {row['name']}: {row['what']} | {row['against']} | {row['goal']} | {value} | {reached} |\n"


def _paragraph(row: Entry) -> str:
    return f"\n**{row['name']}**. {row['sentence']}\n"
