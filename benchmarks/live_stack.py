"""A stand: Postgres, Redis and workers of a benchmark's own, in a folder that goes when it is done."""

import io
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import psutil
import redis as redis_client
from celery import Celery
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Engine, text

from pipeline.model.model import Model
from pipeline.recipe import Recipe
from polelens.stack import postgres, redis
from polelens.stack.address import new_postgres_url, new_redis_url
from polelens.stack.processes import Launch, Processes
from polelens.stack.workers import BEAT, HUGE_PAGES, ONE_THREAD, await_workers, beat_command, local_workers
from storage.archive import Archive, Photograph
from storage.audits import Audits
from storage.blobs import open_blobs
from storage.database import connect, migrate
from storage.paces import Paces
from storage.registry import Registry, Version

ROOT = Path(__file__).resolve().parent.parent
POLL_SECONDS = 0.1
STATE = text("SELECT state FROM audit WHERE id = :id")
REST = "prepare-reduce"  # the worker that produces, among other things


@dataclass
class Stand:
    """The services, and shortcuts to what is stored in them."""

    home: Path
    environment: Mapping[str, str]
    processes: Processes

    @cached_property
    def engine(self) -> Engine:
        """The database."""
        return connect(self.environment["DATABASE_URL"])

    @property
    def audits(self) -> Audits:
        """The audits."""
        return Audits(self.engine)

    def model(self, model: Model) -> Version:
        """Register a model."""
        return Registry(self.engine, open_blobs(self.environment["POLELENS_BLOBS"])).add(model)[0]

    def photographs(self, pixels: Sequence[NDArray[np.uint8]]) -> None:
        """Have these photographs, as JPEG files, and no others."""
        self.forget()
        with self.engine.begin() as c:
            c.execute(text("DELETE FROM image"))
        archive = Archive(self.engine, open_blobs(self.environment["POLELENS_BLOBS"]))
        for number, one in enumerate(pixels):
            archive.add(Photograph(f"{number:03}.jpg", jpeg(one)))

    def workers(self, n: int, app: str = "tasks") -> None:
        """Serve with the local stack's own workers, n of them for inference; others are stopped."""
        wanted = local_workers(n, app)
        self.stop_workers()
        beat = beat_command(str(self.home / "run/beat-schedule"))
        for name, command in (wanted | {BEAT: beat}).items():
            environment = {**ONE_THREAD, **HUGE_PAGES, **self.environment, "PYTHONPATH": str(ROOT)}
            self.processes.start(Launch(name, command, environment))
        await_workers(self.processes, self.environment["CELERY_BROKER_URL"], wanted)

    def stop_workers(self) -> None:
        """End workers and beat; the services stay."""
        self.processes.stop([name for name in self.processes.names() if name not in (postgres.NAME, redis.NAME)])

    def audit(self, version: Version, recipe: Recipe, images: str = "all") -> float:
        """The wall time in seconds from the start of an audit to its end."""
        began = time.perf_counter()
        number = self.audits.start(version, recipe, images)
        self.ask("produce")
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:  # which asks often
            while (state := c.execute(STATE, {"id": number}).scalar_one()) == "running":
                time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - began
        if state != "done" or (failed := self.audits.progress(number).failed):
            raise RuntimeError(f"the audit is {state}, {failed} photographs failed: {self._failure()}")
        return seconds

    def _failure(self) -> str:
        """Why the first photograph failed that did."""
        with self.engine.begin() as c:
            return str(c.execute(text("SELECT reason FROM explanation WHERE state = 'failed' LIMIT 1")).scalar())

    def evaluations(self) -> int:
        """How many evaluations all explanations took."""
        with self.engine.begin() as c:
            return int(c.execute(text("SELECT sum(evaluations) FROM explanation")).scalar_one())

    def batch(self, version: Version) -> int:
        """The micro-batch that the workers found for a model."""
        found = Paces(self.engine).largest(version.id)
        return found.batch if found else 1

    def forget(self) -> None:
        """Drop every audit, explanation and scene: the next audit computes all of it again."""
        with self.engine.begin() as c:
            c.execute(text("TRUNCATE audit, audit_explanation, explanation, part, attribution CASCADE"))
        for name in ("scenes", "explanations"):
            shutil.rmtree(Path(self.environment["POLELENS_BLOBS"]) / name, ignore_errors=True)

    def ask(self, task: str) -> None:
        """Send a control task, as the command line does."""
        with Celery(broker=self.environment["CELERY_BROKER_URL"], set_as_current=False) as app:
            app.send_task(task, queue="control")

    def cpu_seconds(self) -> dict[str, float]:
        """The processor time of each service so far, children included."""
        return {name: round(_cpu(self._tree(name)), 2) for name in self.processes.names()}

    def producer_bytes(self) -> int:
        """The resident memory of the worker that produces, its pool included."""
        return sum(process.memory_info().rss for process in self._tree(REST))

    def redis_bytes(self) -> int:
        """The memory that Redis uses."""
        with redis_client.Redis.from_url(self.environment["CELERY_BROKER_URL"]) as client:
            return int(client.info("memory")["used_memory"])

    def _tree(self, name: str) -> list[psutil.Process]:
        process = psutil.Process(self.processes.pid(name))
        return [process, *process.children(recursive=True)]


@contextmanager
def stand(**settings: object) -> Iterator[Stand]:
    """Services of a benchmark's own, empty, without workers yet; `settings` are POLELENS_ ones."""
    home = Path(tempfile.mkdtemp(prefix="polelens-bench-"))
    processes = Processes(home)
    urls = {"DATABASE_URL": new_postgres_url(), "CELERY_BROKER_URL": new_redis_url()}
    given = {f"POLELENS_{name.upper()}": str(value) for name, value in settings.items()}
    here = Stand(home, {**urls, "POLELENS_HOME": str(home), "POLELENS_BLOBS": str(home / "blobs"), **given}, processes)
    try:
        postgres.start(processes, home / "postgres", urls["DATABASE_URL"])
        redis.start(processes, home, urls["CELERY_BROKER_URL"])
        migrate(urls["DATABASE_URL"])
        yield here
    finally:
        here.engine.dispose()
        services = (postgres.NAME, redis.NAME)
        processes.stop([name for name in processes.names() if name not in services])
        processes.stop(services)
        shutil.rmtree(home)


def _cpu(processes: Sequence[psutil.Process]) -> float:
    """User and system seconds, those of children that have ended included."""
    return sum(sum(process.cpu_times()[:4]) for process in processes)


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """A file of these pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()
