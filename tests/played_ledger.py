"""A ledger with photographs, and a person who plays its workers step by step."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, text

from pipeline.answer.attribution import Attribution, Errors, Fit, LabelAttribution, Stability
from pipeline.answer.judgement import Basis, Curves, Grounding, Judgement, Soundness
from pipeline.answer.stopped import Stopped
from pipeline.conversation.probe import Draw, Probe
from pipeline.model.model import Model
from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from storage.audits import Audits
from storage.blobs import FolderBlobs
from storage.database import connect
from storage.ledger import Job, Ledger, Part, PartKey, Step
from storage.registry import Registry, Version

LABELS = ("yes", "no")
THREADS = 4  # as many as an engine has connections
T = TypeVar("T")
PROBE = Probe(5, (Draw("coin", 1, 10),))


def model(name: str = "planted", onnx: bytes = b"a model") -> Model:
    """A model that nobody runs."""
    return Model(name, onnx, LABELS, Profile(32), "ab" * 32, True, {"opset": 12})


JUDGEMENT = Judgement(
    0.5,
    Curves(0.2, 0.4, 0.7, 0.6),
    Grounding(mask_area=0.25, mask_share=0.5),
    Soundness("sound", None, "gap", 0.5, "It holds."),
    Basis("object", "On the object."),
)


STOPPED = Stopped("futile", 5, 0.04)


def attribution(*labels: str, spearman: float = float("nan")) -> Attribution:
    """An answer that nobody computed."""
    named = tuple(
        LabelAttribution(
            label=label,
            weights=np.arange(5) / 4,
            errors=Errors(np.full(5, 0.01), np.arange(10).reshape(2, 5) / 4),
            fit=Fit(0.5, 0.9, float("nan")),
            stability=Stability(2, spearman=spearman, stopped=STOPPED if label == "no" else None),
            judgement=JUDGEMENT if label == "no" else None,
        )
        for label in labels
    )
    return Attribution({"yes": 0.75, "no": 0.25}, {"yes": 0.5, "no": 0.5}, PROBE.n, named)


@dataclass(frozen=True, slots=True)
class Desk:
    """A ledger, and shortcuts through the steps that a test is not about."""

    engine: Engine
    ledger: Ledger
    audits: Audits
    model: Version

    def photographs(self, *names: str) -> None:
        """Photographs whose bytes nobody needs."""
        insert = text(
            "INSERT INTO image (sha256, name, width, height, bytes) "
            "VALUES (encode(sha256(convert_to(:name, 'UTF8')), 'hex'), :name, 4, 3, 12)"
        )
        with self.engine.begin() as c:
            for name in names:
                c.execute(insert, {"name": name})

    def audit(self, *names: str, images: str = "all", urgent: bool = False) -> int:
        """An audit, of photographs by these names if they are given."""
        self.photographs(*names)
        return self.audits.start(self.model, Recipe("default"), images, urgent=urgent)

    def begun(self) -> Job:
        """The only photograph there is, begun to be prepared."""
        self.audit("a")
        [step] = self.ledger.produce(64)
        job = self.ledger.begin(step.explanation)
        assert job is not None
        return job

    def opened(self, size: int = 4) -> tuple[Job, list[Step]]:
        """The only photograph there is, with its parts."""
        job = self.begun()
        return job, self.ledger.open_round(job, "scene", PROBE, size)

    def take(self, step: Step) -> Part:
        """A part, taken."""
        taken = self.ledger.take_part(key(step))
        assert taken is not None
        return taken[1]

    def answer(self, steps: Sequence[Step], value: float = 0.0) -> list[Step]:
        """Take and answer parts, as one worker does."""
        steps_after: list[Step] = []
        for step in steps:
            part = self.take(step)
            steps_after += self.ledger.record_part(part, rows(part, value), 1)
        return steps_after

    def reduction(self) -> Job:
        """The only photograph there is, claimed for its reduction."""
        job, steps = self.opened()
        self.answer(steps)
        claimed = self.ledger.claim_reduction(job.id)
        assert claimed is not None
        return claimed

    def begin_reduction(self, step: Step) -> Job:
        """A produced photograph, with its answers, claimed for its reduction."""
        job = self.ledger.begin(step.explanation)
        assert job is not None
        self.answer(self.ledger.open_round(job, "scene", PROBE, 5))
        job = self.ledger.claim_reduction(job.id)
        assert job is not None
        return job

    def finish(self, step: Step) -> None:
        """All that remains of a produced photograph."""
        assert self.ledger.finish(self.begin_reduction(step), attribution("yes"))

    def impatient(self) -> Ledger:
        """The same ledger with leases that are over at once."""
        return replace(self.ledger, lease_seconds=-1)

    def value(self, sql: str, **values: object) -> object:
        """One value from the database."""
        with self.engine.begin() as c:
            return c.execute(text(sql), values).scalar()

    def change(self, sql: str) -> None:
        """Change the database."""
        with self.engine.begin() as c:
            c.exec_driver_sql(sql)

    def state(self, explanation: int) -> object:
        """The state of an explanation."""
        return self.value("SELECT state FROM explanation WHERE id = :id", id=explanation)


def key(step: Step) -> PartKey:
    """The part that a message names."""
    return PartKey(step.explanation, step.round, step.part)


def rows(part: Part, value: float = 0.0) -> np.ndarray:
    """Scores for a part: the number of each mask, and a value."""
    return np.stack([np.arange(part.start, part.stop), np.full(part.stop - part.start, value)], axis=1).astype("f4")


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """An engine that leaves no connection behind."""
    engine = connect(url)
    yield engine
    engine.dispose()


def at_once(*calls: Callable[[], T]) -> list[T]:
    """What the calls give, each in a thread, and so on a connection, of its own."""
    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def await_blocked(c: Connection) -> None:
    """Return when another connection waits for a lock that this one holds."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
    while not c.execute(waiting).scalar():
        c.execute(text("SELECT pg_sleep(0.01), pg_stat_clear_snapshot()"))


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A desk in a database of its own."""
    with engine_of(database_url) as engine:
        version, _ = Registry(engine, FolderBlobs(tmp_path / "blobs")).add(model())
        yield Desk(engine, Ledger(engine), Audits(engine), version)
