"""What is wrong with the services that the settings name, and how to mend it: one line each."""

from collections.abc import Collection, Iterator, Mapping

import redis
from alembic.runtime.migration import MigrationContext
from kombu.exceptions import KombuError, OperationalError
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from polelens.stack.finding import Finding, brief, judged
from polelens.stack.machine import machine
from polelens.stack.motion import motion
from polelens.stack.placements import placements
from polelens.stack.redis import OLDEST
from polelens.stack.workers import serving
from storage.blob_errors import BlobsUnavailable
from storage.blob_trial import try_out
from storage.blobs import may_list
from storage.database import known, newest, with_driver
from storage.pauses import Pauses
from storage.settings import Settings
from tasks.depths import client, depths


def doctor(settings: Settings) -> list[Finding]:
    """Look at everything an audit needs. Nothing is changed but one blob, put and deleted."""
    engine = create_engine(with_driver(settings.database_url), poolclass=NullPool, connect_args={"connect_timeout": 5})
    workers = _asked(settings)
    services = [*_postgres(settings, engine), *_redis(settings), *_blobs(settings), *_workers(workers)]
    seen = [*motion(settings, engine, workers or {}), *placements(engine, workers or {})]
    return [*services, *_pauses(engine), *seen, *machine(settings)]


def _postgres(settings: Settings, engine: Engine) -> Iterator[Finding]:
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar_one()
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        remedy = "start it with `polelens up`, or set DATABASE_URL to one that runs"
        yield Finding("Postgres", False, f"cannot be reached: {brief(error)}", remedy)
        return
    yield Finding("Postgres", True, f"PostgreSQL {version}")
    head = newest(settings.database_url)
    seen = f"schema {current or 'empty'}, newest {head}"
    later = current and not known(settings.database_url, current)
    remedy = "this polelens is older than the schema: run the version of it" if later else "run `polelens migrate`"
    yield judged("migrations", current == head, seen, remedy)


def _redis(settings: Settings) -> Iterator[Finding]:
    try:
        with client(settings.broker_url) as asked:
            facts, messages = asked.info(), depths(asked)
    except (redis.RedisError, ValueError) as error:
        remedy = "start it with `polelens up`, or set CELERY_BROKER_URL to one that runs"
        yield Finding("Redis", False, f"cannot be reached: {brief(error)}", remedy)
        return
    version = str(facts["redis_version"])
    new_enough = tuple(int(part) for part in version.split(".")[:2]) >= OLDEST
    yield judged("Redis", new_enough, f"version {version}", "Celery needs 6.2 or newer")
    policy = facts.get("maxmemory_policy")
    remedy = "set maxmemory-policy noeviction: an evicted key is a lost queue"
    yield judged("Redis eviction", policy == "noeviction", f"maxmemory-policy {policy}", remedy)
    kept = bool(facts.get("aof_enabled"))
    remedy = "" if kept else "set appendonly yes: what a restart forgets is handed out again only after its lease"
    yield Finding("Redis persistence", True, f"{'an' if kept else 'no'} append-only file", remedy)
    waiting = ", ".join(f"{queue} {depth}" for queue, depth in messages.items() if depth)
    yield Finding("queues", True, waiting or "all empty")


def _blobs(settings: Settings) -> Iterator[Finding]:
    try:
        try_out(settings.blobs)
        lists = may_list(settings.blobs)
    except BlobsUnavailable as error:
        seen, _, remedy = str(error).partition(": ")
        yield Finding("blobs", False, seen, f"{remedy}, or set POLELENS_BLOBS to another place")
        return
    except ValueError as error:
        yield Finding("blobs", False, str(error), "set POLELENS_BLOBS to a folder or s3://bucket/prefix")
        return
    remedy = (
        "" if lists else "allow s3:ListBucket on the bucket: without it what is missing looks like what is forbidden"
    )
    yield Finding("blobs", True, f"{settings.blobs} gives back what was put", remedy)


def _pauses(engine: Engine) -> Iterator[Finding]:
    try:
        for one in Pauses(engine).all():
            remedy = f"then it goes on by itself, or at once by `polelens audit resume {one.audit}`"
            yield Finding(f"audit {one.audit}", False, f"paused since {one.since:%Y-%m-%d %H:%M}: {one.reason}", remedy)
    except SQLAlchemyError:
        return  # the finding about Postgres has said it


def _asked(settings: Settings) -> Mapping[str, Collection[str]] | None:
    """The workers that answer, and the queues that each serves; None where nobody can be asked."""
    try:
        return serving(settings.broker_url)
    except (KombuError, OperationalError, redis.RedisError, OSError, ValueError):
        return None  # the broker's own finding says it


def _workers(workers: Mapping[str, Collection[str]] | None) -> Iterator[Finding]:
    if workers is not None:
        remedy = "start them with `polelens up`, or `celery -A tasks worker -Q infer-now,infer`"
        yield judged("workers", bool(workers), ", ".join(sorted(workers)) or "none answers", remedy)
