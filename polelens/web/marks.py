"""Marks: what a person says of a photograph's explanation, and all that people have said of an audit's."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from polelens.web.desk import At, Desk
from polelens.web.finding import Found, TheAudit, TheExplanation, reading, whole
from polelens.web.rendering import fragment
from polelens.web.twins import csv_of, json_of
from polelens.web.who import AMarker, Person
from storage.audits import Audit
from storage.marks import WORDS, Mark, Marks

router = APIRouter()


@router.post("/audits/{number}/photographs/{image}/mark")
async def put(request: Request, desk: At, found: TheExplanation, who: AMarker) -> Response:
    """Keep what a person says in the place of what they said before, and show it."""
    body = await request.body()
    with reading():
        mark = _mark(who.name, body)
    marks = await run_in_threadpool(_kept, desk, who, found, mark)
    mine = next((one for one in marks if one.who == who.name), Mark(who.name))
    values = {"audit": found.audit, "row": found.row, "marks": marks, "mine": mine, "mark_words": WORDS}
    return HTMLResponse(fragment(request, "marks.html", **values, marking=True))


@router.get("/audits/{number}/marks.json")
def marks_json(desk: At, audit: TheAudit) -> Response:
    """Every mark of an audit as JSON."""
    return json_of(list(_rows(desk, audit)))


@router.get("/audits/{number}/marks.csv")
def marks_csv(desk: At, audit: TheAudit) -> Response:
    """Every mark of an audit as CSV."""
    rows = (told | {"tags": " ".join(told["tags"])} for told in whole(desk, [audit], _rows(desk, audit)))
    return csv_of(rows, f"audit-{audit.id}-marks.csv")


def _kept(desk: Desk, who: Person, found: Found, mark: Mark) -> list[Mark]:
    Marks(desk.writes).put(found.row.id, mark)
    desk.note(who, "mark", "marks", audit=found.audit.id)
    return desk.said.of(found.row.id)


def _rows(desk: Desk, audit: Audit) -> Iterator[dict[str, Any]]:
    for one in desk.said.all(audit.id):
        yield {"sha256": one.image, "name": one.name, "explained": one.explained, **asdict(one.mark)}


def _mark(who: str, body: bytes) -> Mark:
    """What a form says. Raises ValueError."""
    form = parse_qs(body.decode(), max_num_fields=16)
    told = {name: form.get(name, [""])[0].strip() for name in ("word", "label", "comment", "tags")}
    tags = tuple(tag for tag in told["tags"].replace(",", " ").split() if tag)
    return Mark(who, told["word"] or None, told["label"] or None, told["comment"], tags)
