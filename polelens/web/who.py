"""Who asks, and what they may: a reader looks, a marker also says what they think, an operator also acts."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, HTTPException, Request


class Role(StrEnum):
    """What a person may; each role may what the ones before it may, and they are ordered so."""

    READER = "reader"
    MARKER = "marker"
    OPERATOR = "operator"

    @property
    def rank(self) -> int:
        """Its place in the order."""
        return list(Role).index(self)

    # Without these four, words would be compared by their letters, and a reader would be the greatest.
    def __lt__(self, other: str) -> bool:
        return self.rank < Role(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Role(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Role(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Role(other).rank


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in, or a program with a token, whose name then begins with `token/`."""

    name: str
    role: Role


NOBODY = Person("", Role.READER)  # who sees a page that nobody signs in for


def person(request: Request) -> Person:
    """Who sends a request: the gate has let them in."""
    found: Person = request.state.person
    return found


def needs(role: Role) -> Callable[[Request], Person]:
    """A dependency: whoever sends the request, if they have this role or a greater one; else 403."""

    def allowed(request: Request) -> Person:
        found = person(request)
        if found.role < role:
            whom = request.app.state.desk.whom
            raise HTTPException(403, f"this takes the role {role}, and {found.name} is a {found.role}: ask {whom}")
        return found

    return allowed


Who = Annotated[Person, Depends(person)]
AReader = Annotated[Person, Depends(needs(Role.READER))]
AMarker = Annotated[Person, Depends(needs(Role.MARKER))]
AnOperator = Annotated[Person, Depends(needs(Role.OPERATOR))]
