"""Leaving: who has signed in by a cookie signs out."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from polelens.web.who import AReader

SIGNED_OUT = "/signed-out"
PUBLIC = (SIGNED_OUT,)

router = APIRouter()


@router.post("/sign-out")
def sign_out(request: Request, who: AReader) -> Response:
    """Forget who somebody is; htmx goes on to the page that says so."""
    del who
    if "session" in request.scope:
        request.session.clear()
    return Response(status_code=204, headers={"hx-redirect": SIGNED_OUT})


@router.get(SIGNED_OUT)
def signed_out() -> Response:
    """The page of whoever is no longer signed in."""
    return PlainTextResponse("you are signed out here: /sign-in signs in again")
