"""Sinks: a table written row by row as Parquet, CSV or JSON lines, in memory that does not grow with it."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from polelens.export.columns import Columns, Row, Value

Write = Callable[[Iterable[Row]], None]
Sink = Callable[[Path, Columns, Mapping[str, Any]], AbstractContextManager[Write]]
CELLS = 400_000  # in a Parquet row group: some 40 MB while it is gathered
PROVENANCE = "polelens"  # the key of Parquet's metadata
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet may take a cell for that begins so


@contextmanager
def csv_sink(path: Path, columns: Columns, _: Mapping[str, Any]) -> Iterator[Write]:
    """CSV with a heading, in UTF-8 with the mark by which spreadsheets know it; an empty cell is what is not known."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        yield lambda rows: writer.writerows([cell(row[name]) for name in columns] for row in rows)


@contextmanager
def jsonl_sink(path: Path, columns: Columns, _: Mapping[str, Any]) -> Iterator[Write]:
    """A JSON object on each line, in ASCII; null is what is not known."""
    with path.open("w", encoding="ascii") as file:
        yield lambda rows: file.writelines(
            json.dumps({name: row[name] for name in columns}, allow_nan=False) + "\n" for row in rows
        )


@contextmanager
def parquet_sink(path: Path, columns: Columns, provenance: Mapping[str, Any]) -> Iterator[Write]:
    """Parquet, the provenance as JSON in the schema's metadata."""
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise ValueError("format parquet needs pyarrow: pip install 'polelens[export]'") from None
    types = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    metadata = {PROVENANCE: json.dumps(provenance)}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()], metadata)
    waiting: list[Row] = []
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, schema))
            waiting.clear()

        def write(rows: Iterable[Row]) -> None:
            waiting.extend(rows)
            if len(waiting) * len(columns) >= CELLS:
                flush()

        yield write
        flush()


SINKS: Mapping[str, Sink] = {"parquet": parquet_sink, "csv": csv_sink, "jsonl": jsonl_sink}


def cell(value: Value) -> Value:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
