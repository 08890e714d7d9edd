"""The book of results: JSON beside the page, a row replaced when it is measured again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, today, versions
from benchmarks.page import page
from benchmarks.row import Row

JSON, PAGE = "benchmarks.json", "benchmarks.md"


def keep(folder: Path, rows: Sequence[Row], known: Sequence[Row]) -> None:
    """Write these rows into the book, keep the others of `known` that it has, and write the page anew."""
    entries = read(folder) | {row.name: entry(row) for row in rows}
    ordered = {row.name: entries.get(row.name) or entry(row.not_here("not yet run")) for row in known}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(json.dumps(ordered, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    (folder / PAGE).write_text(page(ordered))


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows that the book has, by name."""
    path = folder / JSON
    return dict(json.loads(path.read_text())) if path.exists() else {}


def entry(row: Row) -> Mapping[str, Any]:
    """A row as JSON, with where and when it was measured."""
    told = asdict(row) | {"goal": row.goal, "reached": row.reached}
    return told if row.value is None else told | {"machine": machine(), "date": today(), "versions": versions()}
