"""The database: its engine and its migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def connect(url: str) -> Engine:
    """An engine for a Postgres address. Make it after a fork, never before.

    `postgres://` and `postgresql://` mean psycopg 3, as most platforms write the address without a driver.
    """
    return create_engine(with_driver(url), pool_pre_ping=True, pool_size=2, max_overflow=2)


def migrate(url: str) -> None:
    """Bring a database to the newest schema."""
    command.upgrade(migrations(url), "head")


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
