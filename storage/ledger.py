"""The ledger: what is to be done, what is done, and by when somebody must have made progress.

Redis only delivers; this is what remembers. Each method is one transaction. A step is claimed by a lease; the sweeper
hands out again what nobody finished in time, and gives up what processes died of. Doing anything twice is harmless:
the first answer stays.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Row, text

from pipeline.answer.attribution import Attribution
from pipeline.conversation.known import NOTHING, Known
from pipeline.conversation.probe import Probe
from pipeline.model.precision import F32, Precision
from storage import attributions, tables
from storage import statements as sql
from storage.counters import DUPLICATES, KILLED, REPUBLISHED, count, count_done, failed
from storage.database import BINARY
from storage.locks import want
from storage.rates import drop_parts, find_rate
from storage.rounds import joined, pieces

PRODUCE_LOCK = 7_653_211  # any number, unlike the migrations'
_STATES = {"prepare": ["preparing"], "infer": ["running"], "reduce": ["ready", "reducing"]}  # in which a step may fail
_OVERDUE = {"preparing": "prepare", "running": "infer", "ready": "reduce"}
_DOING = {"prepare": "preparing", "infer": "inferring", "reduce": "reducing"}


@dataclass(frozen=True, slots=True)
class Step:
    """A message to be published: one step of an explanation, and what people see of it."""

    task: str  # prepare, infer or reduce
    explanation: int
    audit: int
    photograph: str
    urgent: bool
    round: int = 0
    part: int = 0
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """An explanation, as a worker needs it: image and mask are sha256, scene is None until made.

    The mask is the one that the explanation was planned with: the photograph may have another by now.
    """

    id: int
    key: str
    image: str
    mask: str | None
    model: int
    recipe: dict[str, Any]
    scene: str | None
    probes: list[dict[str, Any]]
    refit_of: str | None  # the key of the explanation whose scores answer it instead of the model
    answered: bool = False  # whether it is judged anew: see `storage.rejudging`

    @property
    def precision(self) -> Precision:
        """What the model is computed in: the audit's, whatever a worker itself prefers."""
        precision: Precision = self.recipe.get("precision", F32)
        return precision


@dataclass(frozen=True, slots=True)
class PartKey:
    """Which part of which explanation."""

    id: int
    round: int
    number: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part that was taken: its row, and the range of masks."""

    key: PartKey
    row: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger in a database.

    An explanation fails when `attempts` processes have begun a step of it, none has come back, and the lease is over.
    """

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
            if 4 * free < window:
                return []
            steps: list[Step] = []
            for audit in c.scalars(text(sql.RUNNING_AUDITS)).all():
                values = {"audit": audit, "free": free - len(steps), "lease": self.lease_seconds}
                steps += _steps("prepare", c.execute(text(sql.PRODUCE), values).all())
                if len(steps) == free:
                    break
            return steps

    def claim(self, audit: int) -> list[Step]:
        """Claim all that an audit has planned, beyond the window: whoever waits for it bounds what they ask."""
        with self.engine.begin() as c:
            values = {"audit": audit, "free": None, "lease": self.lease_seconds}
            return _steps("prepare", c.execute(text(sql.PRODUCE), values).all())

    def settle(self) -> None:
        """Mark audits done that wait for nothing more.

        Called after the commit that finished an explanation, so that of two that finish at once the later one sees
        both. Looks again once the audits are locked: one may have been resumed meanwhile.
        """
        with self.engine.begin() as c:
            if audits := c.scalars(text(sql.ENDED_AUDITS)).all():
                for statement in (sql.LOCK_AUDITS, sql.SETTLE):
                    c.execute(text(statement), {"audits": audits})

    def begin(self, explanation: int) -> Job | None:
        """Start to prepare an explanation.

        None if it is further already, nobody wants it, or so many are at it that the sweeper has to judge.
        """
        return self._claim(explanation, "e.state = 'preparing'", "preparing")

    def show(self, job: Job, scene: str) -> None:
        """Write down which scene an explanation is going to show, so that it is not removed from now on.

        Whoever looks for the scene's blob does so after this: either it is there and stays, or it is made.
        """
        with self.engine.begin() as c:
            want(c)
            c.execute(text(sql.SHOW), {"id": job.id, "scene": scene})

    def open_round(self, job: Job, scene: str, probe: Probe, size: int, known: Known = NOTHING) -> list[Step]:
        """Write down a probe and its parts of about `size` evaluations; no steps if another worker did so before.

        Rows whose answers are known are parts that are answered: if that is all of them, the reduction is next.
        """
        found = pieces(probe, known, size)
        whole = {"id": job.id, "round": len(job.probes), "total": len(found), "lease": self.lease_seconds}
        values = whole | {"known": sum(piece.scores is not None for piece in found)}
        parts = [whole | asdict(piece) | {"number": number} for number, piece in enumerate(found)]
        with self.engine.begin() as c:
            told = {"scene": scene, "probe": json.dumps([probe.to_json()])}
            row = c.execute(text(sql.OPEN_ROUND), values | told).first()
            if row is None:
                return []
            c.execute(text(sql.INSERT_PART), parts)
            return _steps("reduce", [row]) if row.state == "ready" else _missing_parts(c, job.id)

    def take_over(self, job: Job) -> list[Step]:
        """The reduction of a refit: its scene and its scores are there. None if another worker did so before."""
        with self.engine.begin() as c:
            return _steps("reduce", c.execute(text(sql.TAKE_OVER), {"id": job.id, "lease": self.lease_seconds}).all())

    def take_part(self, key: PartKey) -> tuple[Job, Part] | None:
        """Start to infer a part.

        None if it is done, nobody wants it, or so many are at it that the sweeper has to judge.
        """
        values = _values(key) | {"attempts": self.attempts, "lease": self.lease_seconds}
        with self.engine.begin() as c:
            c.execute(text(sql.UNFLUSHED))
            if c.execute(text(sql.START_PART), values).rowcount == 0:
                return None
            taken = c.execute(text(sql.TAKE_PART), values).first()
            return (_job(c, key.id), Part(key, *taken)) if taken else None

    def record_part(self, part: Part, scores: NDArray[np.float32], seconds: float) -> list[Step]:
        """Keep a part's answer, float32 [n, c], and what it took; the reduction if it was the last of the round.

        The first answer stays: a second one, of a redelivered message or a process thought dead, changes nothing, nor
        does one to a question of an earlier run.
        """
        data = np.ascontiguousarray(scores, dtype="<f4").tobytes()
        values = _values(part.key) | {"part": part.row, "scores": data, "seconds": seconds}
        with self.engine.begin() as c:
            c.execute(text(sql.UNFLUSHED))
            c.execute(text(sql.LOCK), values)
            if c.execute(text(sql.RECORD_PART), values).rowcount == 0:
                count(c, DUPLICATES, [part.key.id])
                return []
            row = c.execute(text(sql.COUNT_PART), values | {"lease": self.lease_seconds}).one()
            return _steps("reduce", [row]) if row.state == "ready" else []

    def claim_reduction(self, explanation: int) -> Job | None:
        """Start to reduce an explanation; None if it is not ready, nobody wants it, or another reducer holds it."""
        condition = "(e.state = 'ready' OR (e.state = 'reducing' AND e.lease_until < now()))"
        return self._claim(explanation, condition, "reducing")

    def scores(self, job: Job, columns: int) -> list[NDArray[np.float32]]:
        """The model's answers to each probe so far, float32 [n, columns]; [blocks, width] where rows are summed."""
        with self.engine.begin() as c:
            rows = c.execute(text(sql.SCORES), {"id": job.id}, execution_options={BINARY: True}).all()
        rounds = [[(row.start, row.scores) for row in rows if row.round == r] for r in range(len(job.probes))]
        probes = map(Probe.from_json, job.probes)
        return [joined(probe, parts, columns) for probe, parts in zip(probes, rounds, strict=True)]

    def finish(self, job: Job, attribution: Attribution) -> bool:
        """Keep an attribution and drop the parts; False if another reducer was first."""
        fill, choice, inside = attribution.fill_probabilities, attribution.fill_choice, attribution.inside
        values = {
            "id": job.id,
            "predicted": attribution.predicted,
            "confidence": attribution.confidence,
            "probabilities": json.dumps(dict(attribution.probabilities)),
            "fill": None if fill is None else json.dumps(dict(fill)),
            "choice": None if choice is None else json.dumps(asdict(choice)),
            "inside": None if inside is None else json.dumps(dict(inside)),
            "evaluations": attribution.evaluations,
        }
        with self.engine.begin() as c:
            if c.execute(text(sql.FINISH), values).rowcount == 0:
                return False
            c.execute(tables.attribution.insert(), attributions.rows(job.id, attribution))
            c.execute(text(sql.SUPERSEDE), values)
            count_done(c, job.id)
            drop_parts(c, job.id, job.model, job.precision)
            return True

    def fail(self, task: str, explanation: int, reason: str, part: PartKey | None = None) -> None:
        """Mark an explanation failed, with its reason, unless it has got beyond the step, or the part, that failed."""
        with self.engine.begin() as c:
            c.execute(text(sql.LOCK), {"id": explanation})
            behind = part is not None and not c.scalar(text(sql.IS_UNANSWERED), _values(part))
            if not behind and _fail(c, task, explanation, reason):
                count(c, failed(task), [explanation])

    def forgive(self, explanation: int, part: PartKey | None = None, *, holding: bool = True) -> None:
        """Take back an attempt that ended in an error and not in a dead process: it will be tried again."""
        whole = {"id": explanation, "holding": holding}
        statement, values = (sql.FORGIVE_PART, _values(part)) if part else (sql.FORGIVE, whole)
        with self.engine.begin() as c:
            c.execute(text(statement), values)

    def overdue(self, most: int = 500) -> list[Step]:
        """What is in flight without progress since its lease ran out, with a new lease: to be published again.

        What too many processes died of is failed instead.
        """
        values = {"most": most, "lease": self.lease_seconds, "attempts": self.attempts}
        with self.engine.begin() as c:
            rows = c.execute(text(sql.OVERDUE), values).all()
            again = {row.id: self._again(c, row) for row in rows}
            count(c, KILLED, [explanation for explanation, steps in again.items() if not steps])
            count(c, REPUBLISHED, [explanation for explanation, steps in again.items() if steps])
            return [step for steps in again.values() for step in steps]

    def rate(self, model: int, precision: Precision = F32) -> float | None:
        """Evaluations a second of one worker process under a model and in a precision, as measured so far."""
        with self.engine.begin() as c:
            return find_rate(c, model, precision)

    def _claim(self, explanation: int, condition: str, state: str) -> Job | None:
        values = {"id": explanation, "lease": self.lease_seconds, "state": state, "attempts": self.attempts}
        with self.engine.begin() as c:
            claimed = c.execute(text(sql.CLAIM.format(condition=condition)), values)
            return _job(c, explanation) if claimed.rowcount else None

    def _again(self, c: Connection, row: Row[Any]) -> list[Step]:
        """The overdue steps of an explanation; none if it is given up."""
        task = _OVERDUE[row.state]
        if row.attempts >= self.attempts or row.dead_part is not None:
            what = "it" if row.dead_part is None else f"part {row.dead_part + 1}"
            _fail(c, task, row.id, f"{_DOING[task]} {what} killed its process {self.attempts} times")
            return []
        return _missing_parts(c, row.id) if task == "infer" else _steps(task, [row])


def _steps(task: str, rows: Sequence[Row[Any]]) -> list[Step]:
    return [Step(task, row.id, row.audit or 0, row.photograph, row.urgent) for row in rows]


def _missing_parts(c: Connection, explanation: int) -> list[Step]:
    rows = c.execute(text(sql.MISSING_PARTS), {"id": explanation}).all()
    return [Step("infer", r.id, r.audit or 0, r.photograph, r.urgent, r.round, r.part, r.parts) for r in rows]


def _job(c: Connection, explanation: int) -> Job:
    return Job(**c.execute(text(sql.JOB), {"id": explanation}).one()._mapping)


def _fail(c: Connection, task: str, explanation: int, reason: str) -> bool:
    values = {"id": explanation, "reason": reason, "states": _STATES[task]}
    if c.execute(text(sql.FAIL), values).rowcount == 0:
        return False
    c.execute(text(sql.FALL_BACK), values)
    c.execute(text("DELETE FROM part WHERE explanation_id = :id"), values)
    return True


def _values(key: PartKey) -> dict[str, Any]:
    return {"id": key.id, "round": key.round, "number": key.number}
