"""Jobs: what a program has asked of a model over HTTP, remembered until its answers are there and as long as they are.

A job has no answers of its own. They are the ledger's, whoever asked for them first; a job knows of which photographs,
in which order, and which audit is at those that were not known.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from pipeline.recipe import Recipe
from storage.ledger import Ledger
from storage.planning import Wanted, plan
from storage.registry import Version, find
from storage.title import LONGEST_NAME, Title

EXPLAIN, PREDICT = "explain", "predict"
DIGITS = 16  # of a digest in a selection, which people read: no two photographs of an archive share as many
TAG = "endpoint"  # of the audits that jobs start

Instance = Mapping[str, Any]  # {"photograph": sha256}, or {"error": what was wrong with it}


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks.

    Attributes
    ----------
    verb : "explain" or "predict"
    model : Version
    recipe : Recipe
        By which it is explained; what the model says alone is asked by one recipe, whatever stands here.
    condition : str
        Only photographs are explained of whose prediction this holds, such as `score<0.8`; empty for all.
    instances : sequence of Instance
    """

    verb: str
    model: Version
    recipe: Recipe
    condition: str
    instances: Sequence[Instance]

    @property
    def images(self) -> tuple[str, ...]:
        """The photographs asked about, each once, in order."""
        return tuple(dict.fromkeys(one["photograph"] for one in self.instances if "photograph" in one))


@dataclass(frozen=True, slots=True)
class Job:
    """A question that workers are at, or were."""

    id: int
    audit: int
    audit_state: str
    pause_reason: str | None
    question: Question


@dataclass(frozen=True, slots=True)
class Missing:
    """Photographs that have to be asked about, and by which recipe."""

    images: Sequence[str]
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and for how many days after its end an audit of theirs is kept."""

    name: str
    keep: int


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of a database."""

    engine: Engine

    def get(self, number: int) -> Job | None:
        """A job by its number, with its audit as it is now; None if there is none, or none any more."""
        with self.engine.begin() as c:
            row = c.execute(text(_JOB), {"id": number}).first()
            return _job(c, row) if row else None

    def going_on(self) -> int:
        """How many wait for workers."""
        with self.engine.begin() as c:
            return int(c.execute(text(_GOING_ON)).scalar_one())

    def open(self, question: Question, missing: Missing, asker: Asker) -> tuple[int, int]:
        """Remember a question, and start an urgent audit of what is missing; the job's number and the audit's."""
        with self.engine.begin() as c:
            audit = _start(c, question, missing, asker)
            values = {
                "audit": audit,
                "verb": question.verb,
                "recipe": json.dumps(question.recipe.to_json()),
                "condition": question.condition,
                "instances": json.dumps([dict(one) for one in question.instances]),
            }
            number = int(c.execute(text(_OPEN), values).scalar_one())
        Ledger(self.engine).settle()  # another may have been first
        return number, audit

    def go_on(self, job: Job, missing: Missing, keep: int) -> int | None:
        """Start the next audit of a job whose last one has ended; None if somebody did so before."""
        with self.engine.begin() as c:
            row = c.execute(text(_HOLD), {"id": job.id, "audit": job.audit}).first()
            if row is None:
                return None
            audit = _start(c, job.question, missing, Asker(row.started_by, keep))
            c.execute(text("UPDATE job SET audit_id = :audit WHERE id = :id"), {"id": job.id, "audit": audit})
        Ledger(self.engine).settle()
        return audit


def _start(c: Connection, question: Question, missing: Missing, asker: Asker) -> int:
    title = Title(name=f"{question.verb} of {question.model}"[:LONGEST_NAME], tags=(TAG,), started_by=asker.name)
    selection = f"sha256:{','.join(image[:DIGITS] for image in missing.images)}"
    return plan(c, question.model, Wanted(missing.recipe, selection, urgent=True, title=title, keep=asker.keep))


def _job(c: Connection, row: Row[Any]) -> Job:
    model = find(c, f"{row.name}@{row.version}")
    question = Question(row.verb, model, Recipe.from_json(row.recipe), row.condition, row.instances)
    return Job(row.id, row.audit_id, row.state, row.pause_reason, question)


_JOB = """
SELECT j.id, j.audit_id, a.state, a.pause_reason, j.verb, j.recipe, j.condition, j.instances, m.name, m.version
FROM job j JOIN audit a ON a.id = j.audit_id JOIN model m ON m.id = a.model_id WHERE j.id = :id
"""

_GOING_ON = "SELECT count(*) FROM job j JOIN audit a ON a.id = j.audit_id WHERE a.state = 'running'"

_OPEN = """
INSERT INTO job (audit_id, verb, recipe, condition, instances)
VALUES (:audit, :verb, CAST(:recipe AS jsonb), :condition, CAST(:instances AS jsonb)) RETURNING id
"""

_HOLD = """
SELECT a.started_by FROM job j JOIN audit a ON a.id = j.audit_id
WHERE j.id = :id AND j.audit_id = :audit AND a.state = 'done' FOR UPDATE OF j
"""
