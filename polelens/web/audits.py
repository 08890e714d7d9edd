"""The pages of audits: the list of them, one, and how far it is."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from pipeline.recipes import RECIPES
from polelens.documents import summary
from polelens.report.answers import headline
from polelens.web.desk import At, Desk
from polelens.web.figures import TWIN_SECONDS, there
from polelens.web.finding import TheAudit, reading
from polelens.web.painter import addresses
from polelens.web.rendering import fragment, page
from polelens.web.twins import csv_of, json_of
from polelens.web.view import place_of
from storage.audits import Audit
from storage.grid import keys_of
from storage.listing import Which
from storage.overview import Overview
from storage.registry import split_reference
from storage.tables import AUDIT_STATES

MOST = 50  # audits on a page
EVERY_SECONDS = 2.0
ENDED = ("done", "cancelled")

router = APIRouter()


@router.get("/")
def home(request: Request, desk: At) -> Response:
    """The list of audits."""
    asked = _which(request)
    found = desk.figures.listed(replace(asked, most=MOST + 1))
    values: dict[str, Any] = {"found": found[:MOST], "more": len(found) > MOST, "asked": asked, "states": AUDIT_STATES}
    values |= {"counting": any(figure is None for _, figure in found[:MOST])}
    told = dict(request.query_params)
    query = request.scope["query_string"].decode("latin-1")
    return page(request, "audits.html", **values, query=query, asked_for=told, before=asked.before)


@router.get("/audits.json")
def audits_json(request: Request, desk: At) -> Response:
    """The same as JSON."""
    return json_of(_listed(request, desk))


@router.get("/audits.csv")
def audits_csv(request: Request, desk: At) -> Response:
    """The same as CSV."""
    return csv_of(map(_flat, _listed(request, desk)), "audits.csv")


@router.get("/audits/{number}.json")
def audit_json(desk: At, audit: TheAudit) -> Response:
    """An audit and what it comes to, as JSON."""
    progress = there(desk.figures.progress(audit, TWIN_SECONDS))
    found = there(desk.figures.overview(audit, TWIN_SECONDS))
    agreement = [
        {"question": one.question, "answer": one.answer, "marks": one.marks, "agreed": one.agreed}
        | {"share": one.share, "low": one.interval[0], "high": one.interval[1]}
        for one in desk.said.agreement(audit.id)
    ]
    counted = {"progress_as_of": progress.as_of, "judgements_as_of": found.as_of}
    told = summary(audit, progress.value) | found.value.to_json()
    return json_of(told | {"people_agree": agreement} | counted)


@router.get("/audits/{number}")
def audit(request: Request, desk: At, audit: TheAudit) -> Response:
    """What an audit comes to, and how far it is."""
    progress, counted = desk.figures.progress(audit), desk.figures.overview(audit)
    found = counted.value if counted else Overview()
    keys = keys_of(desk.engine, audit.id, [look.sha256 for look in found.look_first])
    pictures = {image: addresses(desk.painter, audit.id, image, key) for image, key in keys.items()}
    told = headline(found, audit.object_word)
    agreement = desk.said.agreement(audit.id)
    values: dict[str, Any] = {"audit": audit, "progress": progress, "overview": found, "told": told}
    more: dict[str, Any] = {
        "goes_on": audit.state not in ENDED,
        "counting": counted is None,
        "as_of": counted and counted.as_of,
        "pictures": pictures,
        "agreement": agreement,
        "recipes": RECIPES,
        "flower": desk.control.flower(audit.id),
    }
    return page(request, "audit.html", **values, **more)


@router.get("/audits/{number}/progress")
async def progress(request: Request, desk: At, audit: TheAudit) -> Response:
    """How far an audit is, told again whenever it has moved, until it ends: server-sent events."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(request, desk, audit), media_type="text/event-stream", headers=headers)


async def _events(request: Request, desk: Desk, audit: Audit) -> AsyncIterator[str]:
    before = None
    while not await request.is_disconnected():
        try:
            audit = await run_in_threadpool(desk.audits.get, audit.id)
            now = await run_in_threadpool(desk.figures.progress, audit)
        except ValueError:
            yield _event("end", "deleted")
            return
        except SQLAlchemyError:  # a reader who is refused once never asks again, so this goes on
            yield ": Postgres does not answer\n\n"
            await asyncio.sleep(EVERY_SECONDS)
            continue
        if (value := now and now.value) != before:
            yield _event("progress", fragment(request, "progress.html", audit=audit, progress=now))
        else:
            yield ": still the same\n\n"  # so that a reader who has gone is noticed
        if audit.state in ENDED:
            yield _event("end", audit.state)
            return
        before = value
        await asyncio.sleep(EVERY_SECONDS)


def _event(name: str, data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n"


def _listed(request: Request, desk: Desk) -> list[dict[str, Any]]:
    """The audits that a query asks for, each with the moment that its figures are of where that is not now."""
    found = [(one, there(figure)) for one, figure in desk.figures.listed(_which(request), TWIN_SECONDS)]
    return [summary(one, figure.value) | {"progress_as_of": figure.as_of} for one, figure in found]


def _which(request: Request) -> Which:
    with reading():
        return _asked(request)


def _asked(request: Request) -> Which:
    """The audits that a query asks for. Raises ValueError."""
    told = {name: request.query_params.get(name, "") for name in ("model", "state", "name", "by")}
    if told["state"] and told["state"] not in AUDIT_STATES:
        raise ValueError(f"state is {told['state']!r}, expected one of {', '.join(AUDIT_STATES)}")
    if told["model"]:
        split_reference(told["model"])  # refused here, where it is the asker's
    name = told["name"] and (told["name"] if set(told["name"]) & set("*?") else f"*{told['name']}*")
    tags = tuple(tag for tag in request.query_params.get("tag", "").replace(",", " ").split() if tag)
    before = place_of("before", request.query_params.get("before", ""))
    said = Which(told["model"] or None, told["state"] or None, name or None, tags, told["by"] or None, MOST)
    return replace(said, before=before)


def _flat(told: dict[str, Any]) -> dict[str, Any]:
    return told | {"tags": " ".join(told["tags"]), "recipe": told["recipe"]["name"]}
