"""The database: its engine and its migrations."""

from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import Connection, Cursor
from psycopg.pq import Format
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

# An execution option: megabytes of bytea, which otherwise come as hexadecimal digits, are there in 0.4 of the time.
BINARY = "binary"

# A server that went without a word, with its machine or its network, is given up after half a minute. By itself TCP
# waits for a quarter of an hour, which is longer than a task may take.
PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 10,
    "keepalives_count": 2,
    "tcp_user_timeout": 30_000,  # milliseconds
}


def connect(url: str, silence_seconds: float | None = None) -> Engine:
    """An engine for a Postgres address. Make it after a fork, never before.

    `postgres://` and `postgresql://` mean psycopg 3, as most platforms write the address without a driver. A process
    that says nothing for `silence_seconds` in the middle of a transaction, frozen or on a machine without power, loses
    the transaction, and with it the locks that others wait for.
    """
    address = make_url(with_driver(url))
    patience = {name: value for name, value in PATIENCE.items() if name not in address.query}
    engine = create_engine(address, connect_args=patience, pool_pre_ping=True, pool_size=2, max_overflow=2)
    event.listen(engine, "before_cursor_execute", _choose_format, named=True)
    if silence_seconds:
        event.listen(engine, "connect", partial(_limit_silence, silence_seconds))
    return engine


def _choose_format(cursor: Cursor[Any], context: ExecutionContext | None, **_: object) -> None:
    """Have the rows come in Postgres's own format where the statement's options say so."""
    if context is not None and context.execution_options.get(BINARY):
        cursor.format = Format.BINARY


def read_only(engine: Engine) -> Engine:
    """The same engine, whose transactions change nothing: Postgres refuses what would."""
    event.listen(engine, "connect", _refuse_changes)
    return engine


def one_core(engine: Engine) -> Engine:
    """The same engine, each of whose statements takes one core of the server, however much it reads."""
    event.listen(engine, "connect", _work_alone)
    return engine


def _work_alone(connection: Connection[tuple[object, ...]], _: object) -> None:
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.commit()


def analyse_members(engine: Engine) -> None:
    """Have Postgres see at once how many explanations a new audit has, which it plans every page of it by.

    Until its autovacuum looks, within a minute or so, it takes a new audit for one of a few photographs: a page of
    200,000 takes ten seconds then. A login that does not own the table leaves it to the autovacuum.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.exec_driver_sql("ANALYZE audit_explanation")


def _refuse_changes(connection: Connection[tuple[object, ...]], _: object) -> None:
    connection.read_only = True


def _limit_silence(seconds: float, connection: Connection[tuple[object, ...]], _: object) -> None:
    connection.execute(f"SET idle_in_transaction_session_timeout = {int(1000 * seconds)}")  # as no parameter can be
    connection.commit()


class LaterSchema(ValueError):
    """The schema is of a later version than this code: nothing of it was changed."""

    def __init__(self, current: str) -> None:
        super().__init__(
            f"the schema is {current}, which is of a later polelens than this one: nothing was changed; workers of the "
            "version just before that one may go on with it; to go back further, restore the copy made before it"
        )


def migrate(url: str) -> None:
    """Bring a database to the newest schema. Raises LaterSchema where it is of a later version."""
    current = schema(url)
    if current and not known(url, current):
        raise LaterSchema(current)
    command.upgrade(migrations(url), "head")


def schema(url: str) -> str | None:
    """The name of a database's schema; None where there is none yet."""
    engine = create_engine(with_driver(url), poolclass=NullPool)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def known(url: str, name: str) -> bool:
    """Whether this code has heard of a schema."""
    return any(one.revision == name for one in ScriptDirectory.from_config(migrations(url)).walk_revisions())


def newest(url: str) -> str | None:
    """The newest schema's name."""
    return ScriptDirectory.from_config(migrations(url)).get_current_head()


def migrations(url: str) -> Config:
    """Alembic's configuration for a database."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", with_driver(url).replace("%", "%%"))
    return config


def with_driver(url: str) -> str:
    """The address with psycopg 3 named as the driver."""
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else url
