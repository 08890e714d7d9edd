"""The undertaker: ends whatever a session of tests has started and left, however the session itself came to its end.

Services, stacks and workers are detached, so that an interrupt or a kill of the tests does not reach them. All inherit
a word of the session's own in their environment, by which a process that waits for the session to end finds them.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

import psutil
import pytest

MARK = "POLELENS_TEST_SESSION"


@contextmanager
def attended() -> Iterator[None]:
    """As long as this process lives and this lasts, what it starts may run; what does then is killed."""
    before, word = os.environ.get(MARK), secrets.token_hex(8)
    # In a session of its own: what interrupts the tests must not interrupt it.
    waiting = subprocess.Popen(
        [sys.executable, "-m", "tests.undertaker", word], stdin=subprocess.PIPE, start_new_session=True
    )
    os.environ[MARK] = word
    try:
        yield
    finally:
        os.environ.pop(MARK) if before is None else os.environ.update({MARK: before})
        waiting.communicate()


@pytest.fixture(scope="session", autouse=True)
def undertaker() -> Iterator[None]:
    """For the whole session; of a mutant's, which starts nothing, it would cost more than the tests."""
    with nullcontext() if "MUTANT_UNDER_TEST" in os.environ else attended():
        yield


def left(word: str) -> Iterator[psutil.Process]:
    """The processes that were started with a word in their environment."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == word:
                yield process


def bury(word: str) -> None:
    """Kill what is left; what that has started meanwhile, too."""
    while found := list(left(word)):
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=10)


if __name__ == "__main__":
    sys.stdin.buffer.read()  # until whoever holds the other end is gone
    bury(sys.argv[1])
