"""Where photographs come from: files, folders, patterns of names and S3 prefixes."""

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nsmallest
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from pipeline.scene.photograph import Unreadable
from storage.blobs import s3_client
from storage.names import Place

NAMES = 100_000  # of one folder, held at once
MOST_BYTES = 2**30  # of a photograph's file; 100 megapixels of 16 bits and three channels are 600 MB
JPEGS, MODERN = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), (".jp2", ".avif", ".heic", ".heif", ".hif")
SUFFIXES = frozenset({*JPEGS, *MODERN, ".png", ".webp", ".tif", ".tiff", ".bmp"})
# What Windows, macOS and network storage put beside photographs: nothing that a person has, and so not spoken of.
LITTER = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store", ".localized"})
LITTER_FOLDERS = frozenset({"@eadir", "__macosx", ".appledouble", "#recycle", "@recycle", "$recycle.bin", ".trashes"})
TWIN = "._"  # macOS's second file of each, on volumes that hold no resource forks


@dataclass(frozen=True, slots=True)
class Source:
    """A file that may be a photograph: its name in the archive, how to read it, and its whole path."""

    name: str
    read: Callable[[], bytes]
    path: str = ""

    @property
    def place(self) -> Place:
        """Where it is, for whatever is told of photographs by their paths."""
        return Place(self.name, self.path or self.name)


def sources(
    *locations: str, suffixes: frozenset[str] = SUFFIXES, passed_over: Counter[str] | None = None
) -> Iterator[Source]:
    """The photographs at files, folders (with all below them), patterns of names and s3://bucket/prefix.

    Those of one location are named by their path below it, those of several by the path below the folder that they
    share. In a folder or prefix other kinds of files are passed over, and counted by their suffix in `passed_over`;
    links that lead out of a folder are not followed. Each comes once.

    Raises
    ------
    ValueError
        If there is nothing at a location.
    """
    paths = [one for location in locations for one in _expanded(location)]
    shared = _shared(paths) if len(paths) > 1 else None
    wanted = _Wanted(suffixes, Counter() if passed_over is None else passed_over)
    found = (source for path in paths for source in _at(path, shared, wanted))
    return found if len(paths) == 1 else _once(found)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a folder is looked through for, and what is passed over there."""

    suffixes: frozenset[str]
    passed_over: Counter[str]

    def takes(self, path: PurePath) -> bool:
        """Whether a file is of a wanted kind; counts it if it is not, and no litter."""
        if path.name.startswith(TWIN) or path.name.lower() in LITTER:
            return False
        if path.suffix.lower() in self.suffixes:
            return True
        self.passed_over[path.suffix.lower() or "no suffix"] += 1
        return False


def _expanded(location: str) -> Sequence[str]:
    """The paths that a location means: a pattern may mean many."""
    if location.startswith("s3://") or os.path.lexists(location):
        return [location]
    magic = glob.has_magic(location)
    found = sorted(glob.glob(location, recursive=True)) if magic else []  # noqa: PTH207  absolute ones, too
    if not found:
        raise ValueError(f"there is no file or folder {location!r}")
    return found


def _shared(paths: Sequence[str]) -> Path | None:
    """The folder that several paths share."""
    local = [Path(path).resolve() for path in paths if not path.startswith("s3://")]
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in local])) if local else None


def _at(path: str, shared: Path | None, wanted: _Wanted) -> Iterator[Source]:
    if path.startswith("s3://"):
        return _objects(path, wanted)
    root = Path(path).resolve()
    if root.is_dir():
        return _files(root, shared or root, wanted)
    whole = Path(path).parent.resolve() / Path(path).name  # a link is known by its own name
    name = whole.relative_to(shared) if shared and whole.is_relative_to(shared) else Path(path).name
    return iter([Source(printed(str(name)), partial(_file, Path(path)), printed(str(whole)))])


def _once(found: Iterable[Source]) -> Iterator[Source]:
    seen = set[str]()
    for source in found:
        if source.path not in seen:
            seen.add(source.path)
            yield source


def _files(folder: Path, shared: Path, wanted: _Wanted) -> Iterator[Source]:
    for path in _walk(folder):
        if wanted.takes(path) and path.is_file() and path.resolve().is_relative_to(folder):
            yield Source(printed(path.relative_to(shared).as_posix()), partial(_file, path), printed(path.as_posix()))


def _walk(folder: Path) -> Iterator[Path]:
    """All below a folder in the order of the names, links to folders as they are."""
    for name, is_folder in _entries(folder):
        if is_folder:
            if name.lower() in LITTER_FOLDERS:
                continue
            yield from _walk(folder / name)
        else:
            yield folder / name


def _entries(folder: Path) -> Iterator[tuple[str, bool]]:
    """What is in a folder, sorted, so many names at a time, however many there are; whether each is a folder."""
    page: list[tuple[str, bool]] = []
    while True:
        after = page[-1][0] if page else ""
        with os.scandir(folder) as entries:
            ahead = ((one.name, one.is_dir(follow_symlinks=False)) for one in entries if one.name > after)
            page = nsmallest(NAMES, ahead)
        yield from page
        if len(page) < NAMES:
            return


def _objects(location: str, wanted: _Wanted) -> Iterator[Source]:
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    client = s3_client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            key = PurePosixPath(entry["Key"])
            litter = any(part.lower() in LITTER_FOLDERS for part in key.parts)
            if not litter and not entry["Key"].endswith("/") and wanted.takes(key):
                read = partial(_object, client, bucket, entry["Key"])
                yield Source(printed(_below(prefix, entry["Key"])), read, printed(f"{bucket}/{entry['Key']}"))


def _below(prefix: str, key: str) -> str:
    """A key's path below a prefix; where the prefix ends within a name, from that name on."""
    folder = prefix.rstrip("/") + "/"
    return (key.removeprefix(folder) if key.startswith(folder) else key[prefix.rfind("/") + 1 :]).lstrip("/")


def _object(client: Any, bucket: str, key: str) -> bytes:
    found = client.get_object(Bucket=bucket, Key=key)
    _refuse_huge(found["ContentLength"])
    body: bytes = found["Body"].read()
    return body


def _file(path: Path) -> bytes:
    _refuse_huge(path.stat().st_size)
    return path.read_bytes()


def _refuse_huge(size: int) -> None:
    if size > MOST_BYTES:
        raise Unreadable(f"a file of {size:,} bytes, more than the {MOST_BYTES // 2**20} MiB allowed")


def printed(name: str) -> str:
    """A file name that Postgres and a terminal can hold: bytes that are no UTF-8 are shown as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "")
