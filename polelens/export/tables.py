"""The tables of an export: photographs with their figures, superpixels with their weights, and what people say."""

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from polelens.export.columns import MARKS, PHOTOGRAPHS, SUPERPIXELS, mark_row, photograph_rows, superpixel_rows
from polelens.export.files import whole
from polelens.export.sinks import SINKS
from storage.audits import Explained
from storage.marks import Said

TABLES = {"photographs": (PHOTOGRAPHS, photograph_rows), "superpixels": (SUPERPIXELS, superpixel_rows)}


def export_tables(
    rows: Iterable[Explained], kind: str, folder: Path, provenance: Mapping[str, Any], marks: Iterable[Said] = ()
) -> list[Path]:
    """Write `photographs`, `superpixels` and `marks` in a format of `SINKS` into a folder, and where they are from.

    Returns
    -------
    list of Path
        The files. Parquet holds its provenance; beside the others it is in `provenance.json`.
    """
    names = [f"{name}.{kind}" for name in (*TABLES, "marks")]
    beside = [] if kind == "parquet" else ["provenance.json"]
    with whole(folder, *names, *beside) as paths:
        with ExitStack() as stack:
            writers = [
                (stack.enter_context(SINKS[kind](path, columns, provenance)), rows_of)
                for path, (columns, rows_of) in zip(paths, TABLES.values(), strict=False)
            ]
            for row in rows:
                for write, rows_of in writers:
                    write(rows_of(row))
        with SINKS[kind](paths[len(TABLES)], MARKS, provenance) as write:
            write(mark_row(one) for one in marks)
        for path in paths[len(names) :]:
            path.write_text(json.dumps(provenance, indent=1) + "\n")
    return [folder / name for name in (*names, *beside)]
