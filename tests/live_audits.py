"""A bench for audits: a database, a queue, blobs and workers of the test's own."""

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from celery import Celery
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Engine

from pipeline.answer.attribution import Attribution
from pipeline.explain import explain
from pipeline.methods import explainer, looked_into
from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.staging import stage
from polelens.stack import postgres
from polelens.stack.processes import Launch, Processes
from polelens.stack.workers import APP, ONE_THREAD, await_workers, beat_command, worker_command
from storage.archive import Archive, Photograph
from storage.audits import Audits, Explained
from storage.blobs import open_blobs
from storage.database import connect
from storage.progress import Progress
from storage.registry import Registry, Version
from tests.services import TEMPLATE, WorkerProcess

ALL_QUEUES = ("prepare-now", "infer-now", "reduce-now", "prepare", "infer", "reduce", "control")


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A picture as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pictures(n: int, size: int = 32, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Pictures of colored blocks with some noise, so that segmenters find regions."""
    generator = np.random.Generator(np.random.Philox(seed))
    blocks = generator.integers(40, 216, (n, 4, 4, 3)).repeat(size // 4, axis=1).repeat(size // 4, axis=2)
    return list((blocks + generator.integers(-20, 20, (n, size, size, 3))).astype(np.uint8))


def worker_launch(name: str, environment: Mapping[str, str], app: str = APP) -> Launch:
    """A worker that serves every queue, in one process."""
    return Launch(name, worker_command(ALL_QUEUES, name, app=app), {**ONE_THREAD, **environment})


def beat_launch(name: str, environment: Mapping[str, str], processes: Processes) -> Launch:
    """A beat that ticks every second."""
    every = {f"POLELENS_{tick}_SECONDS": "1" for tick in ("PRODUCE", "SWEEP", "SCHEDULE")}
    command = beat_command(str(processes.log(name).with_suffix(".schedule")))
    return Launch(name, command, {**environment, **every})


@dataclass
class Bench:
    """A database, a queue, blobs, and workers that are processes of their own."""

    environment: dict[str, str]
    processes: Processes
    _names: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        blobs = open_blobs(self.environment["POLELENS_BLOBS"])
        self.registry, self.archive = Registry(self._engine, blobs), Archive(self._engine, blobs)
        self.audits = Audits(self._engine)

    @cached_property
    def _engine(self) -> Engine:
        return connect(self.environment["DATABASE_URL"])

    def model(self, onnx: bytes, *labels: str, name: str = "planted") -> Version:
        """Register a model that takes values 0..255, RGB."""
        profile = {"crop": "center", "color": "rgb", "mean": 0, "scale": 1}
        return self.registry.add(read_model(onnx, name=name, labels=labels or None, profile=profile))[0]

    def photographs(self, name: str, pixels: Sequence[NDArray[np.uint8]]) -> None:
        """Put pictures into the archive, named name/000.png and so on; nobody else's may be called so."""
        assert not self.archive.page(f"{name}/*", 0, 1)
        for number, one in enumerate(pixels):
            assert self.archive.add(Photograph(f"{name}/{number:03}.png", png(one)))

    def workers(self, n: int) -> list[WorkerProcess]:
        """Start workers that serve every queue, one process each."""
        names = [f"all-{next(self._names)}" for _ in range(n)]
        pids = [self.processes.start(worker_launch(name, self.environment)) for name in names]
        await_workers(self.processes, self.environment["CELERY_BROKER_URL"], names)
        return [WorkerProcess(name, pid, self.processes) for name, pid in zip(names, pids, strict=True)]

    def beats(self, n: int) -> list[WorkerProcess]:
        """Start beats that tick every second."""
        names = [f"beat-{next(self._names)}" for _ in range(n)]
        launches = [beat_launch(name, self.environment, self.processes) for name in names]
        return [WorkerProcess(one.name, self.processes.start(one), self.processes) for one in launches]

    def audit(self, model: Version, images: str, **changes: object) -> int:
        """Start an audit with the default recipe and these changes to it."""
        number = self.audits.start(model, recipe("default").override(changes), images)
        self.ask("produce")
        return number

    def ask(self, task: str) -> None:
        """Send a control task, as beat does."""
        with Celery(broker=self.environment["CELERY_BROKER_URL"], set_as_current=False) as app:
            app.send_task(task, queue="control")

    def wait(self, number: int, until: Callable[[Progress], bool] | None = None, seconds: float = 120) -> Progress:
        """Wait for an audit to end, or to come as far as `until`, asking for control tasks as beat does."""
        deadline = time.monotonic() + seconds
        while True:
            progress = self.audits.progress(number)
            if (until or (lambda p: p.state == "done"))(progress):
                return progress
            assert time.monotonic() < deadline, f"not there in {seconds} s: {progress}"
            time.sleep(0.2)
            self.ask("sweep")
            self.ask("produce")

    def results(self, number: int) -> list[Explained]:
        """The explanations of an audit, by the photographs' names."""
        return sorted(self.audits.explained(number, ("done", "failed")), key=lambda one: one.image_name)

    def explained_alone(self, model: Version, row: Explained, made: Recipe) -> Attribution:
        """The same explanation by the core alone: no queue, no database, one process."""
        read = self.registry.load(model.id)
        mask = self.archive.mask(row.mask) if row.mask else None
        scene = stage(self.archive.photograph(row.image), read.profile, made, mask)
        inside = Inside(read)
        return explain(scene, explainer(looked_into(made, inside), read.labels), BlackBox(read).scores, inside.read)

    def assert_undisturbed(self, number: int, model: Version, made: Recipe) -> None:
        """An audit has the numbers of the core alone within 1e-6, from as many evaluations."""
        for row in self.results(number):
            alone = self.explained_alone(model, row, made)
            assert row.attribution is not None
            assert row.attribution.evaluations == alone.evaluations
            np.testing.assert_allclose(row.attribution.labels[0].weights, alone.labels[0].weights, atol=1e-6)

    def close(self) -> None:
        """Kill the workers, for whose good end nobody waits any more, and leave the database."""
        self.processes.stop(self.processes.names(), seconds=0)
        self._engine.dispose()


def _bench(database_url: str, broker_url: str, folder: Path) -> Bench:
    environment = {
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker_url,
        "POLELENS_BLOBS": str(folder / "blobs"),
        "POLELENS_LEASE_SECONDS": "5",
        "POLELENS_PART_EVALUATIONS": "300",
        "POLELENS_WINDOW": "8",
    }
    return Bench(environment, Processes(folder / "workers"))


@pytest.fixture
def bench(database_url: str, broker_url: str, tmp_path: Path) -> Iterator[Bench]:
    """A bench of the test's own, to be broken, with no workers yet."""
    bench = _bench(database_url, broker_url, tmp_path)
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def shared_bench(migrated_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A bench with two workers for all tests that break nothing; each names photographs of its own."""
    url = migrated_url.replace(f"/{TEMPLATE}", "/shared")
    postgres.create_database(url, TEMPLATE)
    bench = _bench(url, redis_url.removesuffix("/0") + "/1", tmp_path_factory.mktemp("shared"))
    bench.workers(2)
    yield bench
    bench.close()
