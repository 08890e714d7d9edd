"""The list of models: their versions, when each came, and how many audits it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select

from storage import tables
from storage.listing import like
from storage.registry import Version, version_of

MOST = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A registered version, and what came of it."""

    version: Version
    created_at: datetime
    audits: int


def versions(engine: Engine, name: str = "", before: int | None = None, most: int | None = MOST) -> Sequence[Listed]:
    """The versions of models with such a name, the newest first, so many.

    Parameters
    ----------
    engine : Engine
    name : str
        A part of the name, or a pattern with * and ?; case does not count.
    before : int or None
        An id: those that came before it, for the next page.
    most : int or None
        None: all of them.
    """
    model, audit = tables.model, tables.audit
    audits = select(func.count()).where(audit.c.model_id == model.c.id).scalar_subquery().label("audits")
    query = select(model, audits).order_by(model.c.id.desc()).limit(most)
    if name:
        query = query.where(model.c.name.ilike(like(name if set(name) & set("*?") else f"*{name}*")))
    if before is not None:
        query = query.where(model.c.id < before)
    with engine.begin() as c:
        return [Listed(version_of(row), row.created_at, row.audits) for row in c.execute(query)]
