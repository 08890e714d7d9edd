"""Documented: what each address answers, for the OpenAPI document, and the answers themselves."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse, Response

from polelens.web.endpoint import shapes
from polelens.web.endpoint.problems import MEDIA_TYPE
from storage.jobs import EXPLAIN, PREDICT

NO_STORE = "no-store"  # what is true of an archive today is not tomorrow

WHY = {
    400: "The request is no request.",
    401: "Nobody has signed in.",
    403: "Whoever asks may not.",
    404: "There is no such model, job or explanation.",
    408: "The request did not arrive in time.",
    413: "The request is too large.",
    415: "The body is no JSON.",
    422: "Nothing is right with any instance.",
    429: "Too much is asked at once.",
    503: "Postgres or the store of photographs does not answer.",
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "wait=N: wait for N seconds, 60 at most, before a 202 (RFC 7240).",
    "schema": {"type": "string"},
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an address may answer with."""
    schema = {"$ref": "#/components/schemas/Told"}
    return {one: {"description": WHY[one], "content": {MEDIA_TYPE: {"schema": schema}}} for one in statuses}


def _asked(shape: type[shapes.Shape]) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ask"}}}}
    accepted = {"model": shapes.JobTold, "description": "Workers are at it: Location has the job's address."}
    return {
        "responses": {200: {"model": shape}, 202: accepted, **problems(*WHY)},
        "openapi_extra": {"requestBody": body, "parameters": [PREFER]},
    }


ASKED = {PREDICT: _asked(shapes.Predictions), EXPLAIN: _asked(shapes.Explanations)}
JOB: dict[str, Any] = {
    "responses": {200: {"model": shapes.JobTold}, **problems(401, 404, 503)},
    "openapi_extra": {"parameters": [PREFER]},
}


def told(shape: shapes.Shape, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in its shape."""
    body = shape.model_dump(mode="json", by_alias=True)
    return JSONResponse(body, status, {"cache-control": NO_STORE, **(headers or {})})
