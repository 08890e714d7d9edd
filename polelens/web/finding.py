"""Finding what an address names: an audit, and a photograph that it has explained."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends

from polelens.web.desk import At, Desk
from storage.audits import Audit, Explained

T = TypeVar("T")
GREATEST = 2**31 - 1  # that Postgres counts audits to


class NotThere(Exception):
    """An address names what there is not."""


class Refused(Exception):
    """A query or a form says what nobody can do; the message says what was expected."""


@contextmanager
def reading() -> Iterator[None]:
    """Around what reads a query or a form: a ValueError there is the asker's, anywhere else it is ours."""
    try:
        yield
    except ValueError as error:
        raise Refused(str(error)) from error


@dataclass(frozen=True, slots=True)
class Found:
    """An audit, and its explanation of a photograph."""

    audit: Audit
    row: Explained


def audit(desk: At, number: str) -> Audit:
    """The audit of this number."""
    try:
        if not number.isascii() or not number.isdecimal() or int(number) > GREATEST:
            raise ValueError
        return desk.audits.get(int(number))
    except ValueError:
        raise NotThere(f"There is no audit {number[:20]}.") from None


TheAudit = Annotated[Audit, Depends(audit)]


def whole(desk: Desk, audits: Collection[Audit], rows: Iterable[T]) -> Iterator[T]:
    """Rows that are read piece by piece, of these audits. Raises ValueError at their end if one was deleted meanwhile.

    Then the rest of them is missing, and a file that breaks off does not look as if it were whole.
    """
    yield from rows
    for one in audits:
        desk.audits.get(one.id)


def explanation(desk: At, audit: TheAudit, image: str) -> Found:
    """The explanation of the photograph with this SHA-256."""
    rows = [row for row in desk.audits.of_image(audit.id, image) if row.attribution]
    if not rows:
        raise NotThere(f"Audit {audit.id} has no explanation of a photograph {image[:64]}.")
    return Found(audit, rows[0])


TheExplanation = Annotated[Found, Depends(explanation)]
