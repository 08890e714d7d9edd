"""Shelves: where the pictures of a report are put, and what its pages call them by."""

import re
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

FOLDER, SUFFIX = "pictures", "webp"
# A report's, or a comparison's; an earlier version wrote PNG files.
OURS = re.compile(r"(\d{4,}/\d{6,}-[0-9a-f]{0,8}-[a-z]+|[0-9a-f]{16}-(before|after))\.(webp|png)")


class Shelf(Protocol):
    """A place for pictures, WebP files."""

    def put(self, name: str, data: bytes) -> str:
        """Keep a picture by its name, a path without a suffix; the address by which a page shows it."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Files in `pictures/` beside the pages."""

    folder: Path

    def put(self, name: str, data: bytes) -> str:
        """Write the file; its path relative to the pages."""
        path = f"{FOLDER}/{name}.{SUFFIX}"
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(data)
        return path


class Within:
    """The pages themselves: a report that is one file."""

    def put(self, name: str, data: bytes) -> str:
        """The picture as an address that holds it."""
        del name
        return f"data:image/{SUFFIX};base64,{b64encode(data).decode()}"


def emptied(folder: Path) -> Beside:
    """The shelf beside the pages in a folder, without the pictures of a report that stood there before.

    What else is in there stays: it may be anybody's folder.
    """
    for path in (folder / FOLDER).rglob("*"):
        if OURS.fullmatch(path.relative_to(folder / FOLDER).as_posix()) and path.is_file():
            path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    return Beside(folder)
