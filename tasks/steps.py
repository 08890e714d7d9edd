"""What all steps of an explanation have in common: an error is tried again, and in the end fails its own row.

An outage of the blob store is nobody's own: the audits that meet it are paused.
"""

import logging
from socket import gethostname
from typing import Any

from celery import Task
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from kombu.exceptions import OperationalError as NoBroker
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, SQLAlchemyError

from storage.blob_errors import BlobDamaged, BlobMissing, BlobsFull, BlobsUnavailable
from storage.blob_trial import try_out
from storage.keys import model_key
from storage.ledger import PartKey
from storage.settings import settings
from tasks.forgiveness import Attempt, Forgiveness
from tasks.runtime import ledger, pauses

# Bad input stays bad, and what takes too long will again. Bytes that came back otherwise from the store than they were
# put are no ValueError, whatever Pillow and numpy say of them: see `storage.blob_errors.BlobDamaged`.
PERMANENT = (ValueError, SoftTimeLimitExceeded)
OUTAGES = (OperationalError, InterfaceError, InternalError, NoBroker, RedisError)  # Postgres or Redis: away, full ...
OWN = ("54", "XX001", "XX002")  # but for what Postgres says of one statement: a limit exceeded, a damaged row
REASON_CHARACTERS = 500  # an error of the database quotes its statement
SHOWN_CHARACTERS = 100

logger = logging.getLogger(__name__)


class IdsTask(Task):  # type: ignore[misc]
    """A task whose arguments are so many ids, and nothing else."""

    ids = 0
    forgiveness = Forgiveness()  # of all the tasks of this process

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Drop a message that holds anything else, which no code of ours sends: no try of it could go better.

        What Postgres was not there to hear of, it hears of now.
        """
        del task_id
        if kwargs or len(args) != self.ids or not all(type(one) is int and 0 <= one < 2**63 for one in args):
            shown = f"{args!r} {kwargs!r}"[:SHOWN_CHARACTERS]
            logger.warning("dropped a message for %s: expected %s ids, got %s", self.name, self.ids, shown)
            raise Ignore
        self.forgiveness.catch_up()


class AuditPaused(Exception):
    """The audits that want this step are paused; it has not failed, and will be handed out again."""


class StepTask(IdsTask):
    """A task on one explanation, whose id is the first argument; a part's round and number are the next two.

    An error that may pass is tried again for some minutes. What killed the process itself is counted in the ledger
    instead, see `Ledger.attempts`. Where the blob store is full, or still out of order after `patience` tries, nothing
    more is tried: the audits are paused.
    """

    ids = 1
    autoretry_for = (Exception,)
    dont_autoretry_for = PERMANENT
    throws = (AuditPaused,)  # one line in the log, not a traceback for each photograph in flight
    max_retries = 12  # at random up to 1, 2, 4 ... seconds apart: between three and seven minutes in all
    damaged_retries = 4  # of bytes that came back otherwise than they were put: some seconds, for they seldom get well
    patience = 7  # a minute on average, and what the tries themselves take
    retry_backoff = 1
    retry_backoff_max = 60

    def retry(self, *args: Any, exc: Exception | None = None, **options: Any) -> Any:
        """The process lives: the attempt does not count. Said before anybody can hear of the next one."""
        if not self.request.called_directly:
            self.forgiveness.forgive(Attempt(ledger, self.request.args[0], _part(self.request.args)))
        if reason := self._paused(exc):
            raise AuditPaused(reason) from exc
        if isinstance(exc, MemoryError):
            exc = RuntimeError(f"out of memory: {exc}")  # Celery ends the whole worker on a MemoryError
        if isinstance(exc, BlobDamaged):
            options["max_retries"] = self.damaged_retries
        words = {"argsrepr": self.request.argsrepr, "kwargsrepr": self.request.kwargsrepr}  # which Celery leaves out
        return super().retry(*args, exc=exc, **(words | options))

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Fail the explanation with the reason, and it alone.

        No photograph fails because Postgres or Redis did: the sweeper hands it out again when its lease is over.
        """
        del task_id, kwargs, einfo
        if is_outage(exc):
            logger.error("%s%s waits for Postgres or Redis to get well: %s", self.name, args, exc)
            return
        if isinstance(exc, AuditPaused):
            return
        try:
            ledger().fail(self.name, args[0], f"{self.name}: {exc}"[:REASON_CHARACTERS], _part(args))
            ledger().settle()
        except SQLAlchemyError:
            logger.exception("%s%s failed and could not be marked so", self.name, args)

    def _paused(self, error: Exception | None) -> str | None:
        """Why the audits of the explanation are paused now; None if the blob store is not to blame, or not yet."""
        if self.request.called_directly or not isinstance(error, BlobsUnavailable | BlobMissing):
            return None
        full = isinstance(error, BlobsFull)
        if not full and self.request.retries not in (self.patience, self.max_retries):
            return None
        explanation: int = self.request.args[0]
        try:
            reason = str(error) if full else outage(pauses().model(explanation))
            reason = reason and f"{reason} (seen from {gethostname()})"
            for audit in pauses().pause(explanation, reason) if reason else ():
                logger.warning("audit %d is paused: %s", audit, reason)
        except SQLAlchemyError:
            logger.exception("the audits of %s%s could not be paused", self.name, self.request.args)
            return str(error)  # the sweeper hands it out again
        return reason


def outage(model: str) -> str | None:
    """What is the matter with the blob store, which must have a model; None if it works: one blob is to blame."""
    try:
        try_out(settings().blobs, model_key(model))
    except BlobsUnavailable as error:
        return str(error)
    return None


def is_outage(error: Exception) -> bool:
    """Whether Postgres or Redis is to blame."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return isinstance(error, OUTAGES) and not state.startswith(OWN)


def _part(args: Any) -> PartKey | None:
    return PartKey(*args) if len(args) == 3 else None
