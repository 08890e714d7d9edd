"""Bytes under keys: a folder, or a bucket of an S3 server."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from socket import gethostname
from typing import Any, Protocol
from urllib.parse import urlsplit

from storage.blob_errors import BlobMissing, BlobsUnavailable, folder_errors, http_status, s3_errors
from storage.files import files, is_file, unfinished, write

PLAIN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob as the store lists it."""

    key: str
    bytes: int
    modified: float  # when it was put the last time, in seconds since the epoch, by the store's clock


class Blobs(Protocol):
    """A store of bytes. A key is a relative path such as `scenes/ab12.npz`; putting the same twice changes nothing.

    A key is either a blob or the beginning of others' path, not both: `a` and `a/b` do not go together. Every method
    raises ValueError for a key that is no such path, BlobsUnavailable if the store does not answer or refuses, and its
    kind BlobsFull if there is no room.
    """

    def put(self, key: str, data: bytes, media_type: str = PLAIN) -> None:
        """Store bytes, wholly or not at all, in the place of what was there."""

    def get(self, key: str) -> bytes:
        """The bytes. Raises BlobMissing."""

    def exists(self, key: str) -> bool:
        """Whether there are bytes under the key."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that begin with a prefix, sorted; those put or deleted meanwhile may be among them or not."""

    def stored(self, prefix: str = "") -> Iterator[Stored]:
        """All blobs whose keys begin with a prefix, by their keys; a page of them is held at once."""

    def delete(self, key: str) -> None:
        """Remove the bytes, if there are any."""

    def drop_unfinished(self, before: float) -> int:
        """Remove what writers killed before a time, in seconds since the epoch, have left; how many there were."""


def open_blobs(location: str, attempts: int = 5) -> Blobs:
    """The store at a location: a folder's path, or s3://bucket/prefix, which is asked so often until it answers.

    Raises ValueError for any other, and BlobsUnavailable for settings that boto3 can make nothing of.
    """
    if "://" not in location:
        return FolderBlobs(Path(location))
    bucket, prefix = _bucket_and_prefix(location)
    try:
        with s3_errors(location):
            return S3Blobs(bucket, prefix, s3_client(attempts))
    except ValueError:  # whose words quote the address, which may hold a password
        raise BlobsUnavailable(f"the blob store {location} has no address: check AWS_ENDPOINT_URL_S3") from None


def clear(store: Blobs, key: str) -> None:
    """Take bytes away as far as one may: who may not delete leaves an empty blob, for `polelens gc`."""
    try:
        store.delete(key)
    except BlobsUnavailable:
        with suppress(BlobsUnavailable):
            store.put(key, b"")


def may_list(location: str) -> bool:
    """Whether what is missing at a location can be told from what may not be read. Raises BlobsUnavailable."""
    store = open_blobs(location, attempts=1)
    return not isinstance(store, S3Blobs) or store.may_list


def make_bucket(location: str) -> None:
    """Make the bucket of s3://bucket/prefix unless it exists; a folder makes itself. Raises ValueError."""
    if "://" not in location:
        return
    bucket, client = _bucket_and_prefix(location)[0], s3_client()
    try:
        client.head_bucket(Bucket=bucket)
    except client.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        region = client.meta.region_name
        here = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client.create_bucket(Bucket=bucket, **here)


def _bucket_and_prefix(location: str) -> tuple[str, str]:
    url = urlsplit(location)
    if url.scheme != "s3" or not url.netloc or url.query or url.fragment:
        raise ValueError(f"blobs: {location!r} is neither a folder nor s3://bucket/prefix")
    return url.netloc, url.path.strip("/")


def s3_client(attempts: int = 5) -> Any:
    """A client of S3, or of the server that AWS_ENDPOINT_URL_S3 names, with boto3's usual chain of credentials."""
    import boto3  # noqa: PLC0415  slow to import, and a folder does not need it
    from botocore.config import Config  # noqa: PLC0415

    config = Config(retries={"mode": "standard", "max_attempts": attempts}, connect_timeout=5, read_timeout=30)
    # A session of its own: boto3's default one keeps the credentials that the environment had at first.
    return boto3.session.Session().client("s3", config=config)


class FolderBlobs:
    """Blobs as files below one folder, which no key leaves."""

    def __init__(self, root: Path) -> None:
        self._root = root.expanduser().resolve()

    def put(self, key: str, data: bytes, media_type: str = PLAIN) -> None:
        """Store bytes: a crash leaves the old ones, the new ones, or none, and never a part."""
        with folder_errors(self._root):
            write(self._path(key), data)

    def get(self, key: str) -> bytes:
        """The bytes. Raises BlobMissing."""
        with folder_errors(self._root):
            try:
                return self._path(key).read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                raise BlobMissing(key) from None

    def exists(self, key: str) -> bool:
        """Whether there are bytes under the key."""
        with folder_errors(self._root):
            return is_file(self._path(key))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that begin with a prefix, sorted."""
        for path in self._files(prefix):
            yield path.relative_to(self._root).as_posix()

    def stored(self, prefix: str = "") -> Iterator[Stored]:
        """All blobs whose keys begin with a prefix, by their keys."""
        for path in self._files(prefix):
            with folder_errors(self._root), suppress(FileNotFoundError):  # somebody has deleted it
                seen = path.stat()
                yield Stored(path.relative_to(self._root).as_posix(), seen.st_size, seen.st_mtime)

    def _files(self, prefix: str) -> Iterator[Path]:
        start = self._path(prefix.rpartition("/")[0]) if "/" in prefix else self._root
        with folder_errors(self._root):
            for path in files(start):
                if path.relative_to(self._root).as_posix().startswith(prefix):
                    yield path

    def delete(self, key: str) -> None:
        """Remove the bytes, if there are any."""
        with folder_errors(self._root):
            try:
                self._path(key).unlink(missing_ok=True)
            except (IsADirectoryError, NotADirectoryError, PermissionError):
                if self.exists(key):
                    raise
                return
            if "/" in key:
                with suppress(OSError):  # it has other files, or is gone
                    self._path(key).parent.rmdir()

    def drop_unfinished(self, before: float) -> int:
        """Remove what writers that were killed have left."""
        with folder_errors(self._root):
            left = list(unfinished(self._root, before))
            for path in left:
                path.unlink(missing_ok=True)
        return len(left)

    def _path(self, key: str) -> Path:
        path = (self._root / _checked(key)).resolve()
        if not path.is_relative_to(self._root):
            raise ValueError(f"blobs: {key!r} leads out of {self._root}")
        return path


class S3Blobs:
    """Blobs as objects of a bucket, below a prefix."""

    def __init__(self, bucket: str, prefix: str, client: Any) -> None:
        self._bucket, self._prefix, self._client = bucket, f"{prefix}/" if prefix else "", client

    def put(self, key: str, data: bytes, media_type: str = PLAIN) -> None:
        """Store bytes in the place of what was there."""
        with self._errors():
            self._client.put_object(**self._object(key), Body=data, ContentType=media_type)

    def get(self, key: str) -> bytes:
        """The bytes. Raises BlobMissing."""
        with self._errors():
            try:
                return bytes(self._client.get_object(**self._object(key))["Body"].read())
            except self._client.exceptions.ClientError as error:
                if self._is_missing(error):
                    raise BlobMissing(key) from None
                raise

    def exists(self, key: str) -> bool:
        """Whether there are bytes under the key."""
        with self._errors():
            try:
                self._client.head_object(**self._object(key))
            except self._client.exceptions.ClientError as error:
                if self._is_missing(error):
                    return False
                raise
        return True

    @cached_property
    def may_list(self) -> bool:
        """Whether the credentials may list the bucket: S3 says 403, not 404, of a missing key to who may not.

        Raises BlobsUnavailable if they may not get what they have put either.
        """
        absent, trial = (f"trial/{gethostname()}-{os.getpid()}-{kind}" for kind in ("absent", "rights"))
        try:
            with self._errors():
                self._client.head_object(**self._object(absent))
        except BlobsUnavailable as error:
            status = http_status(error.__cause__)
            if status == 404:
                return True
            if status != 403:
                raise
        with self._errors():
            self._client.put_object(**self._object(trial), Body=b"?")
            self._client.get_object(**self._object(trial))["Body"].read()
        clear(self, trial)
        return False

    def _is_missing(self, error: Exception) -> bool:
        """Whether an answer says that there is no such key."""
        status, code = http_status(error), getattr(error, "response", {}).get("Error", {}).get("Code")
        return (
            code == "NoSuchKey" or (code != "NoSuchBucket" and status == 404) or (status == 403 and not self.may_list)
        )

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that begin with a prefix, sorted."""
        return (one.key for one in self.stored(prefix))

    def stored(self, prefix: str = "") -> Iterator[Stored]:
        """All blobs whose keys begin with a prefix, by their keys."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        with self._errors():
            for page in pages:
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self._prefix)
                    yield Stored(key, found["Size"], found["LastModified"].timestamp())

    def delete(self, key: str) -> None:
        """Remove the bytes, if there are any."""
        with self._errors():
            self._client.delete_object(**self._object(key))

    def drop_unfinished(self, before: float) -> int:
        """Nothing: an object is there when all of it is, and a writer that is killed leaves none."""
        del before
        return 0

    def _errors(self) -> AbstractContextManager[None]:
        """Errors name the bucket and the server, without a login that its address may have in it."""
        server = urlsplit(self._client.meta.endpoint_url).netloc.rpartition("@")[2]
        return s3_errors(f"s3://{self._bucket}/{self._prefix} at {server}")

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + _checked(key)}


def _checked(key: str) -> str:
    """The key, if every part of it is the plain name of a file: not empty, not hidden, so neither `.` nor `..`."""
    if any(not part or part.startswith(".") for part in key.split("/")) or "\\" in key or not key.isprintable():
        raise ValueError(f"blobs: {key!r} is not a relative path of plain names")
    return key
