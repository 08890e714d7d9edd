"""Limits: how much may be asked at once, so that no program can stop the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from polelens.web.endpoint.problems import Problem

MOST_BYTES = 32 * 2**20  # of a request; base64 takes a third more than the photographs
MOST_INSTANCES = 16
MEGAPIXELS = 50.0  # of a photograph; it takes 150 MB decoded
READ_AT_ONCE = 16  # requests; each is held two or three times over while it is read
DECODED_AT_ONCE = 2  # photographs
READ_SECONDS = 60  # in which a request has to arrive
MOST_JOBS = 256  # that wait for workers, of all processes
MOST_WAIT = 60.0  # seconds; proxies give up sooner or later
SOON = "1"  # second after which to ask again
LATER = "5"


class Slots:
    """Places of which each is taken by one at a time; who finds none is told to come again."""

    def __init__(self, most: int) -> None:
        self.most, self._free = most, BoundedSemaphore(most)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place. Raises Problem where there is none."""
        if not self._free.acquire(blocking=False):
            raise busy(f"{self.most} requests are being read already", SOON)
        try:
            yield
        finally:
            self._free.release()


def busy(why: str, seconds: str) -> Problem:
    """What to say to who asks too much at once."""
    return Problem(429, why, f"ask again after {seconds} s, as Retry-After says", {"retry-after": seconds})
