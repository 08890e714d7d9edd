"""Faults of services: Redis, Postgres and the S3 server killed, dumb, refusing, slow, or back with an older memory."""

import os
import shutil
import signal
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
import psutil

from polelens.stack import postgres, redis
from tests.chaos.fronts import Mode
from tests.chaos.live_stack import KILLABLE, Stage

SECONDS = 20.0  # how long a service is away
DOWN_SECONDS = 2.0  # how long a killed server takes to be started again
TERMINATE = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""


@dataclass(frozen=True, slots=True)
class RedisKilled:
    """Kill -9 of Redis, which comes back with what it remembers of itself, with nothing, or with less than that.

    `older` is a copy of its append-only files from some answers before: it has messages for what is done long since, as
    waiting or held by a worker, and none for what has been asked since.
    """

    memory: Literal["its own", "none", "an older one"]
    answers: int = 20

    @property
    def name(self) -> str:
        """What it comes back with."""
        return f"Redis killed, back with {self.memory}"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Kill it and start it again."""
        del dice
        files = stage.home / redis.server().name / "appendonlydir"
        older = stage.home / "older"
        if self.memory == "an older one":
            shutil.copytree(files, older)
            stage.await_answers(self.answers)
        _kill(stage, redis.NAME)
        time.sleep(DOWN_SECONDS)
        if self.memory != "its own":
            shutil.rmtree(files)
        if self.memory == "an older one":
            older.rename(files)
        redis.start(stage.services, stage.home, stage.broker_url)


@dataclass(frozen=True, slots=True)
class PostgresKilled:
    """Kill -9 of Postgres, which recovers what was committed."""

    name: str = "Postgres killed"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Kill it and start it again."""
        del dice
        _kill(stage, postgres.NAME)
        time.sleep(DOWN_SECONDS)
        postgres.start(stage.services, stage.home / "postgres", stage.database_url, KILLABLE)


@dataclass(frozen=True, slots=True)
class PostgresDisconnected:
    """Every connection to Postgres is ended, again and again."""

    name: str = "Postgres' connections ended"
    times: int = 10

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """End them, whatever is under way on them."""
        for _ in range(self.times):
            stage.value(TERMINATE)
            time.sleep(0.5 * dice.random())


@dataclass(frozen=True, slots=True)
class Misbehaving:
    """A service that cannot be reached as usual, though it is well: what is between it and all others is at fault."""

    name: str
    service: Literal["redis", "postgres", "s3"]
    mode: Mode
    seconds: float = SECONDS

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Have its front misbehave for a while."""
        del dice
        front = stage.fronts[self.service]
        front.mode = self.mode
        if self.mode == "refuse":
            front.cut()
        try:
            time.sleep(self.seconds)
        finally:
            front.mode = "forward"


def _kill(stage: Stage, name: str) -> None:
    """Kill -9 a service, and return when all of it is gone."""
    pid = stage.services.pid(name)
    assert pid is not None, f"{name} does not run"
    process = psutil.Process(pid)
    doomed = [process, *process.children(recursive=True)]
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs(doomed, timeout=30)
    stage.services.stop([name])


FAULTS = (
    RedisKilled("its own"),
    RedisKilled("none"),
    RedisKilled("an older one"),
    Misbehaving("Redis swallows", "redis", "swallow"),
    PostgresKilled(),
    PostgresDisconnected(),
    Misbehaving("S3 down", "s3", "refuse"),
    Misbehaving("S3 unavailable", "s3", "unavailable"),
    Misbehaving("S3 slow", "s3", "slow"),
)
