"""Where photographs come from: files, folders and S3 prefixes."""

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from heapq import nsmallest
from pathlib import Path, PurePosixPath
from typing import Any, Generic, Self, TypeVar

from pipeline.scene.photograph import Unreadable
from storage.blobs import s3_client

T = TypeVar("T")
NAMES = 100_000  # of one folder, held at once
MOST_BYTES = 2**30  # of a photograph's file; 100 megapixels of 16 bits and three channels are 600 MB
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})


@dataclass(frozen=True, slots=True)
class Source:
    """A file that may be a photograph: its name in the archive, and how to read it."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Named(Generic[T]):
    """What is told of photographs: by their path, else by the last part of it where all that share it agree."""

    by_path: Mapping[str, T]
    by_last: Mapping[str, T | None]

    @classmethod
    def of(cls, by_path: Mapping[str, T]) -> Self:
        """Make it from path and what is told."""
        by_last: dict[str, T | None] = {}
        for path, told in by_path.items():
            name = PurePosixPath(path).name
            by_last[name] = told if by_last.get(name, told) == told else None
        return cls(by_path, by_last)

    def get(self, name: str) -> T | None:
        """What is told of the photograph of this name in the archive."""
        return self.by_path.get(name) or self.by_last.get(PurePosixPath(name).name)


def sources(location: str) -> Iterator[Source]:
    """The photographs at a file, a folder (with all below it) or an s3://bucket/prefix, in the order of their names.

    In a folder or prefix other kinds of files are passed over; links that lead out of a folder are not followed.

    Raises
    ------
    ValueError
        If there is nothing at the location.
    """
    if location.startswith("s3://"):
        return _objects(location)
    path = Path(location)
    if path.is_dir():
        return _files(path)
    if not path.exists():
        raise ValueError(f"there is no file or folder {location!r}")
    return iter([Source(_text(path.name), partial(_file, path))])


def mask_of(folder: Path, name: str) -> bytes | None:
    """The file of the mask of a photograph in a folder of masks; None if it has none, or its link leads out of it."""
    path = (folder / f"{PurePosixPath(name).stem}.png").resolve()
    return _file(path) if path.is_relative_to(folder.resolve()) and path.is_file() else None


def labels(data: bytes) -> Named[str]:
    """The labels of a CSV file of path,label, keyed by path. Raises ValueError naming the line."""
    found: dict[str, str] = {}
    for number, row in csv_rows(data, "labels", "path,label"):
        if not row or [cell.strip().lower() for cell in row[:2]] == ["path", "label"]:
            continue
        if len(row) != 2 or not row[0].strip() or not row[1].strip() or "\0" in row[0] + row[1]:
            raise ValueError(f"labels: line {number} is {','.join(row)!r}, expected path,label")
        found[row[0].strip()] = row[1].strip()
    return Named.of(found)


def csv_rows(data: bytes, what: str, expected: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file and their numbers, from 1. Raises ValueError beginning with what it is."""
    try:
        return list(enumerate(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")), start=1))
    except csv.Error as error:
        raise ValueError(f"{what}: not a CSV file ({error}); expected lines of {expected}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{what}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from None


def _files(folder: Path) -> Iterator[Source]:
    root = folder.resolve()
    for path in _walk(root):
        if path.suffix.lower() in SUFFIXES and path.is_file() and path.resolve().is_relative_to(root):
            yield Source(_text(path.relative_to(root).as_posix()), partial(_file, path))


def _walk(folder: Path) -> Iterator[Path]:
    """All below a folder in the order of the names, links to folders as they are."""
    for name, is_folder in _entries(folder):
        if is_folder:
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


def _objects(location: str) -> Iterator[Source]:
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    client = s3_client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            key = entry["Key"]
            if PurePosixPath(key).suffix.lower() in SUFFIXES:
                yield Source(_text(_below(prefix, key)), partial(_object, client, bucket, key))


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


def _text(name: str) -> str:
    """A file name that Postgres and a terminal can hold: bytes that are no UTF-8 are shown as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "")
