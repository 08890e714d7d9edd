"""What lies between a worker and a service: a TCP proxy in this process that can be made to misbehave."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from polelens.stack.address import HOST
from tests.relay import end, relay, serving

Mode = Literal["forward", "slow", "swallow", "refuse", "unavailable"]

_ERROR = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>ServiceUnavailable</Code><Message>Please try again later.</Message></Error>"""
UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_ERROR), _ERROR)
)


@dataclass
class Front:
    """A service's front: clients connect to `port`, and how they fare is up to `mode`, at any time.

    Attributes
    ----------
    service : int
        The port of the service itself.
    port : int
        Where clients connect instead.
    mode : str
        `forward` passes everything on. `slow` does so `delay` seconds after each piece of up to 64 kB. `swallow` drops
        what either side says and closes nothing, new connections included; one that lost anything stays dumb when the
        mode changes, since a stream with a hole in it is no stream. `refuse` ends new connections at once, and old
        ones as soon as anything is said on them (all of them with `cut`). `unavailable` answers every HTTP request
        with 503 and an error as S3 words it.
    delay : float
        Seconds, for `slow`.
    """

    service: int
    port: int = 0
    mode: Mode = "forward"
    delay: float = 0.5
    _open: set[socket.socket] = field(default_factory=set)

    def before(self, url: str) -> str:
        """The service's URL, through the front."""
        return url.replace(f"{HOST}:{self.service}", f"{HOST}:{self.port}")

    def cut(self) -> None:
        """End all connections that there are."""
        for one in tuple(self._open):
            end(one)

    def handle(self, near: socket.socket) -> None:
        """Serve one client until either side ends."""
        if self.mode == "refuse":
            return
        with socket.create_connection((HOST, self.service)) as far:
            pair = {near, far}
            self._open |= pair
            passage = _Passage(self, near)
            relay(near, far, passage.there, passage.back)
            self._open -= pair


@dataclass
class _Passage:
    """One client's way to the service and back."""

    front: Front
    near: socket.socket
    dumb: bool = False

    def there(self, data: bytes) -> bytes:
        """What the service hears of what its client says."""
        if self.front.mode == "unavailable" and not self.dumb:
            self.dumb = True
            self.near.sendall(UNAVAILABLE)
            self.near.shutdown(socket.SHUT_WR)  # and read on, or the client loses the answer over its own request
        return self.back(data)

    def back(self, data: bytes) -> bytes:
        """What the client hears of what the service says."""
        if self.front.mode == "refuse":
            raise ConnectionAbortedError
        if self.front.mode == "slow":
            time.sleep(self.front.delay)
        self.dumb = self.dumb or self.front.mode == "swallow"
        return b"" if self.dumb else data


@contextmanager
def front(service: int) -> Iterator[Front]:
    """A front of the service at a port of this machine, forwarding."""
    made = Front(service)
    with serving(made.handle) as made.port:
        yield made
    made.cut()
