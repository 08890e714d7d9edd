"""Alembic's environment: one transaction for each migration, one migrator at a time, workers at work meanwhile."""

from alembic import context
from psycopg.errors import DeadlockDetected
from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.exc import OperationalError

from storage.database import with_driver
from storage.settings import settings
from storage.user_tables import metadata  # of these tables, and of those of storage.reaudit_tables and storage.tables

LOCK = 7_653_210  # any number: two deployments that migrate at once wait for each other
ATTEMPTS = 20  # each after Postgres has found a deadlock, which takes it a second


def run() -> None:
    """Apply the migrations."""
    url = context.config.get_main_option("sqlalchemy.url") or with_driver(settings().database_url)
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        connection.commit()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _migrate(connection)
                return
            except OperationalError as error:
                if not isinstance(error.orig, DeadlockDetected) or attempt == ATTEMPTS:
                    raise


def _migrate(connection: Connection) -> None:
    """Apply what is not applied yet. One that crosses a worker's locks is undone as a whole, and may be tried again."""
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


run()
