"""The gate before every page: who is let in, a token against forged forms, bounds of what is sent, and headers."""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polelens.web.who import Person, Role

SAFE = ("GET", "HEAD")
MOST_BYTES = 64 * 1024  # of a form; a comment has 2,000 characters
PROGRAMS = ("/v1/", "/v2/")  # paths that programs ask, and hear of a refusal as a problem (RFC 9457)
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Door(Protocol):
    """A way to sign in."""

    async def let_in(self, request: Request) -> Person | Response:
        """Who asks; or what they are told in the place of what they asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Forms:
    """What tells a form of ours from one that another site has a browser send.

    `host` is what people open, where a proxy may call the pages something else; empty: what a request says.
    """

    secret: str
    host: str = ""

    def token(self, who: str) -> str:
        """What a form of ours has in it, and a forged one cannot: it is told to nobody but whom it is of."""
        return hmac.new(self.secret.encode(), f"form:{who}".encode(), hashlib.sha256).hexdigest()

    def came_from_us(self, who: str, headers: Mapping[str, str]) -> bool:
        """Whether a request that changes something was sent by a page of ours."""
        given = headers.get("x-polelens-token", "")
        return not self.elsewhere(headers) and hmac.compare_digest(given.encode(), self.token(who).encode())

    def elsewhere(self, headers: Mapping[str, str]) -> bool:
        """Whether a browser says that another site has it send a request."""
        origin = headers.get("origin")
        ours = origin is None or origin.partition("://")[2] == (self.host or headers.get("host"))
        return not ours or headers.get("sec-fetch-site", "same-origin") != "same-origin"


class Bounds:
    """The most bytes that a path may be sent: those that its module names in `BODIES`, else those of a form."""

    def __init__(self, bodies: Mapping[str, int]) -> None:
        self._paths = [(compile_path(path)[0], most) for path, most in bodies.items()]

    def of(self, path: str) -> int:
        """The bound of a path."""
        return next((most for pattern, most in self._paths if pattern.match(path)), MOST_BYTES)


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets in whom a door or a token lets in, and puts the headers on every answer.

    `tokens` is asked where a request has a token of its own (`Authorization: Bearer`), `door` by all others; `most` is
    the greatest role that anybody has. `public` are the paths that nobody signs in for.
    """

    app: ASGIApp
    door: Door
    tokens: Door
    forms: Forms
    bounds: Bounds
    most: Role = Role.OPERATOR
    public: Collection[str] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = await self._refused(Request(scope))
        await (refused or self.app)(scope, receive, _with_headers(send))

    async def _refused(self, request: Request) -> Response | None:
        if path_of(request) in self.public and request.method in SAFE:
            return None
        by_token = request.headers.get("authorization", "").lower().startswith("bearer ")
        try:
            found = await (self.tokens if by_token else self.door).let_in(request)
        except SQLAlchemyError:
            return refusal(request, 503, "Postgres does not answer; ask again in a while", {"retry-after": "5"})
        if isinstance(found, Response):
            return found
        request.state.person = replace(found, role=min(found.role, self.most))
        if request.method in SAFE:
            return None
        if not by_token and not self._ours(found.name, request):
            return refusal(request, 403, "this was not sent by a page of ours: load the page again")
        return self._too_much(request)

    def _ours(self, who: str, request: Request) -> bool:
        """Whether no other site has a browser send this. What programs send is JSON, which takes our leave in CORS."""
        if path_of(request).startswith(PROGRAMS):
            return not self.forms.elsewhere(request.headers)
        return self.forms.came_from_us(who, request.headers)

    def _too_much(self, request: Request) -> Response | None:
        most, bare = self.bounds.of(path_of(request)), "0" if request.method == "DELETE" else ""
        length = request.headers.get("content-length", bare)  # a DELETE may have no body and say nothing of it
        endless = "transfer-encoding" in request.headers  # beside which a length says nothing (RFC 9112, 6.3)
        if not endless and length.isdecimal() and int(length) <= most:
            return None
        return refusal(request, 413, f"what is sent here has a length, of at most {most:,} bytes")


def path_of(request: Request) -> str:
    """The path that routes are found by, without what the pages are below.

    `request.url` is put together with whatever the header Host says.
    """
    return str(request.scope["path"]).removeprefix(request.scope.get("root_path", ""))


def refusal(request: Request, status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    """A sentence that says why not; to a program as a problem."""
    if path_of(request).startswith(PROGRAMS):
        told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": words}
        told["remedy"] = "docs/endpoint.md says how to sign in, and how much may be sent"
        return JSONResponse(told, status, headers, media_type="application/problem+json")
    return PlainTextResponse(words, status, headers)


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            told = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", ()), *told]}
        await send(message)

    return sent
