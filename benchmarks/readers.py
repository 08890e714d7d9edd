"""Readers: people who go through the pages, each at a pace of their own, and how long each page let them wait."""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import numpy as np

PATIENCE_SECONDS = 60.0  # after which a page that has said nothing is an error
LOOK_SECONDS = 0.5  # for which a reader looks at what has come
Chance = np.random.Generator
Kinds = Mapping[str, Callable[[Chance], str]]  # of pages: what each is called, and an address of it by chance


@dataclass(frozen=True, slots=True)
class Waits:
    """How long the first byte of one kind of page took, in milliseconds, so many times."""

    n: int
    median: float
    p99: float  # of fewer than a hundred the longest

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Waits":
        """Those of these times."""
        milliseconds = 1000 * np.asarray(seconds)
        longest = float(np.quantile(milliseconds, 0.99, method="higher"))
        return cls(len(seconds), round(float(np.median(milliseconds)), 1), round(longest, 1))


@dataclass(frozen=True, slots=True)
class Site:
    """Pages that are served, and the password that opens them."""

    url: str
    secret: str

    def read(self, path: str) -> bytes:
        """A page, whole."""
        connection = self._connection()
        try:
            return self._asked(connection, path).read()
        finally:
            connection.close()

    def first_byte(self, path: str) -> float:
        """Seconds until the first byte of a page; the rest is read where it is not all of an archive."""
        connection = self._connection()
        try:
            began = time.perf_counter()
            response = self._asked(connection, path)
            response.read(1)
            seconds = time.perf_counter() - began
            if response.length is not None:
                response.read()
            return seconds
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        where = urlsplit(self.url)
        return HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE_SECONDS)

    def _asked(self, connection: HTTPConnection, path: str) -> HTTPResponse:
        login = b64encode(f"reader:{self.secret}".encode()).decode()
        connection.request("GET", path, headers={"authorization": f"Basic {login}"})
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"{path} answers {response.status}")
        return response


def go_through(site: Site, kinds: Kinds, readers: int, seconds: float) -> dict[str, Waits]:
    """Have so many readers go through every kind of page, in an order of each one's own, until the time is over."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(readers) as pool:
        chances = [np.random.Generator(np.random.Philox(key)) for key in range(readers)]
        walks = [pool.submit(_walk, site, kinds, chance, until) for chance in chances]
        seen = [one for walk in walks for one in walk.result()]
    return {kind: Waits.of([waited for name, waited in seen if name == kind]) for kind in kinds}


def _walk(site: Site, kinds: Kinds, chance: Chance, until: float) -> list[tuple[str, float]]:
    """Each kind once, and again while there is time."""
    seen: list[tuple[str, float]] = []
    while not seen or time.monotonic() < until:
        for kind in chance.permutation(list(kinds)):
            seen.append((str(kind), site.first_byte(kinds[str(kind)](chance))))
            time.sleep(LOOK_SECONDS * 2 * chance.random())
    return seen
