"""The pages of two audits: what they come to beside each other, and each photograph under both."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from pipeline.answer.nulls import to_null
from polelens.report.sides import about, card
from polelens.web.desk import At, Desk
from polelens.web.finding import Refused, TheAudit, audit, reading, whole
from polelens.web.forms import gone_to
from polelens.web.painter import addresses
from polelens.web.rendering import page
from polelens.web.twins import csv_of, json_of
from polelens.web.view import View
from polelens.web.who import AnOperator
from storage.audits import Audit
from storage.comparisons import Comparison, Comparisons
from storage.listing import Which, known
from storage.pairs import MOVED, PAIR_ORDERS, PairOrder, Pairs, Placed

PROMPT_MILLISECONDS = 150
CANDIDATES = LABELS = 50
MOVES = (
    ("changed", "explained differently"),
    ("same", "explained alike"),
    ("worse", "rest more on the background"),
    ("better", "rest less on it"),
    ("relabelled", "have another label"),
    ("mended", "right now, wrong before"),
    ("broken", "wrong now, right before"),
)
ORDERS = (
    ("moved", "moved most first"),
    ("contrary", "most contrary first"),
    ("worse", "more on the background first"),
    ("better", "less on the background first"),
    ("name", "by name"),
)

router = APIRouter()


def other(desk: At, other: str) -> Audit:
    """The later audit."""
    return audit(desk, other)


TheOther = Annotated[Audit, Depends(other)]


@dataclass(frozen=True, slots=True)
class PairView:
    """What a person looks at of two audits: what is asked of the later one's photographs, and how they moved."""

    view: View
    moved: str
    order: PairOrder

    @classmethod
    def of(cls, asked: Mapping[str, str], usual: PairOrder) -> "PairView":
        """The view of a query. Raises ValueError naming what is wrong."""
        moved, given = asked.get("moved", ""), asked.get("order", usual)
        if moved and moved not in MOVED:
            raise ValueError(f"moved is {moved!r}, expected one of {', '.join(MOVED)}")
        order = next((one for one in PAIR_ORDERS if one == given), None)
        if order is None:
            raise ValueError(f"order is {given!r}, expected one of {', '.join(PAIR_ORDERS)}")
        kind = "name" if order == "name" else "worst"  # what a place is made of
        return cls(View.of({**asked, "order": kind}), moved, order)

    @property
    def asked(self) -> dict[str, str]:
        """The query of this view's first page."""
        told = {"moved": self.moved, "order": self.order}
        return self.view.filters.asked | {name: value for name, value in told.items() if value}


@router.get("/audits/{number}/with")
def candidates(request: Request, desk: At, audit: TheAudit) -> Response:
    """What an audit was compared with, and what it can be."""
    made = Comparisons(desk.engine).with_audit(audit.id, CANDIDATES)
    there = {one.before if one.after == audit.id else one.after for one in made}
    found = known(desk.engine, Which(state="done", most=CANDIDATES))
    others = [one for one, _ in found if one.id not in there | {audit.id}]
    return page(request, "candidates.html", audit=audit, made=made, others=others)


@router.get("/audits/{number}/with/{other}.json")
def comparison_json(request: Request, desk: At, audit: TheAudit, other: TheOther) -> Response:
    """What two audits come to and a page of their photographs as JSON, with the places where others begin."""
    one = _made(desk, audit, other)
    view = _view(request, one)
    shown = _pairs(desk, one, view).page(after=view.view.after, before=view.view.before)
    before = shown.pairs[0].place if shown.before and shown.pairs else None
    after = shown.pairs[-1].place if shown.after and shown.pairs else None
    told = asdict(one) | {"count": _pairs(desk, one, view).count()}
    return json_of(
        told | {"photographs": [_row(pair) for pair in shown.pairs], "page_before": before, "page_after": after}
    )


@router.get("/audits/{number}/with/{other}.csv")
def comparison_csv(request: Request, desk: At, audit: TheAudit, other: TheOther) -> Response:
    """All photographs as CSV."""
    one = _made(desk, audit, other)
    pairs = whole(desk, [audit, other], _pairs(desk, one, _view(request, one)).all())
    rows = (_row(pair) for pair in pairs)
    return csv_of(rows, f"audits-{audit.id}-and-{other.id}.csv")


@router.get("/audits/{number}/with/{other}")
def comparison(request: Request, desk: At, audit: TheAudit, other: TheOther) -> Response:
    """What changed between two audits, or how far they agree, and their photographs under both."""
    one = Comparisons(desk.engine).between(audit.id, other.id)
    if one is None or one.outcome is None:
        return page(request, "uncompared.html", audit=audit, other=other, one=one)
    view = _view(request, one)
    found = _pairs(desk, one, view)
    shown = found.page(after=view.view.after, before=view.view.before)
    cards = [(_card(desk, one, pair), pair.row.sha256) for pair in shown.pairs]
    waits = "counted" in request.query_params
    count = found.count() if waits else found.count(PROMPT_MILLISECONDS)
    values: dict[str, Any] = {"audit": audit, "other": other, "view": view, "shown": shown, "cards": cards}
    more: dict[str, Any] = {"count": count, "counting": count is None and not waits, "labels": _labels(desk, one)}
    more |= {"moves": MOVES, "orders": ORDERS}
    return page(request, "comparison_view.html", **about(one), **values, **more)


@router.post("/audits/{number}/with/{other}")
def compare(desk: At, audit: TheAudit, other: TheOther, who: AnOperator) -> Response:
    """Have two audits compared, anew where that failed or is outdated."""
    kept = Comparisons(desk.writes, least_distance=desk.control.settings.change_distance)
    with reading():
        one = kept.start(audit.id, other.id, again=True)
    desk.note(who, "audit compare", "comparisons", audit=other.id)
    if one.state == "waiting":
        desk.control.ask("compare", one.id)
    return gone_to(f"/audits/{audit.id}/with/{other.id}")


def _made(desk: Desk, before: Audit, after: Audit) -> Comparison:
    one = Comparisons(desk.engine).between(before.id, after.id)
    if one is None or one.outcome is None:
        raise Refused(f"audits {before.id} and {after.id} have not been compared")
    return one


def _view(request: Request, one: Comparison) -> PairView:
    with reading():
        return PairView.of(request.query_params, "moved" if one.terms.one_recipe else "contrary")


def _pairs(desk: Desk, one: Comparison, view: PairView) -> Pairs:
    return Pairs(desk.engine, one, view.view.filters, view.moved, view.order)


def _card(desk: Desk, one: Comparison, pair: Placed) -> Any:
    def picture(when: str, key: str, place: int) -> str:
        return addresses(desk.painter, getattr(one, when), pair.row.sha256, key)("evidence", 800, place)

    return card(one, pair.row, picture)


def _labels(desk: Desk, one: Comparison) -> list[tuple[str, str]]:
    return [(label, label) for label in desk.registry.find(one.model_after).labels[:LABELS]]


def _row(pair: Placed) -> dict[str, Any]:
    row = pair.row
    told = {"sha256": row.sha256, "name": row.name, "label": row.label, "changed": row.changed}
    return {**told, **to_null(asdict(row.change))}
