"""The endpoint's addresses for predictions, explanations and jobs."""

import asyncio
import re

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from polelens.web.desk import At, Desk
from polelens.web.endpoint import shapes
from polelens.web.endpoint.answering import answer
from polelens.web.endpoint.asked import Ask, explained_by, read
from polelens.web.endpoint.asking import Asking, ended, wait
from polelens.web.endpoint.documented import ASKED, JOB, told
from polelens.web.endpoint.instances import entered
from polelens.web.endpoint.instances import read as read_instance
from polelens.web.endpoint.limits import MOST_BYTES, MOST_WAIT, READ_AT_ONCE, READ_SECONDS, SOON, Slots
from polelens.web.endpoint.looking import Look, look
from polelens.web.endpoint.models import version_of
from polelens.web.endpoint.problems import Problem
from polelens.web.who import Person, Who
from storage.jobs import EXPLAIN, PREDICT, Job, Question
from storage.registry import Version

BODIES = {
    f"/v1/models/{{name}}{version}:{verb}": MOST_BYTES
    for verb in (EXPLAIN, PREDICT)
    for version in ("", "/versions/{version}")
}
PREFERRED_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)

router = APIRouter()
_reading = Slots(READ_AT_ONCE)


@router.post("/v1/models/{name}:predict", **ASKED[PREDICT])
async def predict(request: Request, desk: At, who: Who, name: str) -> Response:
    """What the newest version of a model says of photographs."""
    return await _asked(request, desk, who, (PREDICT, name, ""))


@router.post("/v1/models/{name}/versions/{version}:predict", **ASKED[PREDICT])
async def predict_by_version(request: Request, desk: At, who: Who, name: str, version: str) -> Response:
    """What a version of a model says of photographs."""
    return await _asked(request, desk, who, (PREDICT, name, version))


@router.post("/v1/models/{name}:explain", **ASKED[EXPLAIN])
async def explain(request: Request, desk: At, who: Who, name: str) -> Response:
    """What the answers of the newest version of a model rest on."""
    return await _asked(request, desk, who, (EXPLAIN, name, ""))


@router.post("/v1/models/{name}/versions/{version}:explain", **ASKED[EXPLAIN])
async def explain_by_version(request: Request, desk: At, who: Who, name: str, version: str) -> Response:
    """What the answers of a version of a model rest on."""
    return await _asked(request, desk, who, (EXPLAIN, name, version))


@router.get("/v1/jobs/{number}", **JOB)
async def job(request: Request, desk: At, number: str) -> Response:
    """How far a job is, and its answer once it has ended; `Prefer: wait=N` waits for that."""
    if not number.isascii() or not number.isdecimal() or len(number) > 18:
        raise Problem(404, f"there is no job {number[:20]}", "the Location of a 202 has its address")
    seconds = _seconds(request)
    found = await wait(desk, int(number), seconds)
    if found is None:
        raise Problem(
            404, f"there is no job {number}, or none any more", "ask again: what is known is answered at once"
        )
    return await run_in_threadpool(_job, desk, *found, status=200, seconds=seconds)


async def _asked(request: Request, desk: Desk, who: Person, what: tuple[str, str, str]) -> Response:
    asking, seconds = Asking(desk, who), _seconds(request)
    with _reading.one():
        body = await _body(request)
        question = await run_in_threadpool(_question, asking, what, body)
    found, number = await run_in_threadpool(_begun, asking, question)
    if number is None:
        return await run_in_threadpool(_answered, desk, question, found)
    after = await wait(desk, number, seconds)
    if after is None:  # removed meanwhile, by whoever may
        raise Problem(404, f"job {number} was removed before it had ended", "ask again")
    if ended(*after):
        return await run_in_threadpool(_answered, desk, question, after[1], seconds)
    return await run_in_threadpool(_job, desk, *after, status=202, seconds=seconds)


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, f"the body is {kind or 'of no type'}", "send JSON, and Content-Type: application/json")
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.body()
    except TimeoutError:
        raise Problem(408, f"the request did not arrive within {READ_SECONDS} s", "send fewer instances") from None


def _question(asking: Asking, what: tuple[str, str, str], body: bytes) -> Question:
    """What a request asks; its new photographs are in the archive then. Raises Problem for one that asks nothing."""
    verb, name, version = what
    model: Version = version_of(asking.desk, name, version)
    ask: Ask = read(body)
    recipe = explained_by(ask.parameters, model)
    instances = entered(asking.desk.engine, asking.enter, [read_instance(one) for one in ask.instances])
    if all("error" in one for one in instances):
        errors = [one["error"] for one in instances]
        more = {"instances": errors}
        raise Problem(422, f"no instance can be asked about: {errors[0]['detail']}", errors[0]["remedy"], more=more)
    return Question(verb, model, recipe, ask.parameters.when if verb == EXPLAIN else "", instances)


def _begun(asking: Asking, question: Question) -> tuple[Look, int | None]:
    """What is known, and the job that workers are at where that is not all."""
    with asking.desk.engine.begin() as c:
        found = look(c, question, again=True)
    return found, None if found.missing is None else asking.open(question, found.missing)


def _answered(desk: Desk, question: Question, found: Look, seconds: float = 0) -> Response:
    return told(answer(desk, question, found), 200, _applied(seconds))


def _job(desk: Desk, job: Job, found: Look, *, status: int, seconds: float) -> Response:
    """A job as it is: 202 where somebody asked for more than there is now."""
    over, question = ended(job, found), job.question
    rows = list(found.rows.values())
    state = ("done" if found.missing is None else "cancelled") if over else job.audit_state
    shape = shapes.JobTold(
        job=job.id,
        state="paused" if state == "paused" else state if over else "running",
        reason=job.pause_reason if state == "paused" else None,
        verb=question.verb,
        model=question.model.name,
        version=str(question.model.version),
        audit=job.audit,
        photographs=len(rows),
        answered=sum(one.done for one in rows),
        failed=sum(one.state == "failed" for one in rows),
        answer=answer(desk, question, found) if over else None,
    )
    ways = {"location": f"/v1/jobs/{job.id}"} | ({} if over else {"retry-after": SOON})
    return told(shape, status, ways | _applied(seconds))


def _seconds(request: Request) -> float:
    """How long who asks would wait (RFC 7240), as far as anybody may."""
    found = PREFERRED_WAIT.search(request.headers.get("prefer", ""))
    return min(float(found[1]), MOST_WAIT) if found else 0.0


def _applied(seconds: float) -> dict[str, str]:
    return {"preference-applied": f"wait={seconds:.0f}"} if seconds else {}
