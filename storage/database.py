"""The database: its engine and its migrations."""

from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import Connection
from sqlalchemy import Engine, create_engine, event, make_url

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"

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
    if silence_seconds:
        event.listen(engine, "connect", partial(_limit_silence, silence_seconds))
    return engine


def _limit_silence(seconds: float, connection: Connection[tuple[object, ...]], _: object) -> None:
    connection.execute(f"SET idle_in_transaction_session_timeout = {int(1000 * seconds)}")  # as no parameter can be
    connection.commit()


def migrate(url: str) -> None:
    """Bring a database to the newest schema."""
    command.upgrade(migrations(url), "head")


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
