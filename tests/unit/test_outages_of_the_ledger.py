"""What counts as an outage of Postgres or Redis, and what is one photograph's own."""

import pytest
from psycopg import errors
from sqlalchemy.exc import InternalError, OperationalError

from tasks.steps import is_outage


@pytest.mark.parametrize("error", [errors.DiskFull(), errors.AdminShutdown(), errors.QueryCanceled()])
def test_postgres_away_or_full_is_an_outage(error: errors.Error) -> None:
    """It is waited for, however long."""
    assert is_outage(OperationalError("SELECT", {}, error))
    assert is_outage(OperationalError("SELECT", {}, errors.OperationalError("connection refused")))


@pytest.mark.parametrize("error", [errors.ProgramLimitExceeded(), errors.DataCorrupted(), errors.IndexCorrupted()])
def test_a_statement_that_cannot_be_is_none(error: errors.Error) -> None:
    """Tried for ever, it would keep its audit from ending."""
    assert not is_outage(InternalError("INSERT", {}, error))
    assert not is_outage(ValueError("a bad photograph"))
