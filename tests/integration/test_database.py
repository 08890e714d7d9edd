"""How connections to Postgres are made."""

import os
import socket

import pytest

from storage.database import connect


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
@pytest.mark.parametrize(("said", "milliseconds"), [("", 30_000), ("?tcp_user_timeout=5000", 5_000)])
def test_a_server_that_went_without_a_word_is_given_up(database_url: str, said: str, milliseconds: int) -> None:
    """Half a minute after it heard nothing, unless the address says another time."""
    engine = connect(database_url + said)
    with engine.connect() as c, socket.socket(fileno=os.dup(c.connection.dbapi_connection.fileno())) as line:
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == milliseconds
    engine.dispose()
