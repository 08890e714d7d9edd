"""Forgiveness: an attempt that ended in an error is no dead process, and Postgres must hear so, late if need be."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from storage.ledger import Ledger, PartKey

# Takes an attempt back; told whether this process still holds what it was about, which late it may not.
TakeBack = Callable[[bool], None]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try of an explanation's step; `part` is the part that it was about, if it was one."""

    ledger: Callable[[], Ledger] = field(compare=False)
    explanation: int
    part: PartKey | None = None

    def __call__(self, holding: bool) -> None:
        """Take it back."""
        self.ledger().forgive(self.explanation, self.part, holding=holding)


class Forgiveness:
    """Takes back this process's attempts that ended in an error; `late` are those Postgres has not heard of yet."""

    def __init__(self) -> None:
        self.late: list[TakeBack] = []

    def forgive(self, attempt: TakeBack) -> None:
        """Take back what has ended just now, and what is late; or keep it until Postgres is there."""
        if _heard(attempt, holding=True):
            self.catch_up()
        else:
            self.late.append(attempt)

    def catch_up(self) -> None:
        """Take back what is late, if Postgres is there now. A reduction among it may be another's by then."""
        while self.late and _heard(self.late[-1], holding=False):
            self.late.pop()


def _heard(attempt: TakeBack, *, holding: bool) -> bool:
    try:
        attempt(holding)
    except SQLAlchemyError as error:
        logger.warning("%s counts as a dead process for the time being: %s", attempt, error)
        return False
    return True
