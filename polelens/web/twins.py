"""The twins of pages: the same as JSON and as CSV."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from fastapi.responses import Response, StreamingResponse

from polelens.export.sinks import cell

PIECE = 16_000  # characters of CSV that are sent at once: some hundred rows


def json_of(value: Any) -> Response:
    """A value as JSON, what is not known as null."""
    data = json.dumps(value, indent=1, default=datetime.isoformat, allow_nan=False)
    return Response(data, media_type="application/json", headers={"cache-control": "no-store"})


def csv_of(rows: Iterable[Mapping[str, Any]], name: str) -> Response:
    """Rows as CSV for spreadsheets, sent as they come: see `polelens.export.sinks`."""
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(_lines(rows), media_type="text/csv; charset=utf-8", headers=headers)


def _lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    for number, row in enumerate(rows):
        if not number:
            writer.writerow(row)
        writer.writerow([cell(value) for value in row.values()])
        if buffer.tell() > PIECE:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
