"""Watched places: files that appear in a folder or under an S3 prefix, and what came of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import Engine, text

from pipeline.model.model import ModelRefused
from storage.blobs import s3_client

SUFFIXES = frozenset({".zip", ".onnx", ".pb"})
MOST_BYTES = 2**31  # what protobuf, and so ONNX, can hold in a file


@dataclass(frozen=True, slots=True)
class Found:
    """A file: its name below the place, what tells it from another of that name, and whether it is known to be whole.

    An object of S3 appears when all of it is there; a file in a folder may still be growing.
    """

    name: str
    mark: str
    whole: bool
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was seen the last time: outcome is None until it was tried."""

    mark: str
    outcome: str | None
    registered: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of the files in watched places."""

    engine: Engine

    def seen(self, place: str, model: str) -> Mapping[str, Seen]:
        """The files of a place that were seen before, by name."""
        query = "SELECT file, mark, outcome, registered FROM watched_file WHERE place = :place AND model = :model"
        with self.engine.begin() as c:
            rows = c.execute(text(query), {"place": place, "model": model})
            return {row.file: Seen(row.mark, row.outcome, row.registered) for row in rows}

    def prune(self, place: str, model: str, there: Sequence[str]) -> None:
        """Forget the files of a place that are there no more; none where nothing is there: it may not be mounted."""
        if there:
            with self.engine.begin() as c:
                c.execute(text(_PRUNE), {"place": place, "model": model, "there": list(there)})

    def note(self, place: str, model: str, file: str, seen: Seen) -> None:
        """Write down a file as it is seen now."""
        told = {"mark": seen.mark, "outcome": seen.outcome, "registered": seen.registered}
        with self.engine.begin() as c:
            c.execute(text(_NOTE), {"place": place, "model": model, "file": file} | told)


def exports(place: str) -> Sequence[Found]:
    """The files in a folder or under an s3://bucket/prefix that may be models, the oldest first.

    Links that lead out of a folder are not followed. Raises ValueError if there is no such folder; reading a file that
    is too large raises ModelRefused.
    """
    if place.startswith("s3://"):
        return _objects(place)
    if not Path(place).is_dir():
        raise ValueError(f"there is no folder {place!r} to watch")
    folder, found = Path(place).resolve(), []
    for path in folder.rglob("*"):
        named = path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        if named and path.is_file() and path.resolve().is_relative_to(folder):
            facts = path.stat()
            mark = f"{facts.st_size} bytes at {facts.st_mtime_ns}"
            name = path.relative_to(folder).as_posix()
            found.append((facts.st_mtime_ns, name, Found(name, mark, False, partial(_file, path))))
    return [one for *_, one in sorted(found, key=lambda item: item[:2])]


def _objects(place: str) -> Sequence[Found]:
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    client, found = s3_client(), []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            key = entry["Key"]
            if PurePosixPath(key).suffix.lower() in SUFFIXES:
                # with size and time: some servers list no ETag worth the name
                mark = f"{entry.get('ETag')}, {entry['Size']} bytes at {entry['LastModified'].isoformat()}"
                one = Found(key, mark, True, partial(_object, client, bucket, key))
                found.append((entry["LastModified"], key, one))
    return [one for *_, one in sorted(found, key=lambda item: item[:2])]


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
        raise ModelRefused(f"the file has {size:,} bytes, and ONNX ends at {MOST_BYTES:,}; export it again")


_PRUNE = "DELETE FROM watched_file WHERE place = :place AND model = :model AND file <> ALL(:there)"

_NOTE = """
INSERT INTO watched_file (place, model, file, mark, outcome, registered)
VALUES (:place, :model, :file, :mark, :outcome, :registered)
ON CONFLICT (place, model, file) DO UPDATE
SET mark = excluded.mark, outcome = excluded.outcome, registered = excluded.registered, created_at = now()
"""
