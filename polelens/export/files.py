"""Files that are there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(folder: Path, *names: str) -> Iterator[list[Path]]:
    """Paths to write the files of a folder to: they get their names when all are whole, and go if something fails."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = [folder / f".{name}.unfinished" for name in names]
    try:
        yield unfinished
        for path, name in zip(unfinished, names, strict=True):
            path.replace(folder / name)
    finally:
        for path in unfinished:
            path.unlink(missing_ok=True)
