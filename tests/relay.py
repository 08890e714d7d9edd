"""A server of threads on this machine, and two sockets of which each is told what the other says."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from polelens.stack.address import HOST

Treat = Callable[[bytes], bytes]  # what becomes of what was said; an OSError ends the connection


def as_it_is(data: bytes) -> bytes:
    """Everything, unchanged."""
    return data


@contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that gives each connection to a thread of its own, until the test is over."""
    with socket.create_server((HOST, 0)) as listener:
        threading.Thread(target=_accept, args=(listener, handle), daemon=True).start()
        yield int(listener.getsockname()[1])
        end(listener)  # wakes the thread, which holds the port open as long as it waits


def relay(near: socket.socket, far: socket.socket, there: Treat = as_it_is, back: Treat = as_it_is) -> None:
    """Pass on what either side says until one of them ends."""
    answers = threading.Thread(target=_copy, args=(far, near, back), daemon=True)
    answers.start()
    _copy(near, far, there)
    answers.join()


def end(one: socket.socket) -> None:
    """Have whoever reads from it or writes to it stop, on both sides."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    with suppress(OSError):  # closed: the test is over
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_handle, args=(client, handle), daemon=True).start()


def _handle(client: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    with suppress(OSError), client:
        handle(client)


def _copy(source: socket.socket, sink: socket.socket, treat: Treat) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if treated := treat(data):
                sink.sendall(treated)
    for one in (source, sink):
        end(one)
