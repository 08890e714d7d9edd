"""The migrations: up, equal to the tables, down, and up again."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from storage.database import LaterSchema, migrate, migrations, schema, with_driver
from tests.played_ledger import engine_of


def test_the_migrations_lead_to_the_tables_and_back(empty_database_url: str) -> None:
    """Nothing is missing in either, and going back leaves nothing but Alembic's own empty table."""
    config = migrations(empty_database_url)
    for _ in range(2):
        migrate(empty_database_url)
        command.check(config)
        command.downgrade(config, "base")
        with engine_of(empty_database_url) as engine:
            assert inspect(engine).get_table_names() == ["alembic_version"]
            assert inspect(engine).get_view_names() == []


def test_what_is_up_to_date_is_left_alone(database_url: str) -> None:
    """Migrating again is no error; every deployment may do it at its start."""
    migrate(database_url)
    command.check(migrations(database_url))


def test_a_schema_of_a_later_version_is_refused_and_left_as_it_is(database_url: str) -> None:
    """In a sentence that names it, and says how to go back."""
    with engine_of(database_url) as engine, engine.begin() as c:
        c.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LaterSchema, match=r"the schema is 9999, .* nothing was changed; .* restore the copy"):
        migrate(database_url)
    assert schema(database_url) == "9999"


def test_deployments_that_migrate_at_once_wait_for_each_other(empty_database_url: str) -> None:
    """Each ends well, and the schema is there once."""
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(_in_a_process_of_its_own, empty_database_url)
        migrate(empty_database_url)
        assert other.result() == 0
    command.check(migrations(empty_database_url))


def test_a_migration_that_crosses_the_locks_of_a_worker_is_tried_again(empty_database_url: str) -> None:
    """The worker's transaction holds one table and wants one that the migration has: both end well."""
    command.upgrade(migrations(empty_database_url), "0024")
    with ThreadPoolExecutor(1) as pool, engine_of(empty_database_url) as engine, engine.begin() as worker:
        worker.execute(text("SET LOCAL deadlock_timeout = '1min'"))  # the one to be cancelled is the migration
        worker.execute(text("LOCK TABLE explanation IN ROW EXCLUSIVE MODE"))
        other = pool.submit(_in_a_process_of_its_own, empty_database_url)
        _wait_for_one_that_waits(engine)  # for explanation, with triggers on audit_explanation already
        worker.execute(text("LOCK TABLE audit_explanation IN ROW EXCLUSIVE MODE"))
        worker.commit()
        assert other.result() == 0
    command.check(migrations(empty_database_url))


def _wait_for_one_that_waits(engine: Engine) -> None:
    """For a table, until a minute has gone."""
    for _ in range(600):
        with engine.connect() as c:
            if c.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'")):
                return
        time.sleep(0.1)
    raise AssertionError("nothing waits")


def _in_a_process_of_its_own(url: str) -> int:
    """Alembic keeps its context in globals: two threads would share it."""
    code = "import sys; from storage.database import migrate; migrate(sys.argv[1])"
    return subprocess.run([sys.executable, "-c", code, url], check=False).returncode


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p%25@h/d?sslmode=require", "postgresql+psycopg://u:p%25@h/d?sslmode=require"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_the_driver_is_psycopg_3(given: str, meant: str) -> None:
    """Platforms write the address without a driver."""
    assert with_driver(given) == meant
    assert migrations(given).get_main_option("sqlalchemy.url") == meant
