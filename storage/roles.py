"""Least-privilege roles: what `migrations/roles.sql` grants, and logins that have them."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from storage.database import MIGRATIONS, with_driver

SQL = MIGRATIONS / "roles.sql"
PREFIX = "POLELENS_LOGIN_"  # and worker, control, producer, reader, marker or operator in capitals: user:password
ROLES = ("worker", "control", "producer", "reader", "marker", "operator")


@dataclass(frozen=True, slots=True)
class Login:
    """A login that has one role, and nothing else."""

    role: str
    user: str
    password: str


def logins(environment: Mapping[str, str] = os.environ) -> list[Login]:
    """The logins that the environment names. Raises ValueError for one that is none, without its words."""
    found = []
    for role in ROLES:
        if given := environment.get(name := f"{PREFIX}{role.upper()}"):
            user, colon, password = given.partition(":")
            if not (re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", user) and colon and password):
                raise ValueError(f"{name} must be user:password, the user of small letters, digits and underscores")
            found.append(Login(role, user, password))
    return found


def apply(url: str, made: list[Login]) -> None:
    """Grant the roles of this schema, and see that these logins are there with these passwords, all or nothing.

    Run as the owner of the tables, who may make roles. Who works meanwhile keeps what it may.
    """
    with psycopg.connect(with_driver(url).replace("+psycopg", "", 1)) as c:
        c.execute(SQL.read_bytes())
        for one in made:
            user, role = sql.Identifier(one.user), sql.Identifier(f"polelens_{one.role}")
            if not c.execute("SELECT FROM pg_roles WHERE rolname = %s", [one.user]).rowcount:
                c.execute(sql.SQL("CREATE ROLE {} LOGIN").format(user))
            c.execute(sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE").format(user))
            c.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(user, sql.Literal(one.password)))
            c.execute(sql.SQL("GRANT {} TO {}").format(role, user))
