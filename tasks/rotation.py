"""Rotation: the log of a local process that has grown long becomes NAME.log.1, while the process goes on.

Only where the standard error is the file that POLELENS_LOG names, which `polelens up` sees to: in a container it is a
pipe, and the business of whoever keeps what comes out of it.
"""

import fcntl
import logging
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

LONG = 10_000_000  # bytes
OFTEN = 1000  # records between two looks: a file of 10 MB grows by a hundredth


class Rotation(logging.Handler):
    """Writes nothing, and looks at the file from time to time."""

    def __init__(self, often: int = OFTEN) -> None:
        super().__init__()
        self.often, self._seen = often, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count, and look."""
        del record
        self._seen += 1
        named = os.environ.get("POLELENS_LOG")
        if named and self._seen % self.often == 0:
            with suppress(OSError):  # what cannot be rotated grows
                rotate(Path(named), LONG)


def rotate(log: Path, most: int) -> None:
    """Copy a log of more than so many bytes to .log.1 and begin anew, if it is what this process writes into.

    All processes of a worker write to the end of one open file, which therefore has to stay, and one of them does this;
    what another writes at that moment may be lost.
    """
    if not log.exists() or not os.path.samestat(os.fstat(sys.stderr.fileno()), log.stat()):
        return
    with log.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_size > most:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            file.truncate(0)
