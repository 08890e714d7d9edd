"""Paces: how fast each device was found to answer for each model, so that the warm-up is made once."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, and_, func, not_, select
from sqlalchemy.dialects.postgresql import insert

from pipeline.model.pace import Pace
from pipeline.model.precision import F32, PRECISIONS, Precision
from storage.rates import told
from storage.tables import pace as table


@dataclass(frozen=True, slots=True)
class Paces:
    """The paces in a database; a device is a few words, and two that read alike are as fast."""

    engine: Engine

    def find(self, model: int, device: str) -> Pace | None:
        """The pace of a model on a device, if it was measured."""
        query = select(table.c.batch, table.c.rate).where(table.c.model_id == model, table.c.device == device)
        with self.engine.begin() as c:
            row = c.execute(query).first()
        return Pace(*row) if row else None

    def keep(self, model: int, device: str, pace: Pace) -> Pace:
        """Remember a pace; the first one stays, so that workers that measure at once agree."""
        values = {"model_id": model, "device": device, "batch": pace.batch, "rate": pace.rate}
        with self.engine.begin() as c:
            c.execute(insert(table).values(values).on_conflict_do_nothing())
        return self.find(model, device) or pace

    def largest(self, model: int, precision: Precision = F32) -> Pace | None:
        """The largest batch of a model on any device and the highest rate: parts are sized for whichever takes them."""
        query = select(func.max(table.c.batch), func.max(table.c.rate))
        query = query.where(table.c.model_id == model, _computes_in(precision))
        with self.engine.begin() as c:
            batch, rate = c.execute(query).one()
        return None if batch is None else Pace(batch, rate)


def _computes_in(precision: Precision) -> ColumnElement[bool]:
    lower = {one: table.c.device.endswith(told("", one)) for one in PRECISIONS if one != F32}
    return lower[precision] if precision in lower else and_(*map(not_, lower.values()))
