"""Monitoring: what the ledger holds now, and what it has counted, however large the archive is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, Row, text

from storage import statements as sql
from storage.placements import Told, told
from storage.tables import AUDIT_STATES


@dataclass(frozen=True, slots=True)
class Backlog:
    """What running audits have under way at a step: prepare, infer or reduce. A row of the view `backlog`."""

    step: str
    photographs: int
    tasks: int  # to be done: parts for infer, photographs for the others
    answered: int  # parts of the present round that are done; 0 but for infer
    oldest_seconds: float  # how long the photograph that came to the step first has been at it


@dataclass(frozen=True, slots=True)
class ModelCounts:
    """A model's counters, see `storage.counters`."""

    model: str  # name@version
    counts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelRate:
    """How fast a model was seen to be answered in a precision, see `storage.rates`."""

    model: str  # name@version
    precision: str
    rate: float  # evaluations a second of one process


@dataclass(frozen=True, slots=True)
class Reading:
    """The ledger in figures."""

    audits: Mapping[str, int]  # by state
    planned: int  # photographs of running audits that nobody has begun
    backlog: Sequence[Backlog]
    overdue_seconds: float  # for how long a photograph has been due to be handed out again; 0 if none is
    models: Sequence[ModelCounts]
    rates: Sequence[ModelRate] = ()
    placements: Sequence[Told] = ()  # what workers were seen to run models on


def read(engine: Engine) -> Reading:
    """All figures at one moment."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as c:
        return Reading(
            audits=dict.fromkeys(AUDIT_STATES, 0) | {row.state: row.n for row in c.execute(text(sql.COUNT_AUDITS))},
            planned=c.execute(text(sql.COUNT_PLANNED)).scalar_one(),
            backlog=[Backlog(*row) for row in c.execute(text(sql.BACKLOG))],
            overdue_seconds=c.execute(text(sql.OVERDUE_SECONDS)).scalar_one(),
            models=_models(c.execute(text(sql.COUNTED)).all()),
            rates=[ModelRate(*row) for row in c.execute(text(sql.RATES))],
            placements=told(c),
        )


def _models(rows: Sequence[Row[Any]]) -> list[ModelCounts]:
    found: dict[str, ModelCounts] = {}
    for row in rows:
        one = found.setdefault(row.model, ModelCounts(row.model))
        if row.what is not None:
            one.counts[row.what] = row.n
    return list(found.values())
