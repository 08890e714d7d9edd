"""What all steps of an explanation have in common: an error is tried again, and in the end fails its own row."""

from typing import Any

from celery import Task

from storage.ledger import PartKey
from tasks.runtime import ledger

PERMANENT = (ValueError, KeyError)  # bad input stays bad: an unreadable photograph, a label that is not there


class StepTask(Task):  # type: ignore[misc]
    """A task on one explanation, whose id is the first argument; a part's round and number are the next two.

    An error that may pass, such as a store that does not answer, is tried again for about four minutes. What killed
    the process itself is counted in the ledger instead, see `Ledger.attempts`.
    """

    autoretry_for = (Exception,)
    dont_autoretry_for = PERMANENT
    max_retries = 8
    retry_backoff = 1
    retry_backoff_max = 60

    def on_retry(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """The process lives: the attempt does not count."""
        del exc, task_id, kwargs, einfo
        ledger().forgive(args[0], PartKey(*args) if len(args) == 3 else None)

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Fail the explanation with the reason, and it alone."""
        del task_id, kwargs, einfo
        ledger().fail(args[0], f"{self.name}: {exc}")
        ledger().settle()
