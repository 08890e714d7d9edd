"""The desk: what the pages are made from."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from polelens.web.control import Control
from polelens.web.figures import Figures
from polelens.web.painter import Painter
from polelens.web.security import Forms
from polelens.web.who import Person, Role
from storage.archive import Archive
from storage.audits import Audits
from storage.blobs import Blobs
from storage.forget.trail import act
from storage.marks import Marks
from storage.registry import Registry


@dataclass(frozen=True, slots=True)
class Desk:
    """What every page can ask.

    `engine` reads and cannot write. `writing` can, and is None where the pages are read-only: then nobody has a role
    that would need it. `whom` is who gives people roles, in words.
    """

    engine: Engine
    figures: Figures
    painter: Painter
    forms: Forms
    control: Control
    writing: Engine | None = None
    whom: str = "whoever runs these pages"

    @property
    def most(self) -> Role:
        """The greatest role that anybody has here."""
        return Role.READER if self.writing is None else Role.OPERATOR

    @property
    def audits(self) -> Audits:
        """The audits, to be read."""
        return Audits(self.engine)

    @property
    def archive(self) -> Archive:
        """The photographs, to be read."""
        return self.painter.gallery.archive

    @property
    def blobs(self) -> Blobs:
        """Where the bytes of photographs and models are."""
        return self.archive.blobs

    @property
    def registry(self) -> Registry:
        """The models, to be read."""
        return Registry(self.engine, self.blobs)

    @property
    def said(self) -> Marks:
        """The marks, to be read."""
        return Marks(self.engine)

    @property
    def writes(self) -> Engine:
        """What an operator or a marker changes something with."""
        if self.writing is None:
            raise RuntimeError("these pages are read-only, and somebody was let in who changes something")
        return self.writing

    def note(self, person: Person, what: str, kind: str, number: int = 1, audit: int | None = None) -> None:
        """Write into the trail what somebody has done: `audit start`, of kind `audits`; never of what content."""
        with self.writes.begin() as c:
            act(what, person.name, audit).note(c, [(kind, number, 0)])


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


At = Annotated[Desk, Depends(_desk)]
