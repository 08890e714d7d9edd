"""The doors: what every way to sign in has in common, and the one by a password of these pages."""

import hmac
import re
from base64 import b64decode
from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from polelens.web.members import Members
from polelens.web.security import refusal
from polelens.web.who import Person, Role

NAME = re.compile(r"[\w.@+'|-]{1,100}")  # no slash, which the names of tokens have, and no colon, as groups


@dataclass(frozen=True, slots=True)
class Admission:
    """Who of those whom another service has signed in has a role here, and whom the others are to ask for one."""

    members: Members
    whom: str

    def of(self, request: Request, name: str, groups: Collection[str]) -> Person | Response:
        """Somebody with the role they have, or the sentence that they have none."""
        if not NAME.fullmatch(name):
            return refusal(request, 403, f"{name[:100]!r} is no name of a person: letters, digits and . _ @ + ' | -")
        role = self.members.role(name, groups)
        if role is None:
            return refusal(request, 403, f"{name} is signed in and has no role here: ask {self.whom} for one")
        return Person(name, role)


@dataclass(frozen=True, slots=True)
class Password:
    """The password that opens the pages. The name that is given with it is whom marks are of.

    Whoever knows the password can take any name: names tell colleagues apart, and keep nobody out.
    """

    secret: str
    role: Role = Role.OPERATOR

    async def let_in(self, request: Request) -> Person | Response:
        """Whoever knows the password."""
        name = self._name(request.headers.get("authorization", ""))
        if name is None:
            told = {"www-authenticate": 'Basic realm="polelens", charset="UTF-8"'}
            return refusal(request, 401, "nobody has signed in: it takes a name of your own, and the password", told)
        return Person(name, self.role)

    def _name(self, authorization: str) -> str | None:
        kind, _, given = authorization.partition(" ")
        try:
            name, _, secret = b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return None
        right = hmac.compare_digest(secret.encode(), self.secret.encode())
        return name if kind.lower() == "basic" and right and NAME.fullmatch(name) else None
