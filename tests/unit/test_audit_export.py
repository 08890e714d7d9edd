"""The tables of an export: the same values in every format, whole or not at all, in memory that does not grow."""

import csv
import gc
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from polelens.export import SINKS, export_tables
from polelens.export.columns import PHOTOGRAPHS, SUPERPIXELS
from storage.audits import Explained
from tests.stored_explanations import explained

WEIGHTS = np.array([0.1 + 0.2, -1e-17, np.nan])
ROWS = (
    explained(1, (3, 4), {"TRE": WEIGHTS, "STAAL": -WEIGHTS}, name="=cmd|' /C calc'!A0.jpg"),
    explained(2, (3, 4), {}, name='-torn, "æ\n.jpg', reason="+torn"),
)
PROVENANCE = {"audit": 3, "recipe": {"name": "default"}}


def _read(folder: Path, name: str, kind: str) -> list[dict]:
    path = folder / f"{name}.{kind}"
    if kind == "parquet":
        return parquet.read_table(path).to_pylist()
    if kind == "jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    types = {"photographs": PHOTOGRAPHS, "superpixels": SUPERPIXELS}[name]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{key: _typed(cell, types[key]) for key, cell in row.items()} for row in csv.DictReader(file)]


def _typed(cell: str, kind: type) -> object:
    return kind(cell.removeprefix("'") if kind is str else cell) if cell else None


@pytest.mark.parametrize("kind", SINKS)
def test_every_format_says_the_same(kind: str, tmp_path: Path) -> None:
    """A row for each photograph and label, one for what failed, one for each superpixel; what is not known is null."""
    files = export_tables(ROWS, kind, tmp_path, PROVENANCE)
    assert sorted(files) == sorted(tmp_path.iterdir())
    photographs, superpixels = (_read(tmp_path, name, kind) for name in ("photographs", "superpixels"))
    assert [list(row) for row in photographs] == 3 * [list(PHOTOGRAPHS)]
    first, second, torn = photographs
    assert (first["name"], first["explained"], first["predicted"]) == (ROWS[0].image_name, "TRE", "TRE")
    assert (second["explained"], second["predicted"], second["probability"]) == ("STAAL", "TRE", 0.5)
    assert (first["confidence"], first["r2"], first["r2_held_out"]) == (1.0, 0.9, None)
    assert (first["soundness"], first["doubt"], first["basis"]) == ("doubtful", "unstable", "unknown")
    assert first["stopped"] == "futile"
    assert (first["verdict"], first["figure"], first["value"]) == (None, "stability", 0.4)
    assert first["sentence"] == "It varies. Nobody said where."
    assert (first["deletion"], first["insertion_random"], first["mask_share"]) == (0.2, 0.6, None)
    assert (torn["name"], torn["state"], torn["reason"]) == (ROWS[1].image_name, "failed", "+torn")
    assert {
        torn[name] for name in PHOTOGRAPHS if name not in ("sha256", "name", "width", "height", "state", "reason")
    } == {None}
    assert [(row["explained"], row["superpixel"], row["weight"]) for row in superpixels] == [
        ("TRE", 0, 0.1 + 0.2),
        ("TRE", 1, -1e-17),
        ("TRE", 2, None),
        ("STAAL", 0, -0.1 - 0.2),
        ("STAAL", 1, 1e-17),
        ("STAAL", 2, None),
    ]


def test_a_spreadsheet_takes_no_text_for_a_formula(tmp_path: Path) -> None:
    """A text that begins like one has an apostrophe before it; a negative number is a number."""
    export_tables(ROWS, "csv", tmp_path, PROVENANCE)
    with (tmp_path / "photographs.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["name"][:2] for row in csv.DictReader(file)} == {"'=", "'-"}
    with (tmp_path / "superpixels.csv").open(encoding="utf-8-sig", newline="") as file:
        assert next(row["weight"] for row in csv.DictReader(file) if row["superpixel"] == "1") == "-1e-17"


def test_a_spreadsheet_knows_the_letters(tmp_path: Path) -> None:
    """CSV begins with the mark of UTF-8, without which Excel takes `å` for two letters of Windows-1252."""
    export_tables(ROWS, "csv", tmp_path, PROVENANCE)
    for name in ("photographs", "superpixels"):
        assert (tmp_path / f"{name}.csv").read_bytes().startswith(b"\xef\xbb\xbfsha256,name,")


def test_the_recipe_travels_with_the_tables(tmp_path: Path) -> None:
    """In the metadata of the Parquet files, and beside the others."""
    for kind in SINKS:
        export_tables(ROWS, kind, tmp_path / kind, PROVENANCE)
    for name in ("photographs", "superpixels"):
        metadata = parquet.read_schema(tmp_path / f"parquet/{name}.parquet").metadata
        assert json.loads(metadata[b"polelens"]) == PROVENANCE
    for kind in ("csv", "jsonl"):
        assert json.loads((tmp_path / kind / "provenance.json").read_text()) == PROVENANCE


@pytest.mark.parametrize("kind", SINKS)
def test_an_export_that_fails_leaves_what_was_there(kind: str, tmp_path: Path) -> None:
    """The files of the export before, whole, and no unfinished ones."""
    export_tables(ROWS, kind, tmp_path, PROVENANCE)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def breaks() -> Iterator[Explained]:
        yield ROWS[1]
        raise OSError("the database went away")

    with pytest.raises(OSError, match="went away"):
        export_tables(breaks(), kind, tmp_path, {})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("kind", SINKS)
def test_memory_does_not_grow_with_the_audit(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times the photographs take the same memory, Arrow's own included."""
    monkeypatch.setattr("polelens.export.sinks.CELLS", 6000)
    peaks = [_peak(kind, tmp_path, n) for n in (100, 400, 1600)]  # the first loads what is loaded once
    assert peaks[2] < 1.5 * peaks[1]


def _peak(kind: str, folder: Path, n: int) -> int:
    largest = 0

    def rows() -> Iterator[Explained]:
        nonlocal largest
        for number in range(n):
            if number % 50 == 0:
                gc.collect()  # what is held counts, not what is about to be let go
            largest = max(largest, pa.total_allocated_bytes())
            yield explained(number, (3, 4), {"TRE": np.arange(20) / 7})

    gc.freeze()  # what was there before need not be looked through again and again
    tracemalloc.start()
    export_tables(rows(), kind, folder, PROVENANCE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    gc.unfreeze()
    return peak + largest
