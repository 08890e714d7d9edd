"""Health: a file for each worker and beat, touched while all is well, and an end to a worker that is stuck.

Celery ends a task that takes too long. Nobody ends a worker that has ceased to take messages, and to all who ask it is
well: it answers, and has nothing to do. Where Redis is gone a worker is well: it waits, and a restart would not help.
"""

import json
import logging
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
import redis
from celery.beat import PersistentScheduler
from celery.bootsteps import StartStopStep
from celery.platforms import EX_FAILURE
from celery.utils.nodenames import gethostname
from celery.worker import state

from storage.settings import settings
from tasks.depths import UNACKNOWLEDGED, client, depths
from tasks.watchdog import Sight, Watchdog

PERIOD = 10.0  # seconds between two looks, fewer where POLELENS_STALL_SECONDS is short
GRACE = 10.0  # seconds in which a stuck worker may end in good order
STUCK = "stuck: messages wait (%s) and none was taken for %g s; this worker ends itself, to be started again"

logger = logging.getLogger(__name__)


class HealthFile:
    """`<name>.json` in the folder of POLELENS_HEALTH; none where that is empty."""

    def __init__(self, name: str) -> None:
        folder = settings().health
        self._path = Path(folder).expanduser() / f"{name}.json" if folder else None
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)

    def touch(self, words: dict[str, object]) -> None:
        """Say that all is well."""
        if self._path:
            said = {"pid": os.getpid(), "at": datetime.now(UTC).isoformat(timespec="seconds")} | words
            unfinished = self._path.with_suffix(".new")
            try:
                unfinished.write_text(json.dumps(said) + "\n")
                unfinished.replace(self._path)
            except OSError as error:
                logger.warning("the health file %s cannot be written: %s", self._path, error.strerror)

    def remove(self) -> None:
        """Who has ended in good order is neither well nor ill."""
        if self._path:
            self._path.unlink(missing_ok=True)


class Watch(StartStopStep):  # type: ignore[misc]
    """A thread of the worker's parent process that looks at it every few seconds.

    A thread, and not a timer of Celery's loop: that one stands still while Redis is gone, and when it is stuck itself.
    """

    requires = ("celery.worker.components:Pool",)  # whose processes are forked before there is a thread

    def __init__(self, parent: Any, **options: Any) -> None:
        here = settings()
        self._patience = here.stall_seconds
        self._period = min(PERIOD, self._patience / 3) if self._patience else PERIOD
        self._watchdog = Watchdog(self._period, self._patience, parent.app.conf.task_time_limit)
        self._file, self._redis = HealthFile(parent.hostname), _redis(here.broker_url)
        self._queues: tuple[str, ...] = ()
        self._over, self._thread = Event(), Thread(target=self._run, name="health", daemon=True)
        super().__init__(parent, **options)

    def start(self, parent: Any) -> None:
        """Begin, with the queues that the worker was started for: told to cancel one, it still is to serve it."""
        self._queues = tuple(parent.app.amqp.queues.consume_from)
        self._thread.start()

    def stop(self, parent: Any) -> None:
        """The worker ends, in good order or because it is stuck."""
        self._over.set()
        self._thread.join(timeout=1)

    terminate = stop

    def _run(self) -> None:
        seen = self._look()
        while not (self._patience and self._watchdog.stuck(seen)):
            self._file.touch({"started": seen.started, "active": seen.active, "backlog": seen.backlog})
            if self._over.wait(self._period):
                self._file.remove()
                return
            seen = self._look()
        waiting = ", ".join(f"{queue} {n}" for queue, n in (seen.backlog or {}).items() if n)
        logger.error(STUCK, waiting, self._patience)
        end()

    def _look(self) -> Sight:
        started, active = state.all_total_count[0], len(state.active_requests)
        backlog = None
        if self._redis:
            with suppress(redis.RedisError, OSError):
                backlog = depths(self._redis, self._queues)
                backlog.pop(UNACKNOWLEDGED, None)
        return Sight(started, active, backlog)


def _redis(url: str) -> redis.Redis | None:
    """A client of the worker's own; None for an address that Kombu alone knows, such as a Unix socket's."""
    try:
        return client(url, seconds=2)
    except ValueError:
        logger.warning("the watchdog cannot look into the queues at such an address: a stuck worker is not found")
        return None


def end() -> None:
    """End this worker with an exit status that is a failure: as Celery does if it still can, else by force."""
    state.should_stop = EX_FAILURE  # what Celery's loop looks at
    time.sleep(GRACE)
    try:
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # it has ended meanwhile
                child.kill()
    finally:
        os._exit(EX_FAILURE)


class Scheduler(PersistentScheduler):  # type: ignore[misc]
    """Beat's own, with a health file that is touched at every tick."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._file = HealthFile(f"beat@{gethostname()}")
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        """Send what is due."""
        seconds: float = super().tick(*args, **options)
        self._file.touch({"next_seconds": round(seconds, 1)})
        return seconds

    def close(self) -> None:
        """Beat ends."""
        super().close()
        self._file.remove()
