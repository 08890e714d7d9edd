"""Who comes to want something, and who removes what nobody wants: never both at one moment.

A row that is about to speak of a blob, or of another row, must not find it removed. So whoever removes asks what is
wanted, and removes, in one transaction that waits for those who write such rows, and that they wait for. Those hold a
shared lock, and hinder each other in nothing.

Two kinds write. Audits that are planned and scenes that are made write their row first and look for the blob after it.
`images add` has the bytes in the store before their row, and reads ahead: it holds a lock of its own while it runs.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

WANTING, ADDING = 7_653_213, 7_653_214  # any numbers, unlike the other locks
NAP_SECONDS = 0.2  # in which whoever waits behind us gets on


class Adding(ValueError):
    """Photographs are being added, so none is removed now."""

    def __init__(self) -> None:
        super().__init__("photographs are being added now; try again when `polelens images add` has ended")


def want(c: Connection) -> None:
    """Until this transaction ends nothing is removed: what it finds is there, and what it writes is seen."""
    c.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": WANTING})


def add(c: Connection) -> None:
    """Until this transaction ends no bytes of photographs and masks are removed."""
    c.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": ADDING})


@contextmanager
def adding(engine: Engine) -> Iterator[None]:
    """As long as this lasts no bytes of photographs and masks are removed."""
    with engine.connect() as c:
        c.execute(text("SELECT pg_advisory_lock_shared(:lock)"), {"lock": ADDING})
        c.commit()  # the connection keeps it, and no transaction stands open
        try:
            yield
        finally:
            c.execute(text("SELECT pg_advisory_unlock_shared(:lock)"), {"lock": ADDING})
            c.commit()


@contextmanager
def removing(engine: Engine, *, photographs: bool = False) -> Iterator[Connection]:
    """A transaction in which nobody comes to want anything; with `photographs`, nobody adds any either.

    Raises
    ------
    Adding
        If photographs are being added.
    """
    with engine.connect() as c:
        _lock(c)  # begins the transaction
        if photographs and not c.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": ADDING}):
            raise Adding
        yield c
        c.commit()


def _lock(c: Connection) -> None:
    """Wait for those who want something, but a second at a time: who comes later does not wait as long as we do."""
    while True:
        try:
            c.execute(text("SET LOCAL lock_timeout = '1s'"))
            c.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WANTING})
            c.execute(text("SET LOCAL lock_timeout = DEFAULT"))
        except OperationalError as error:
            c.rollback()
            if not isinstance(error.orig, LockNotAvailable):
                raise
            time.sleep(NAP_SECONDS)
        else:
            return
