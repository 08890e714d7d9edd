"""The application: every page behind the gate, and one plain page for whatever goes wrong."""

import logging
from functools import partial
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from polelens.report import pages as report
from polelens.web import archive, audits, comparisons, jobs, leaving, marks, models, photographs, pictures, trying
from polelens.web.control import Busy
from polelens.web.desk import Desk
from polelens.web.endpoint import models as served
from polelens.web.endpoint import routes
from polelens.web.endpoint.problems import NO_VALUE, Problem, of, to_programs
from polelens.web.figures import NotCounted
from polelens.web.finding import NotThere, Refused
from polelens.web.rendering import page
from polelens.web.security import Bounds, Door, Gate, path_of
from polelens.web.tokens import Bearer
from storage.blob_errors import BlobMissing, BlobsUnavailable
from storage.tokens import Tokens

HERE = Path(__file__).parent
ENDPOINT = (routes, served)
TEMPLATES = Path(report.__file__).parent.parent / "templates"
OF_THE_REPORT = ("report.css", "comparison.css")

MAY_NOT = "The login that the pages have at the database may not do that: grant it polelens_operator."
GONE = "What this is about was removed meanwhile, or somebody else was first: load the page again."
NOT_ALLOWED = "42501"  # Postgres's word for it
MODULES = (audits, leaving, marks, photographs, pictures, comparisons, jobs, trying, models, archive, *ENDPOINT)

logger = logging.getLogger(__name__)


def application(desk: Desk, door: Door) -> ASGIApp:
    """All pages over what a desk has, for whom a door lets in.

    A module of pages has a `router`. `BODIES` says how many bytes a path of it may be sent, where that is more than a
    form: {"/models": 2**30}; and `PUBLIC` are the paths that nobody signs in for.
    """
    app = FastAPI(title="polelens", docs_url=None, redoc_url=None, openapi_url=None)
    # Starlette would send who asks for a page with a slash behind it to whatever host their request names, by HTTP.
    app.router.redirect_slashes = False
    app.state.desk = desk
    bodies: dict[str, int] = {}
    public: list[str] = []
    for module in MODULES:
        app.include_router(module.router)
        bodies |= getattr(module, "BODIES", {})
        public += getattr(module, "PUBLIC", ())
    for name in OF_THE_REPORT:
        app.add_api_route(f"/static/{name}", partial(_stylesheet, name))
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    for kind, answer in ANSWERS.items():
        app.add_exception_handler(kind, to_programs(answer))
    app.add_exception_handler(Problem, lambda _, problem: of(problem).response())
    app.add_exception_handler(Exception, to_programs(_http))
    app.state.endpoint = [route for module in ENDPOINT for route in module.router.routes]
    return Gate(app, door, Bearer(Tokens(desk.engine)), desk.forms, Bounds(bodies), desk.most, tuple(public))


def _stylesheet(name: str) -> Response:
    """The report's own."""
    return Response((TEMPLATES / name).read_text(encoding="utf-8"), media_type="text/css")


def _refused(request: Request, error: Exception) -> Response:
    return _told(request, 400, "That cannot be asked", str(error))


def _missing(request: Request, error: Exception) -> Response:
    if path_of(request).endswith(".webp"):
        return PlainTextResponse("there is no such picture", 404)
    return _told(request, 404, "There is no such page", str(error) if isinstance(error, NotThere | BlobMissing) else "")


def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return _missing(request, error)
    return _told(request, status, "That does not go", str(getattr(error, "detail", "")))


def _no_value(request: Request, error: Exception) -> Response:
    return _told(request, 400, "That cannot be asked", NO_VALUE)


def _gone(request: Request, error: Exception) -> Response:
    return _told(request, 409, "It is gone", GONE)


def _unavailable(request: Request, error: Exception) -> Response:
    logger.warning("%s: %s", quote(path_of(request)), str(getattr(error, "orig", None) or error).partition("\n")[0])
    if getattr(getattr(error, "orig", None), "sqlstate", None) == NOT_ALLOWED:
        return _told(request, 403, "That does not go", MAY_NOT)
    service = "Postgres" if isinstance(error, SQLAlchemyError) else "The store of photographs"
    return _told(request, 503, f"{service} does not answer", "Load the page again; `polelens doctor` says what it is.")


def _busy(request: Request, error: Exception) -> Response:
    return _told(request, 503, "Not now", str(error))


def _not_counted(request: Request, error: Exception) -> Response:
    return _told(request, 503, "It is still being counted", "Ask again in a minute: what is counted is remembered.")


def _told(request: Request, status: int, title: str, words: str) -> Response:
    if request.method == "POST":
        return PlainTextResponse(words or title, status)
    return page(request, "error.html", status, title=title, words=words)


ANSWERS = {
    Refused: _refused,
    Busy: _busy,
    NotThere: _missing,
    BlobMissing: _missing,
    NotCounted: _not_counted,
    DataError: _no_value,
    IntegrityError: _gone,
    BlobsUnavailable: _unavailable,
    SQLAlchemyError: _unavailable,
    HTTPException: _http,
}
