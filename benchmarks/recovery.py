"""Recovery: how long a backup of Postgres takes and a listing of the blobs, and what is lost when Postgres is."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import redis
from sqlalchemy import make_url, text

from benchmarks.copies import multiply
from benchmarks.live_stack import Stand
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from polelens.stack import postgres
from polelens.stack.address import libpq
from storage.blobs import open_blobs
from storage.keys import image_key
from storage.registry import Version

AT_MOST = 300.0  # seconds until an audit goes on
POLL = 0.05
DONE = "SELECT count(*) FROM explanation e JOIN audit_explanation a ON a.explanation_id = e.id AND a.audit_id = :audit"
DONE += " WHERE e.state = 'done'"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many explanations are backed up, and blobs listed."""

    rows: int = 20_000
    objects: int = 50_000


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was measured: seconds, bytes, and photographs that were explained before and not after."""

    explanations: int
    dump_seconds: float
    dump_bytes: int
    restore_seconds: float
    objects: int
    listing_seconds: float
    killed_lost: int
    killed_seconds: float  # from Postgres's start to the next photograph that is explained
    restored_lost: int  # of those that the dump has
    restored_seconds: float  # from the workers' start to the next photograph that is explained


def measure(here: Stand, version: Version, sizes: Sizes) -> Recovery:
    """Back up so many explanations, kill Postgres under an audit, and restore the dump of a running one."""
    here.forget()
    here.audit(version, recipe("default"))
    multiply(here, sizes.rows)
    listing = _listing(here, sizes.objects)
    lost, seconds = _killed(here, _begun(here, version, 101))
    audit = _begun(here, version, 102)
    known = _done(here, audit)
    dump = here.home / "polelens.dump"
    # Not compressed: rows that are copies of one another would come to nothing.
    dumping = _timed(lambda: _run(here, "pg_dump", "--format=custom", "--compress=0", f"--file={dump}"))
    with here.engine.begin() as c:
        explanations = int(c.execute(text("SELECT count(*) FROM explanation")).scalar_one())
    restoring, there, again = _restored(here, audit, dump)
    gone = max(0, known - there)
    return Recovery(
        explanations, dumping, dump.stat().st_size, restoring, sizes.objects, listing, lost, seconds, gone, again
    )


def told(found: Recovery) -> str:
    """The section's paragraph."""
    return (
        f"Backup of {found.explanations:,} explanations: `pg_dump --format=custom --compress=0` "
        f"{found.dump_seconds:.1f} s and "
        f"{found.dump_bytes / 1e6:.0f} MB, `pg_restore` {found.restore_seconds:.1f} s. A listing of {found.objects:,} "
        f"blobs in a folder: {found.listing_seconds:.1f} s.\n\n"
        "Postgres killed with SIGKILL under an audit and started again: "
        f"{found.killed_lost} photographs lost, the next one explained after {found.killed_seconds:.0f} s. The dump of "
        f"a running audit restored in the place of a database that is gone, Redis emptied: {found.restored_lost} lost "
        "of the photographs that were explained when the dump began, the next one explained "
        f"{found.restored_seconds:.0f} s after the workers' start.\n"
    )


def _begun(here: Stand, version: Version, seed: int) -> int:
    """An audit that nobody has made before, with a photograph explained."""
    one: Recipe = recipe("default").override({"samples": 512, "seeds": [seed, *range(seed + 10, seed + 90, 10)]})
    number = here.audits.start(version, one, "all")
    here.ask("produce")
    _await(lambda: _done(here, number) > 0)
    return number


def _killed(here: Stand, audit: int) -> tuple[int, float]:
    """Photographs lost and seconds lost, when Postgres is killed in the middle of it."""
    before, url = _done(here, audit), here.environment["DATABASE_URL"]
    os.killpg(here.processes.pid(postgres.NAME) or 0, signal.SIGKILL)
    here.processes.stop([postgres.NAME])
    here.engine.dispose()
    began = time.perf_counter()
    postgres.start(here.processes, here.home / "postgres", url)
    after = _done(here, audit)
    seconds = _goes_on(here, audit, after, began)
    _await(lambda: here.audits.progress(audit).state == "done")
    return max(0, before - after), seconds


def _restored(here: Stand, audit: int, dump: Path) -> tuple[float, int, float]:
    """Seconds of the restore, photographs that are explained after it, and seconds until it goes on."""
    url = here.environment["DATABASE_URL"]
    here.stop_workers()
    here.engine.dispose()
    postgres.drop_database(url)
    postgres.create_database(url)
    restore = ("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={make_url(url).database}", str(dump))
    restoring = _timed(lambda: _run(here, *restore))
    with redis.Redis.from_url(here.environment["CELERY_BROKER_URL"]) as client:
        client.flushdb()
    after, began = _done(here, audit), time.perf_counter()
    here.workers(2)
    return restoring, after, _goes_on(here, audit, after, began)


def _goes_on(here: Stand, audit: int, done: int, began: float) -> float:
    """Seconds until more of it is done, or all."""
    _await(lambda: _done(here, audit) > done or here.audits.progress(audit).state == "done")
    return time.perf_counter() - began


def _done(here: Stand, audit: int) -> int:
    with here.engine.begin() as c:
        return int(c.execute(text(DONE), {"audit": audit}).scalar_one())


def _listing(here: Stand, objects: int) -> float:
    """Seconds to list blobs that are empty: the bytes are not read."""
    folder = Path(here.environment["POLELENS_BLOBS"])
    for number in range(objects):
        path = folder / image_key(sha256(str(number).encode()).hexdigest())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return _timed(lambda: sum(1 for _ in open_blobs(str(folder)).stored()))


def _run(here: Stand, *command: str) -> None:
    """A program of Postgres's, which finds the database in its environment: a command line is everybody's."""
    environment = dict(os.environ) | libpq(here.environment["DATABASE_URL"])
    subprocess.run([str(postgres.programs() / command[0]), *command[1:]], env=environment, check=True)


def _timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def _await(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + AT_MOST
    while not found():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it did not go on within {AT_MOST:g} s")
        time.sleep(POLL)
