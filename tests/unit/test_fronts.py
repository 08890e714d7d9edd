"""The fronts that outages are made with: each mode does to a connection what it says."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection

import pytest

from polelens.stack.address import HOST
from tests.chaos.fronts import Front, front
from tests.relay import serving


@pytest.fixture
def echo() -> Iterator[Front]:
    """A front of a server that says what it hears."""

    def answer(client: socket.socket) -> None:
        while data := client.recv(65536):
            client.sendall(data)

    with serving(answer) as port, front(port) as made:
        yield made


def test_forwarding_changes_nothing(echo: Front) -> None:
    """All bytes, both ways, on several connections."""
    with _connected(echo) as one, _connected(echo) as other:
        other.sendall(b"b" * 100_000)
        assert _said(one, b"a") and _hear(other, 100_000) == b"b" * 100_000


def test_a_slow_front_takes_its_time(echo: Front) -> None:
    """There and back, each delayed."""
    echo.mode, echo.delay = "slow", 0.05
    with _connected(echo) as client:
        began = time.monotonic()
        assert _said(client, b"a")
        assert time.monotonic() - began >= 2 * echo.delay


def test_what_is_swallowed_is_lost_and_nothing_is_closed(echo: Front) -> None:
    """Connections that said anything stay open and dumb for good; a silent one, and those from after, work."""
    with _connected(echo) as before, _connected(echo) as silent:
        assert _said(before, b"a") and _said(silent, b"a")
        echo.mode = "swallow"
        with _connected(echo) as meanwhile:
            for dumb in (before, meanwhile):
                _assert_dumb(dumb)
            echo.mode = "forward"
            for dumb in (before, meanwhile):
                _assert_dumb(dumb)
        with _connected(echo) as after:
            assert _said(silent, b"a") and _said(after, b"a")


def test_refusing_ends_what_anybody_says(echo: Front) -> None:
    """New connections at once, old ones at their next word."""
    with _connected(echo) as before:
        assert _said(before, b"a")
        echo.mode = "refuse"
        before.sendall(b"a")
        with _connected(echo) as after:
            _assert_ended(before, after)


def test_a_cut_ends_what_there_is(echo: Front) -> None:
    """And whoever comes after it is served."""
    with _connected(echo) as before:
        assert _said(before, b"a")
        echo.cut()
        _assert_ended(before)
    with _connected(echo) as after:
        assert _said(after, b"a")


@pytest.mark.parametrize("megabytes", [0, 3])
def test_unavailable_is_said_in_http_and_heard(echo: Front, megabytes: int) -> None:
    """However much the client still has to send."""
    echo.mode = "unavailable"
    with closing(HTTPConnection(HOST, echo.port, timeout=10)) as client:
        client.request("PUT", "/bucket/key", body=bytes(megabytes << 20))
        answer = client.getresponse()
        assert (answer.status, b"<Code>ServiceUnavailable</Code>" in answer.read()) == (503, True)


def _connected(echo: Front) -> socket.socket:
    return socket.create_connection((HOST, echo.port), timeout=10)


def _hear(client: socket.socket, n: int) -> bytes:
    heard = b""
    while len(heard) < n and (data := client.recv(n - len(heard))):
        heard += data
    return heard


def _said(client: socket.socket, data: bytes) -> bool:
    client.sendall(data)
    return _hear(client, len(data)) == data


def _assert_dumb(client: socket.socket) -> None:
    client.sendall(b"hello?")
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.recv(1)


def _assert_ended(*clients: socket.socket) -> None:
    for client in clients:
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
