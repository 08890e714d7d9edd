"""Tokens: how programs sign in."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from polelens.web.security import refusal
from polelens.web.who import Person, Role
from storage.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Bearer:
    """Lets in who has a token that `polelens token add` has made."""

    tokens: Tokens

    async def let_in(self, request: Request) -> Person | Response:
        """The program that a token is of."""
        given = request.headers["authorization"].partition(" ")[2].strip()
        found = await run_in_threadpool(self.tokens.find, given)
        if found is None:
            words = "there is no such token, or it has expired"
            return refusal(request, 401, words, {"www-authenticate": "Bearer"})
        return Person(f"token/{found.name}", Role(found.role))
