"""The trail: who removed, started or changed what kind of thing, how many and when; nothing of what they were.

A row is never changed and never taken back, and no role of `migrations/roles.sql` may. What is removed in many
transactions has a row in each, for what that one removed: whatever is killed, the trail says what is gone.
"""

import getpass
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from socket import gethostname
from uuid import uuid4

from sqlalchemy import Connection, Engine, text


@dataclass(frozen=True, slots=True)
class Act:
    """One removal, or another thing that somebody does: what it comes to has its rows under this run."""

    run: str
    who: str
    what: str  # audit delete, models remove, images remove, keep, gc; audit start, mark, token add
    audit: int | None = None  # the number of the one that it is about: no name and no content

    def note(self, c: Connection, counts: Iterable[tuple[str, int, int]]) -> None:
        """Write down what this transaction removes or does: kinds, how many of each, and their bytes."""
        head = {"run": self.run, "who": self.who, "what": self.what, "audit": self.audit}
        rows = [head | {"kind": kind, "number": number, "bytes": size} for kind, number, size in counts]
        if rows:
            c.execute(text(_NOTE), rows)


@dataclass(frozen=True, slots=True)
class Done:
    """What one act has come to, of one kind."""

    at: datetime
    who: str
    what: str
    audit: int | None
    kind: str
    number: int
    bytes: int


def act(what: str, who: str | None = None, audit: int | None = None) -> Act:
    """A removal or another act that begins; by whoever runs this process, if nobody else is named."""
    return Act(uuid4().hex, who or whoami(), what, audit)


def whoami() -> str:
    """Who is at this process, and on which machine: `POLELENS_USER`, else who is logged in."""
    try:
        user = os.environ.get("POLELENS_USER", "").strip() or getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = str(os.getuid())
    return f"{user}@{gethostname()}"


def trail(engine: Engine, most: int) -> Iterator[Done]:
    """What was done, the newest first, kind by kind, so many rows."""
    with engine.begin() as c:
        for row in c.execute(text(_TRAIL), {"most": most}):
            yield Done(*row)


def newest(engine: Engine) -> int:
    """The last removal of photographs: whoever remembers what it has read of any looks whether it is another by now."""
    with engine.begin() as c:
        return int(c.execute(text(_NEWEST)).scalar_one())


_NEWEST = "SELECT coalesce(max(id), 0) FROM trail WHERE kind = 'photographs'"

_NOTE = """
INSERT INTO trail (run, who, what, audit, kind, number, bytes)
VALUES (:run, :who, :what, :audit, :kind, :number, :bytes)
"""

_TRAIL = """
SELECT min(created_at) AS at, who, what, audit, kind, sum(number)::bigint, sum(bytes)::bigint FROM trail
GROUP BY run, who, what, audit, kind ORDER BY min(min(created_at)) OVER (PARTITION BY run) DESC, run, kind LIMIT :most
"""
