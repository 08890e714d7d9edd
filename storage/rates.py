"""Rates: how fast worker processes were seen to answer for a model, of each precision a moving average of its own.

That of float32 is the model's own. The others are in the table `pace`, of a device that is no machine: audits.
"""

from sqlalchemy import Connection, text

from pipeline.model.precision import F32, Precision
from storage import statements as sql

AUDITS = "audits"


def told(device: str, precision: Precision) -> str:
    """A device that computes in a precision: each has paces of its own."""
    return device if precision == F32 else f"{device} in {precision}"


def drop_parts(c: Connection, explanation: int, model: int, precision: Precision) -> None:
    """Drop the parts of an explanation that is done; how fast they were answered goes into the average."""
    rate = c.scalar(text(sql.DROP_PARTS), {"id": explanation})
    if rate is not None:
        values = {"model": model, "device": told(AUDITS, precision), "rate": rate}
        c.execute(text(_KEEP if precision == F32 else _KEEP_LOWER), values)


def find_rate(c: Connection, model: int, precision: Precision) -> float | None:
    """Evaluations a second of one process, if a photograph was answered in that precision."""
    values = {"model": model, "device": told(AUDITS, precision)}
    rate: float | None = c.scalar(text(_FIND if precision == F32 else _FIND_LOWER), values)
    return rate


_KEEP = "UPDATE model SET rate = coalesce(0.8 * rate + 0.2 * :rate, :rate) WHERE id = :model"

_KEEP_LOWER = """
INSERT INTO pace (model_id, device, batch, rate) VALUES (:model, :device, 1, :rate)
ON CONFLICT (model_id, device) DO UPDATE SET rate = 0.8 * pace.rate + 0.2 * excluded.rate
"""

_FIND = "SELECT rate FROM model WHERE id = :model"

_FIND_LOWER = "SELECT rate FROM pace WHERE model_id = :model AND device = :device"
