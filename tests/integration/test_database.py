"""How connections to Postgres are made."""

import os
import socket

import pytest
from psycopg.pq import Format
from sqlalchemy import text

from storage.database import BINARY, connect


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
@pytest.mark.parametrize(("said", "milliseconds"), [("", 30_000), ("?tcp_user_timeout=5000", 5_000)])
def test_a_server_that_went_without_a_word_is_given_up(database_url: str, said: str, milliseconds: int) -> None:
    """Half a minute after it heard nothing, unless the address says another time."""
    engine = connect(database_url + said)
    with engine.connect() as c, socket.socket(fileno=os.dup(c.connection.dbapi_connection.fileno())) as line:
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == milliseconds
    engine.dispose()


@pytest.mark.parametrize(("binary", "form"), [(True, Format.BINARY), (False, Format.TEXT)])
def test_bytes_are_the_same_in_either_format(database_url: str, binary: bool, form: Format) -> None:
    """And come in the one that the statement's options say."""
    engine, data = connect(database_url), bytes(range(256))
    with engine.connect() as c:
        found = c.execute(text("SELECT CAST(:data AS bytea)"), {"data": data}, execution_options={BINARY: binary})
        assert found.cursor.format == form
        assert found.scalar_one() == data
    engine.dispose()
