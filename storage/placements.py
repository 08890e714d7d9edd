"""Placements: what each worker was seen to run a model on."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text
from sqlalchemy.dialects.postgresql import insert

from pipeline.model.placement import Placement
from storage.tables import placement as table

KEPT = "7 days"  # pods have ever new names


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker by its node's name, a model by its number, a precision, and what became of the network's nodes."""

    worker: str
    model: int
    precision: str
    placement: Placement


@dataclass(frozen=True, slots=True)
class Told:
    """The same as it is told: the model as name@version."""

    worker: str
    model: str
    precision: str
    provider: str
    nodes: int
    share: float


@dataclass(frozen=True, slots=True)
class Placements:
    """The placements in a database."""

    engine: Engine

    def keep(self, seen: Seen) -> None:
        """Write it down in the place of what the worker said before; who has said nothing for a week is forgotten."""
        key = {"model_id": seen.model, "worker": seen.worker, "precision": seen.precision}
        found = {name: getattr(seen.placement, name) for name in ("provider", "nodes", "share")}
        query = insert(table).values(key | found)
        with self.engine.begin() as c:
            c.execute(text(_FORGET), {"kept": KEPT})
            now = query.on_conflict_do_update(index_elements=list(key), set_=found | {"seen_at": text("now()")})
            c.execute(now)

    def all(self) -> Sequence[Told]:
        """Those of the last day, by worker."""
        with self.engine.begin() as c:
            return told(c)


def told(c: Connection) -> Sequence[Told]:
    """The same within a transaction."""
    return [Told(*row) for row in c.execute(text(_TOLD))]


_FORGET = "DELETE FROM placement WHERE seen_at < now() - CAST(:kept AS interval)"

_TOLD = """
SELECT p.worker, m.name || '@' || m.version, p.precision, p.provider, p.nodes, p.share
FROM placement p JOIN model m ON m.id = p.model_id WHERE p.seen_at > now() - interval '1 day'
ORDER BY p.worker, 2, p.precision
"""
