"""What is wrong with the services that the settings name, and how to mend it: one line each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import redis
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from kombu.exceptions import KombuError, OperationalError
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from polelens.stack.depths import depths
from polelens.stack.redis import OLDEST
from polelens.stack.workers import listening
from storage.blob_errors import BlobsUnavailable
from storage.blobs import try_out
from storage.database import migrations, with_driver
from storage.pauses import Pauses


class Where(Protocol):
    """The settings that the doctor looks at."""

    @property
    def database_url(self) -> str:
        """Postgres."""

    @property
    def broker_url(self) -> str:
        """Redis."""

    @property
    def blobs(self) -> str:
        """A folder, or s3://bucket/prefix."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as it should be, what was seen, and if it is not, how to mend it."""

    subject: str
    ok: bool
    seen: str
    remedy: str = ""


def doctor(settings: Where) -> list[Finding]:
    """Look at everything an audit needs. Nothing is changed but one blob, put and deleted."""
    checks: tuple[Callable[[Where], Iterator[Finding]], ...] = (
        _postgres,
        _redis,
        _blobs,
        _pauses,
        _workers,
        _onnxruntime,
    )
    return [finding for check in checks for finding in check(settings)]


def _postgres(settings: Where) -> Iterator[Finding]:
    engine = _engine(settings)
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar_one()
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        remedy = "start it with `polelens up`, or set DATABASE_URL to one that runs"
        yield Finding("Postgres", False, f"cannot be reached: {_brief(error)}", remedy)
        return
    yield Finding("Postgres", True, f"PostgreSQL {version}")
    head = ScriptDirectory.from_config(migrations(settings.database_url)).get_current_head()
    seen = f"schema {current or 'empty'}, newest {head}"
    yield Finding("migrations", current == head, seen, "" if current == head else "run `polelens migrate`")


def _redis(settings: Where) -> Iterator[Finding]:
    try:
        with redis.Redis.from_url(settings.broker_url, socket_connect_timeout=5, socket_timeout=5) as client:
            facts = client.info()
        messages = depths(settings.broker_url)
    except (redis.RedisError, ValueError) as error:
        remedy = "start it with `polelens up`, or set CELERY_BROKER_URL to one that runs"
        yield Finding("Redis", False, f"cannot be reached: {_brief(error)}", remedy)
        return
    version = str(facts["redis_version"])
    new_enough = tuple(int(part) for part in version.split(".")[:2]) >= OLDEST
    yield Finding("Redis", new_enough, f"version {version}", "" if new_enough else "Celery needs 6.2 or newer")
    policy = facts.get("maxmemory_policy")
    remedy = "" if policy == "noeviction" else "set maxmemory-policy noeviction: an evicted key is a lost queue"
    yield Finding("Redis eviction", policy == "noeviction", f"maxmemory-policy {policy}", remedy)
    waiting = ", ".join(f"{queue} {depth}" for queue, depth in messages.items() if depth)
    yield Finding("queues", True, waiting or "all empty")


def _blobs(settings: Where) -> Iterator[Finding]:
    try:
        try_out(settings.blobs)
    except BlobsUnavailable as error:
        seen, _, remedy = str(error).partition(": ")
        yield Finding("blobs", False, seen, f"{remedy}, or set POLELENS_BLOBS to another place")
        return
    except ValueError as error:
        yield Finding("blobs", False, str(error), "set POLELENS_BLOBS to a folder or s3://bucket/prefix")
        return
    yield Finding("blobs", True, f"{settings.blobs} gives back what was put")


def _pauses(settings: Where) -> Iterator[Finding]:
    engine = _engine(settings)
    try:
        for one in Pauses(engine).all():
            remedy = f"then it goes on by itself, or at once by `polelens audit resume {one.audit}`"
            yield Finding(f"audit {one.audit}", False, f"paused since {one.since:%Y-%m-%d %H:%M}: {one.reason}", remedy)
    except SQLAlchemyError:
        return  # the finding about Postgres has said it


def _workers(settings: Where) -> Iterator[Finding]:
    try:
        names = sorted(listening(settings.broker_url))
    except (KombuError, OperationalError, redis.RedisError, OSError, ValueError):
        return  # the broker's own finding has said it
    remedy = "start them with `polelens up`, or `celery -A tasks worker -Q infer-now,infer`"
    yield Finding("workers", bool(names), ", ".join(names) or "none answers", "" if names else remedy)


def _onnxruntime(_: Where) -> Iterator[Finding]:
    import onnxruntime  # noqa: PLC0415  slow to import, and only the doctor of this package needs it

    yield Finding(
        "ONNX Runtime", True, f"{onnxruntime.__version__}, {', '.join(onnxruntime.get_available_providers())}"
    )


def _engine(settings: Where) -> Engine:
    return create_engine(with_driver(settings.database_url), poolclass=NullPool, connect_args={"connect_timeout": 5})


def _brief(error: Exception) -> str:
    """The first line of an error, which never holds the password that the URL does."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
