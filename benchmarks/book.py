"""The book of results: JSON beside the page, a row replaced when it is measured again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, today, versions
from benchmarks.page import page
from benchmarks.row import Row

JSON, PAGE = "benchmarks.json", "benchmarks.md"


def keep(folder: Path, rows: Sequence[Row], known: Sequence[Row]) -> None:
    """Write these rows into the book, keep the others of `known` that it has, and write the page anew.

    A row that could not be measured here does not take the place of one that was.
    """
    before, measured = read(folder), {row.name: row for row in rows}
    entries = {row.name: entry(row, measured.get(row.name), before.get(row.name)) for row in known}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(json.dumps(entries, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    (folder / PAGE).write_text(page(entries))


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows that the book has, by name."""
    path = folder / JSON
    return dict(json.loads(path.read_text())) if path.exists() else {}


def entry(words: Row, now: Row | None, before: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A row as JSON: its present words, and what was measured last, with where and when."""
    if now is not None and now.value is not None:
        return _told(now) | {"machine": machine(), "date": today(), "versions": versions()}
    if before is not None and before["value"] is not None:
        kept = replace(words, **{name: before[name] for name in ("value", "figures", "sentence")})
        return dict(before) | _told(kept)
    return _told(now or words.not_here("not yet run"))


def _told(row: Row) -> dict[str, Any]:
    return asdict(row) | {"goal": row.goal, "reached": row.reached}
