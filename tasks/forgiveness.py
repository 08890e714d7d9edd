"""Forgiveness: an attempt that ended in an error is no dead process, and the ledger must hear so, late if need be."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from storage.ledger import Ledger, PartKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try of an explanation's step; `part` is the part that it was about, if it was one."""

    explanation: int
    part: PartKey | None = None


class Forgiveness:
    """Takes back this process's attempts that ended in an error; `late` are those the ledger has not heard of yet."""

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._ledger = ledger
        self.late: list[Attempt] = []

    def forgive(self, attempt: Attempt) -> None:
        """Take back what has ended just now, and what is late; or keep it until the ledger is there."""
        if self._heard(attempt, holding=True):
            self.catch_up()
        else:
            self.late.append(attempt)

    def catch_up(self) -> None:
        """Take back what is late, if the ledger is there now. A reduction among it may be another's by then."""
        while self.late and self._heard(self.late[-1], holding=False):
            self.late.pop()

    def _heard(self, attempt: Attempt, *, holding: bool) -> bool:
        try:
            self._ledger().forgive(attempt.explanation, attempt.part, holding=holding)
        except SQLAlchemyError as error:
            logger.warning("%s counts as a dead process for the time being: %s", attempt, error)
            return False
        return True
