"""The pages of jobs: an audit is planned and started, named, stopped, and let go on."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from pipeline.recipes import RECIPES
from polelens.web.control import Planned
from polelens.web.desk import At, Desk
from polelens.web.finding import Refused, TheAudit, reading
from polelens.web.forms import gone_to, read_form, told
from polelens.web.orders import Order
from polelens.web.rendering import fragment, page
from polelens.web.twins import json_of
from polelens.web.who import AnOperator, Person
from storage.audits import Audits
from storage.title import Title
from storage.versions import versions

router = APIRouter()


@router.get("/start")
def start(request: Request, desk: At, who: AnOperator) -> Response:
    """The form of an audit; what it would come to is asked for by the page."""
    order = _order(request)
    known = [str(one.version) for one in versions(desk.engine, most=200)]
    values: dict[str, Any] = {"order": order, "models": known, "recipes": list(RECIPES)}
    return page(request, "start.html", **values)


@router.get("/start.json")
def start_json(request: Request, desk: At, who: AnOperator) -> Response:
    """What the audit would come to, as `polelens audit plan --json` has it."""
    found = _planned(desk, _order(request))
    return json_of({**found.plan, "notes": found.notes})


@router.get("/start/plan")
def plan(request: Request, desk: At, who: AnOperator) -> Response:
    """The same for the form."""
    order = _order(request)
    try:
        found, refused = _planned(desk, order), ""
    except Refused as error:
        found, refused = Planned({}, ()), str(error)
    return HTMLResponse(fragment(request, "plan.html", order=order, found=found, refused=refused))


@router.post("/start")
async def begin(request: Request, desk: At, who: AnOperator) -> Response:
    """Start an audit, and go to its page."""
    form = await read_form(request)
    with reading():
        order = Order.of(form.multi_items())
    return gone_to(f"/audits/{await run_in_threadpool(_begun, desk, order, who)}")


@router.post("/audits/{number}/cancel")
def cancel(desk: At, audit: TheAudit, who: AnOperator) -> Response:
    """Stop an audit; what is done stays."""
    with reading():
        Audits(desk.writes).cancel(audit.id)
    desk.note(who, "audit cancel", "audits", audit=audit.id)
    return gone_to(f"/audits/{audit.id}")


@router.post("/audits/{number}/resume")
def resume(desk: At, audit: TheAudit, who: AnOperator) -> Response:
    """Let an audit go on, or try again what failed."""
    progress = desk.audits.progress(audit.id)
    if progress.state == "done" and not progress.failed:
        raise Refused(f"audit {audit.id} is done and nothing of it failed: there is nothing to resume")
    Audits(desk.writes).resume(audit.id)
    desk.note(who, "audit resume", "audits", audit=audit.id)
    desk.control.ask("sweep")
    desk.control.ask("produce")
    return gone_to(f"/audits/{audit.id}")


@router.post("/audits/{number}/title")
async def retitle(request: Request, desk: At, audit: TheAudit, who: AnOperator) -> Response:
    """Call an audit something else."""
    form = await read_form(request)
    with reading():
        title = Title(told(form, "name"), told(form, "note"), tuple(told(form, "tag").replace(",", " ").split()))
    await run_in_threadpool(_retitled, desk, audit.id, title, who)
    return gone_to(f"/audits/{audit.id}")


def _retitled(desk: Desk, number: int, title: Title, who: Person) -> None:
    Audits(desk.writes).retitle(number, title)
    desk.note(who, "audit note", "audits", audit=number)


def _order(request: Request) -> Order:
    with reading():
        return Order.of(request.query_params.multi_items())


def _planned(desk: Desk, order: Order) -> Planned:
    with reading():
        return desk.control.plan(order.words)


def _begun(desk: Desk, order: Order, who: Person) -> int:
    with reading():
        version = desk.registry.find(order.model)
        wanted = order.wanted(version, who.name)
        number = Audits(desk.writes).begin(version, wanted)
    desk.note(who, "audit start", "audits", audit=number)
    desk.control.ask("produce")
    return number
