"""Pages from templates: those of the report, and the pages' own."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader

from pipeline.recipes import called
from polelens.report.pages import environment as of_reports
from polelens.report.words import size
from polelens.web.below import linked
from polelens.web.security import path_of
from polelens.web.who import NOBODY, Role


@cache
def environment() -> Environment:
    """The templates of the pages, which use those of the report."""
    made = of_reports().overlay(loader=ChoiceLoader([PackageLoader("polelens.web"), PackageLoader("polelens")]))
    made.filters |= {"query": query, "size": size, "called": called}
    return made


def query(asked: Mapping[str, str], **changes: object) -> str:
    """A query with these changes to it; what is empty is left out.

    Examples
    --------
    >>> query({"basis": "background", "after": "3"}, after="", order="name")
    '?basis=background&order=name'
    """
    told = {name: str(value) for name, value in {**asked, **changes}.items() if value not in ("", None)}
    return f"?{urlencode(told)}" if told else ""


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page."""
    desk, who = request.app.state.desk, getattr(request.state, "person", NOBODY)
    may = {"marking": who.role >= Role.MARKER, "operating": who.role >= Role.OPERATOR}
    common = {"who": who.name, "token": desk.forms.token(who.name), "path": path_of(request)}
    common |= may | {"leaving": "session" in request.scope}
    html = fragment(request, template, **{**common, **values})
    headers = {"cache-control": "no-store"}
    return HTMLResponse(html.encode("utf-8", "replace"), status, headers)


def fragment(request: Request, template: str, **values: Any) -> str:
    """A piece of a page, its addresses below the path that the pages are served from."""
    return linked(request, environment().get_template(template).render(values))
