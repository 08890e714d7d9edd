"""Alembic's environment: one transaction for each migration, one migrator at a time."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from storage.database import with_driver
from storage.reaudit_tables import metadata  # of these tables and of those of storage.tables
from storage.settings import settings

LOCK = 7_653_210  # any number: two deployments that migrate at once wait for each other


def run() -> None:
    """Apply the migrations."""
    url = context.config.get_main_option("sqlalchemy.url") or with_driver(settings().database_url)
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        connection.commit()
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run()
