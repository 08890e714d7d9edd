"""The ledger: what is to be done, what is done, and by when somebody must have made progress.

Redis only delivers; this is what remembers. Each method is one transaction. A step is claimed by a lease; the sweeper
hands out again what nobody finished in time. Doing anything twice is harmless: the first answer stays.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Row, text

from pipeline.attribution import Attribution
from pipeline.grounding import Grounding
from pipeline.probe import Probe
from storage import statements as sql
from storage import tables

PRODUCE_LOCK = 7_653_211  # any number, unlike the migrations'


@dataclass(frozen=True, slots=True)
class Step:
    """A message to be published: one step of an explanation, and what people see of it."""

    task: str  # prepare, infer or reduce
    explanation: int
    audit: int
    image: str
    urgent: bool
    round: int = 0
    part: int = 0
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """An explanation, as a worker needs it: image and mask are sha256, scene is None until made."""

    id: int
    key: str
    image: str
    mask: str | None
    model: int
    recipe: dict[str, Any]
    scene: str | None
    probes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PartKey:
    """Which part of which explanation."""

    id: int
    round: int
    number: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger in a database. After `attempts` processes have died at a step, its explanation fails."""

    engine: Engine
    lease_seconds: float = 300
    attempts: int = 3

    def produce(self, window: int) -> list[Step]:
        """Claim planned explanations until `window` are in flight, urgent audits first.

        None if another producer is at it, or if less than a quarter of the window is free: refilling by the handful
        costs more than it brings.
        """
        with self.engine.begin() as c:
            if not c.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": PRODUCE_LOCK}):
                return []
            free = window - c.execute(text(sql.COUNT_IN_FLIGHT)).scalar_one()
            steps: list[Step] = []
            for audit in c.scalars(text(sql.RUNNING_AUDITS)).all() if 4 * free >= window else []:
                values = {"audit": audit, "free": free - len(steps), "lease": self.lease_seconds}
                steps += _steps("prepare", c.execute(text(sql.PRODUCE), values).all())
            return steps

    def settle(self) -> None:
        """Mark audits done that wait for nothing more. Called after the commit that finished an explanation, so that
        of two that finish at once the later one sees both."""
        with self.engine.begin() as c:
            c.execute(text(sql.SETTLE))

    def begin(self, explanation: int) -> Job | None:
        """Start to prepare an explanation; None if nobody wants it any more or it is further already."""
        return self._claim(explanation, "e.state = 'preparing'", "preparing")

    def open_round(self, job: Job, scene: str, probe: Probe, size: int) -> list[Step]:
        """Write down a probe and its parts of about `size` masks; no steps if another worker did so before."""
        bounds = np.linspace(0, probe.n, -(-probe.n // size) + 1).round().astype(int).tolist()
        values = {"id": job.id, "round": len(job.probes), "total": len(bounds) - 1, "lease": self.lease_seconds}
        parts = [{"number": i, "start": a, "stop": b} | values for i, (a, b) in enumerate(pairwise(bounds))]
        with self.engine.begin() as c:
            opened = c.execute(text(sql.OPEN_ROUND), values | {"scene": scene, "probe": json.dumps([probe.to_json()])})
            if opened.rowcount == 0:
                return []
            c.execute(text(sql.INSERT_PART), parts)
            return _missing_parts(c, job.id)

    def take_part(self, key: PartKey) -> tuple[Job, int, int] | None:
        """Start to infer a part: the job and the range of masks.

        None if it is done, nobody wants it, or it has killed too many processes.
        """
        with self.engine.begin() as c:
            taken = c.execute(text(sql.TAKE_PART), _values(key)).first()
            if taken is None:
                return None
            if taken.attempts > self.attempts:
                _fail(c, key.id, f"inferring part {key.number + 1} killed its process {self.attempts} times")
                return None
            return _job(c, key.id), taken.start, taken.stop

    def record_part(self, key: PartKey, scores: NDArray[np.float32], seconds: float) -> list[Step]:
        """Keep a part's scores, float32 [n, c], and what they took; the reduction if they were the last of the round.

        The first answer stays: a second one, of a redelivered message or a process thought dead, changes nothing.
        """
        values = _values(key) | {"scores": np.ascontiguousarray(scores, dtype="<f4").tobytes(), "seconds": seconds}
        with self.engine.begin() as c:
            if c.execute(text(sql.RECORD_PART), values).rowcount == 0:
                return []
            row = c.execute(text(sql.COUNT_PART), values | {"lease": self.lease_seconds}).one()
            return _steps("reduce", [row]) if row.state == "ready" else []

    def claim_reduction(self, explanation: int) -> Job | None:
        """Start to reduce an explanation; None if it is not ready or another reducer holds it."""
        condition = "(e.state = 'ready' OR (e.state = 'reducing' AND e.lease_until < now()))"
        return self._claim(explanation, condition, "reducing")

    def scores(self, job: Job, columns: int) -> list[NDArray[np.float32]]:
        """The model's answers to each probe so far, float32 [n, columns]."""
        with self.engine.begin() as c:
            rows = c.execute(text(sql.SCORES), {"id": job.id}).all()
        rounds = [b"".join(row.scores for row in rows if row.round == r) for r in range(len(job.probes))]
        return [np.frombuffer(data, dtype="<f4").reshape(-1, columns) for data in rounds]

    def finish(self, job: Job, attribution: Attribution, grounding: Grounding | None = None) -> bool:
        """Keep an attribution and drop the parts; False if another reducer was first."""
        values = {
            "id": job.id,
            "probabilities": json.dumps(dict(attribution.probabilities)),
            "fill": json.dumps(dict(attribution.fill_probabilities)),
            "evaluations": attribution.evaluations,
            "mask_area": grounding.mask_area if grounding else None,
        }
        shares = grounding.mask_shares if grounding else [None] * len(attribution.labels)
        with self.engine.begin() as c:
            if c.execute(text(sql.FINISH), values).rowcount == 0:
                return False
            c.execute(tables.attribution.insert(), _rows(job.id, attribution, shares))
            c.execute(text(sql.DROP_PARTS), {"id": job.id})
            return True

    def fail(self, explanation: int, reason: str) -> None:
        """Mark an explanation failed, with its reason."""
        with self.engine.begin() as c:
            _fail(c, explanation, reason)

    def forgive(self, explanation: int, part: PartKey | None = None) -> None:
        """Take back an attempt that ended in an error and not in a dead process: it will be tried again."""
        statement, values = (sql.FORGIVE_PART, _values(part)) if part else (sql.FORGIVE, {"id": explanation})
        with self.engine.begin() as c:
            c.execute(text(statement), values)

    def overdue(self, most: int = 500) -> list[Step]:
        """What is in flight without progress since its lease ran out, with a new lease: to be published again."""
        with self.engine.begin() as c:
            rows = c.execute(text(sql.OVERDUE), {"most": most, "lease": self.lease_seconds}).all()
            steps = _steps("prepare", [row for row in rows if row.state == "preparing"])
            steps += _steps("reduce", [row for row in rows if row.state == "ready"])
            for row in rows:
                steps += _missing_parts(c, row.id) if row.state == "running" else []
            return steps

    def rate(self, model: int) -> float | None:
        """Evaluations a second of one worker process under a model, as measured so far."""
        with self.engine.begin() as c:
            rate: float | None = c.scalar(text("SELECT rate FROM model WHERE id = :model"), {"model": model})
            return rate

    def _claim(self, explanation: int, condition: str, state: str) -> Job | None:
        values = {"id": explanation, "lease": self.lease_seconds, "state": state}
        with self.engine.begin() as c:
            attempts = c.execute(text(sql.CLAIM.format(condition=condition)), values).scalar()
            if attempts is None:
                return None
            if attempts > self.attempts:
                _fail(c, explanation, f"{state} it killed its process {self.attempts} times")
                return None
            return _job(c, explanation)


def _steps(task: str, rows: Sequence[Row[Any]]) -> list[Step]:
    return [Step(task, row.id, row.audit or 0, row.image, row.urgent) for row in rows]


def _missing_parts(c: Connection, explanation: int) -> list[Step]:
    rows = c.execute(text(sql.MISSING_PARTS), {"id": explanation}).all()
    return [Step("infer", r.id, r.audit or 0, r.image, r.urgent, r.round, r.part, r.parts) for r in rows]


def _job(c: Connection, explanation: int) -> Job:
    return Job(**c.execute(text(sql.JOB), {"id": explanation}).one()._mapping)


def _fail(c: Connection, explanation: int, reason: str) -> None:
    c.execute(text(sql.FAIL), {"id": explanation, "reason": reason})
    c.execute(text("DELETE FROM part WHERE explanation_id = :id"), {"id": explanation})


def _values(key: PartKey) -> dict[str, Any]:
    return {"id": key.id, "round": key.round, "number": key.number}


def _rows(explanation: int, attribution: Attribution, mask_shares: Sequence[float | None]) -> list[dict[str, Any]]:
    return [
        {
            "explanation_id": explanation,
            "label": label.label,
            "weights": label.weights.tolist(),
            "std_error": label.std_error.tolist(),
            "weights_by_seed": label.weights_by_seed.tolist(),
            "intercept": label.intercept,
            "fidelity": label.to_json()["fidelity"],
            "stability": label.to_json()["stability"],
            "mask_share": share,
        }
        for label, share in zip(attribution.labels, mask_shares, strict=True)
    ]
