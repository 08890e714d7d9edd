"""Memory: in a worker one large photograph is read at a time, and reading one may take so much and no more.

A container's limit is shared by its processes: who exceeds it is killed, and where Kubernetes does it so is the
neighbour with its step. So what would exceed it has to fail by itself.
"""

import fcntl
import re
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.scene.photograph import Unreadable

LARGE = 25 * 10**6  # pixels; a smaller one takes 400 MB at most, see docs/operations.md
STATUS = Path("/proc/self/status")

# Made before the pool forks: its processes share the file and each has its own locks on it, which go with the process.
_turn = tempfile.TemporaryFile()  # noqa: SIM115 -- open as long as the process lives


@contextmanager
def reading(pixels: int, gigabytes: float) -> Iterator[None]:
    """As long as this lasts a photograph of so many pixels is read; a large one waits for another large one.

    Raises
    ------
    Unreadable
        With what may be taken and how to allow more, if reading a large one fails.
    """
    if pixels < LARGE:
        yield
        return
    fcntl.lockf(_turn, fcntl.LOCK_EX)
    try:
        with _at_most(int(gigabytes * 1e9)):
            yield
    except (Unreadable, MemoryError) as error:
        raise Unreadable(
            f"{error or 'out of memory'}; it has {pixels / 10**6:.0f} megapixels, and reading it may take "
            f"POLELENS_PHOTOGRAPH_GIGABYTES ({gigabytes:g}) of memory"
        ) from error
    finally:
        fcntl.lockf(_turn, fcntl.LOCK_UN)


@contextmanager
def _at_most(size: int) -> Iterator[None]:
    """So many bytes more than the process has; where the system cannot say what it has, any number."""
    if not sys.platform.startswith("linux"):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    has = int(re.findall(r"^VmData:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)[0]) * 1024
    asked = has + size if hard == resource.RLIM_INFINITY else min(has + size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (asked, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
