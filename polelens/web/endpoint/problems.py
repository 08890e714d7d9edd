"""Problems: what went wrong, as RFC 9457 writes it for programs, with the reason and what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.exceptions import HTTPException

from polelens.web.finding import NotThere, Refused
from polelens.web.security import PROGRAMS, path_of
from storage.blob_errors import BlobMissing, BlobsUnavailable

MEDIA_TYPE = "application/problem+json"
NO_VALUE = "a text has a NUL in it, or a number is too large: Postgres takes no such value"
REMEDY = "GET /v1/openapi.json says what can be asked"
ADDRESSES = {404: "there is no such address", 405: "there is nothing to be had here by this method"}

Answer = Callable[[Request, Exception], Response]


@dataclass(eq=False)  # not frozen: whoever catches it sets its traceback
class Problem(Exception):
    """A request, or one instance of it, that cannot be answered.

    Attributes
    ----------
    status : int
    detail : str
        What was wrong, in a sentence.
    remedy : str
        What whoever asks can do.
    headers : mapping
        Of the answer.
    more : mapping
        Further members.
    """

    status: int
    detail: str
    remedy: str = REMEDY
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail

    def to_json(self) -> dict[str, Any]:
        """Its members; `about:blank` says that the title is the status's own."""
        title = HTTPStatus(self.status).phrase
        detail = "".join(sign if sign.isprintable() else "?" for sign in self.detail)  # it may quote what was sent
        told = {"type": "about:blank", "title": title, "status": self.status, "detail": detail}
        return told | {"remedy": self.remedy, **self.more}

    def response(self) -> Response:
        """The answer to a request that it is the matter with."""
        return JSONResponse(self.to_json(), self.status, dict(self.headers), media_type=MEDIA_TYPE)


def to_programs(to_people: Answer) -> Answer:
    """Answer programs with a problem, and people as the pages do."""

    def answer(request: Request, error: Exception) -> Response:
        asked_by_program = path_of(request).startswith(PROGRAMS)
        return of(error).response() if asked_by_program else to_people(request, error)

    return answer


def of(error: Exception) -> Problem:
    """The problem that an error is to who asks; what it is to us stays in the log."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refused | ValueError | DataError):
        return Problem(400, NO_VALUE if isinstance(error, DataError) else str(error))
    if isinstance(error, NotThere | BlobMissing):
        return Problem(404, str(error))
    if isinstance(error, HTTPException):
        detail = ADDRESSES.get(error.status_code, str(error.detail))
        return Problem(error.status_code, detail, headers=error.headers or {})
    if isinstance(error, SQLAlchemyError | BlobsUnavailable):
        service = "Postgres" if isinstance(error, SQLAlchemyError) else "the store of photographs"
        return Problem(503, f"{service} does not answer", "ask again in a while", {"retry-after": "5"})
    return Problem(500, "this should not happen", "ask again; the log of `polelens serve` says what it was")
