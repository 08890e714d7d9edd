"""A bench for audits: a database, a queue, blobs and workers of the test's own."""

import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.model import read_model
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from storage.archive import Archive, Photograph
from storage.audits import Audits, Explained, Progress
from storage.blobs import open_blobs
from storage.database import connect
from storage.registry import Registry, Version
from tests.services import StartWorker, WorkerProcess

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


@dataclass
class Bench:
    """What a test needs to run audits on workers that are processes of their own."""

    environment: dict[str, str]
    start_worker: StartWorker
    registry: Registry = field(init=False)
    archive: Archive = field(init=False)
    audits: Audits = field(init=False)

    def __post_init__(self) -> None:
        engine, blobs = connect(self.environment["DATABASE_URL"]), open_blobs(self.environment["POLELENS_BLOBS"])
        self.registry, self.archive = Registry(engine, blobs), Archive(engine, blobs)
        self.audits = Audits(engine)

    def model(self, onnx: bytes, *labels: str, name: str = "planted") -> Version:
        """Register a model that takes values 0..255, RGB."""
        profile = {"crop": "center", "color": "rgb", "mean": 0, "scale": 1}
        return self.registry.add(read_model(onnx, name=name, labels=labels or None, profile=profile))[0]

    def photographs(self, pixels: list[NDArray[np.uint8]]) -> None:
        """Put pictures into the archive."""
        for number, one in enumerate(pixels):
            self.archive.add(Photograph(f"{number:03}.png", png(one)))

    def workers(self, n: int) -> list[WorkerProcess]:
        """Start workers that serve every queue."""
        return [self.start_worker(ALL_QUEUES, self.environment, name=f"all-{number}") for number in range(n)]

    def audit(self, model: Version, made: Recipe | None = None, **changes: object) -> int:
        """Start an audit of the whole archive."""
        number = self.audits.start(model, (made or recipe("default")).override(changes))
        self.ask("produce")
        return number

    def ask(self, task: str) -> None:
        """Send a control task, as beat does."""
        from celery import Celery  # noqa: PLC0415

        with Celery(broker=self.environment["CELERY_BROKER_URL"], set_as_current=False) as app:
            app.send_task(task, queue="control")

    def wait(self, number: int, until: Callable[[Progress], bool] | None = None, seconds: float = 90) -> Progress:
        """Wait for an audit to end, or to come as far as `until`; ask the sweeper now and then, as beat does."""
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


@pytest.fixture
def bench(database_url: str, broker_url: str, blobs_folder: Path, worker_processes: StartWorker) -> Iterator[Bench]:
    """A bench with an empty archive and no workers yet."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "DATABASE_URL": database_url,
        "CELERY_BROKER_URL": broker_url,
        "POLELENS_BLOBS": str(blobs_folder),
        "POLELENS_LEASE_SECONDS": "5",
        "POLELENS_PART_EVALUATIONS": "300",
        "POLELENS_WINDOW": "8",
    }
    bench = Bench(environment, worker_processes)
    yield bench
    bench.registry.engine.dispose()
