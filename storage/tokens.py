"""Tokens: how programs sign in. Only a hash of each is kept, so that who reads the database cannot use one."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from psycopg.errors import UniqueViolation
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from storage.forget.trail import Act, act

NAME = re.compile(r"[\w.+-]{1,64}")
PREFIX = "polelens_"  # by which whoever looks for secrets in a repository knows one


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was made: its name, what whoever has it may, who made it, and until when it holds."""

    name: str
    role: str
    made_by: str
    created_at: datetime
    expires_at: datetime

    @property
    def expired(self) -> bool:
        """Whether it lets nobody in any more."""
        return self.expires_at <= datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a database."""

    engine: Engine

    def add(self, name: str, role: str, days: int) -> str:
        """Make a token, and give it away this once. Raises ValueError for a name that is none, or is taken."""
        if not NAME.fullmatch(name):
            raise ValueError(f"name is {name!r}, expected up to 64 letters, digits and . _ + -")
        made, given = act("token add"), PREFIX + secrets.token_urlsafe(32)
        until = datetime.now(UTC) + timedelta(days=days)
        values = {"name": name, "role": role, "sha256": _digest(given), "made_by": made.who, "expires_at": until}
        try:
            self._change(_ADD, values, made)
        except IntegrityError as error:
            if not isinstance(error.orig, UniqueViolation):
                raise
            raise ValueError(f"there is a token {name}; `polelens token remove {name}` removes it") from None
        return given

    def all(self) -> Sequence[Token]:
        """Every token, by name."""
        with self.engine.begin() as c:
            return [Token(*row) for row in c.execute(text(_ALL))]

    def remove(self, name: str) -> None:
        """Let nobody in by a token any more, from this moment on. Raises ValueError if there is none."""
        if not self._change(_REMOVE, {"name": name}, act("token remove")):
            raise ValueError(f"there is no token {name}; `polelens token list` shows those there are")

    def find(self, given: str) -> Token | None:
        """The token that somebody gives, if there is one and it holds."""
        with self.engine.begin() as c:
            row = c.execute(text(_FIND), {"sha256": _digest(given)}).first()
        return Token(*row) if row else None

    def _change(self, statement: str, values: Mapping[str, object], by: Act) -> bool:
        with self.engine.begin() as c:
            changed = bool(c.execute(text(statement), values).rowcount)
            by.note(c, [("tokens", 1, 0)] if changed else [])
        return changed


def _digest(given: str) -> str:
    """Unsalted and quick: 32 random bytes are found by no list of words."""
    return sha256(given.encode()).hexdigest()


_ADD = """
INSERT INTO token (name, role, sha256, made_by, expires_at) VALUES (:name, :role, :sha256, :made_by, :expires_at)
"""

_ALL = "SELECT name, role, made_by, created_at, expires_at FROM token ORDER BY name"

_REMOVE = "DELETE FROM token WHERE name = :name"

_FIND = """
SELECT name, role, made_by, created_at, expires_at FROM token WHERE sha256 = :sha256 AND expires_at > now()
"""
