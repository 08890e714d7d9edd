"""Files below a folder: written wholly or not at all, and found."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from errno import ENOENT
from pathlib import Path

ATTEMPTS = 10
UNFINISHED = ".unfinished-"  # a file that is not whole yet begins so


def write(path: Path, data: bytes) -> None:
    """Write a file wholly or not at all."""
    handle, unfinished = _begin(path.parent)
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


def _begin(folder: Path) -> tuple[int, str]:
    """A new file in a folder; once more where somebody removed the folder, which was empty, in between."""
    for _ in range(ATTEMPTS):
        with suppress(FileNotFoundError):
            folder.mkdir(parents=True, exist_ok=True)
            return tempfile.mkstemp(dir=folder, prefix=UNFINISHED)
    raise FileNotFoundError(ENOENT, "it is removed again and again", str(folder))


def is_file(path: Path) -> bool:
    """As Path.is_file, which takes a folder that cannot be looked into for an empty one."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def files(folder: Path) -> Iterator[Path]:
    """All files below a folder but hidden ones, in the order of their paths as text; none if there is no folder.

    One folder's names are held at once, not all of them.
    """
    try:
        with os.scandir(folder) as entries:
            found = sorted((f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name) for one in entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in found:
        if name.startswith("."):
            continue
        if name.endswith("/"):
            yield from files(folder / name)
        elif is_file(folder / name):
            yield folder / name


def unfinished(folder: Path, before: float) -> Iterator[Path]:
    """What writers that were killed have left below a folder, last changed before a time in seconds since the epoch."""
    for above, _, names in os.walk(folder):
        for path in (Path(above, name) for name in names if name.startswith(UNFINISHED)):
            with suppress(FileNotFoundError):  # its writer has just finished
                if path.stat().st_mtime < before:
                    yield path


def _sync_folder(folder: Path) -> None:
    """Have the file's new name survive a power cut, as its bytes do."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:  # somebody has deleted the file since, and its folder with it
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
