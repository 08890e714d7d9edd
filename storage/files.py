"""Files below a folder: written wholly or not at all, and found."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Write a file wholly or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def is_file(path: Path) -> bool:
    """As Path.is_file, which takes a folder that cannot be looked into for an empty one."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def files(folder: Path) -> Iterator[Path]:
    """All files below a folder but hidden ones; none if there is no folder."""

    def pass_over_missing(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise error

    for above, _, names in os.walk(folder, onerror=pass_over_missing):
        paths = (Path(above, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if is_file(path))


def _sync_folder(folder: Path) -> None:
    """Have the file's new name survive a power cut, as its bytes do."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
