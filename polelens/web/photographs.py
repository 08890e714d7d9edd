"""The pages of photographs: the grid of all that an audit has explained, and one of them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pipeline.answer.judgement import BACKGROUND, BOTH, DOUBTFUL, NOTHING, OBJECT, SOUND, UNKNOWN
from pipeline.pictures import PALETTES
from polelens.documents import explanation_document
from polelens.report.answers import answers
from polelens.report.views import Figures
from polelens.report.words import sentences
from polelens.web.desk import At, Desk
from polelens.web.finding import Found, TheAudit, TheExplanation, reading, whole
from polelens.web.painter import addresses
from polelens.web.rendering import page
from polelens.web.twins import csv_of, json_of
from polelens.web.view import View
from polelens.web.who import Who
from storage.audits import Audit
from storage.elsewhere import Elsewhere, elsewhere
from storage.grid import Grid, Tile, neighbours, words
from storage.marks import WORDS, Mark

router = APIRouter()


@router.get("/audits/{number}/photographs")
def grid(request: Request, desk: At, audit: TheAudit) -> Response:
    """The photographs of an audit that are all that is asked, the worst first."""
    view = _view(request)
    found = _grid(desk, audit, view)
    shown = found.page(after=view.after, before=view.before)
    pictures = {one.key: addresses(desk.painter, audit.id, one.image, one.key) for one in shown.tiles}
    values: dict[str, Any] = {"audit": audit, "view": view, "shown": shown, "pictures": pictures}
    figure = desk.figures.counts(found)
    told: dict[str, Any] = {
        "counts": figure and figure.value,
        "counting": figure is None,
        "as_of": figure and figure.as_of,
    }
    return page(request, "grid.html", **values, **told, words=_WORDS)


@router.get("/audits/{number}/photographs.json")
def grid_json(request: Request, desk: At, audit: TheAudit) -> Response:
    """A page of the same as JSON, with the places where the pages before and after it begin."""
    view = _view(request)
    found = _grid(desk, audit, view)
    shown = found.page(after=view.after, before=view.before)
    before = shown.tiles[0].place if shown.before and shown.tiles else None
    after = shown.tiles[-1].place if shown.after and shown.tiles else None
    rows = list(_rows(iter(shown.tiles)))
    figure = desk.figures.counts(found)
    counts = figure.value if figure else None
    counted: dict[str, Any] = {"count": counts and counts.photographs, "facets": counts and counts.facets}
    counted |= {"counting": figure is None, "count_as_of": figure.as_of if figure else None}
    told = {"audit": audit.id, **counted, "photographs": rows}
    return json_of(told | {"before": before, "after": after})


@router.get("/audits/{number}/photographs.csv")
def grid_csv(request: Request, desk: At, audit: TheAudit) -> Response:
    """All of the same as CSV."""
    tiles = whole(desk, [audit], _grid(desk, audit, _view(request)).all())
    return csv_of(_rows(tiles), f"audit-{audit.id}.csv")


@router.get("/audits/{number}/photographs/{image}.json")
def photograph_json(desk: At, found: TheExplanation) -> Response:
    """Every number of a photograph's explanation, as `explain` writes it, and what people say of it."""
    told = dict(explanation_document(found.audit, found.row))
    return json_of(told | {"marks": [asdict(one) for one in desk.said.of(found.row.id)]})


@router.get("/audits/{number}/photographs/{image}")
def photograph(request: Request, desk: At, found: TheExplanation, who: Who) -> Response:
    """A photograph: what the answer rests on, in pictures, words and numbers, under every audit that has it."""
    view = _view(request)
    placed = _grid(desk, found.audit, view)
    tile = placed.tile(found.row.image)
    before, after = neighbours(placed, tile) if tile else (None, None)
    marks = desk.said.of(found.row.id)
    mine = next((one for one in marks if one.who == who.name), Mark(who.name))
    values: dict[str, Any] = {"audit": found.audit, "row": found.row, "tile": tile, "view": view}
    said: dict[str, Any] = {"before": before, "after": after, "marks": marks, "mine": mine, "mark_words": WORDS}
    return page(request, "photograph.html", **values, **said, **_shown(desk, found))


def _shown(desk: Desk, found: Found) -> dict[str, Any]:
    """What is drawn and said of an explanation."""
    row, word = found.row, found.audit.object_word
    labels = row.attribution.labels if row.attribution else ()
    told = [
        (label, answers(label.judgement, word), sentences(Figures.of(row.attribution, label), word))
        for label in labels
        if row.attribution
    ]
    there = desk.painter.gallery.pictures(row)
    others = [(one, words(one), _address(desk, one, row.image)) for one in elsewhere(desk.engine, row.image)]
    return {
        "labels": told,
        "superpixels": len(labels[0].weights) if labels else 0,
        "strongest": max((float(abs(label.weights).max(initial=0)) for label in labels), default=0.0),
        "kinds": {one.kind for one in there if one.place == 1},
        "address": addresses(desk.painter, found.audit.id, row.image, row.key),
        "palettes": tuple(PALETTES),
        "palette": desk.painter.usual.palette.name,
        "others": others if len(others) > 1 else [],
    }


def _address(desk: Desk, one: Elsewhere, image: str) -> str:
    return addresses(desk.painter, one.audit, image, one.key)("evidence", 320)


def _view(request: Request) -> View:
    with reading():
        return View.of(request.query_params)


def _grid(desk: Desk, audit: Audit, view: View) -> Grid:
    return Grid(desk.engine, audit.id, view.filters, view.order)


def _rows(tiles: Iterator[Tile]) -> Iterator[Mapping[str, Any]]:
    for one in tiles:
        told = asdict(one)
        for name in ("place", "explanation", "key"):
            del told[name]
        yield told | {"tags": " ".join(one.tags)}


# What the grid is asked by, and what each word means there.
_WORDS = {
    "soundness": (SOUND, DOUBTFUL, NOTHING),
    "basis": (OBJECT, BACKGROUND, BOTH, UNKNOWN),
}
