"""Bytes under keys: a folder, or a bucket of an S3 server."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

PLAIN = "application/octet-stream"


class BlobMissing(KeyError):
    """There is no blob under this key."""

    def __str__(self) -> str:
        return f"there is no blob {self.args[0]!r}"


class Blobs(Protocol):
    """A store of bytes. A key is a relative path such as `scenes/ab12.npz`; putting the same twice changes nothing.

    A key is either a blob or the beginning of others' path, not both: `a` and `a/b` do not go together. Every method
    raises ValueError for a key that is no such path.
    """

    def put(self, key: str, data: bytes, media_type: str = PLAIN) -> None:
        """Store bytes, wholly or not at all, in the place of what was there."""

    def get(self, key: str) -> bytes:
        """The bytes. Raises BlobMissing."""

    def exists(self, key: str) -> bool:
        """Whether there are bytes under the key."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that begin with a prefix, sorted."""

    def delete(self, key: str) -> None:
        """Remove the bytes, if there are any."""


def open_blobs(location: str) -> Blobs:
    """The store at a location: a folder's path, or s3://bucket/prefix. Raises ValueError for any other."""
    if "://" not in location:
        return FolderBlobs(Path(location))
    bucket, prefix = _bucket_and_prefix(location)
    return S3Blobs(bucket, prefix, s3_client())


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


def s3_client() -> Any:
    """A client of S3, or of the server that AWS_ENDPOINT_URL_S3 names, with boto3's usual chain of credentials."""
    import boto3  # noqa: PLC0415  slow to import, and a folder does not need it
    from botocore.config import Config  # noqa: PLC0415

    config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=60)
    # A session of its own: boto3's default one keeps the credentials that the environment had at first.
    return boto3.session.Session().client("s3", config=config)


class FolderBlobs:
    """Blobs as files below one folder, which no key leaves."""

    def __init__(self, root: Path) -> None:
        self._root = root.expanduser().resolve()

    def put(self, key: str, data: bytes, media_type: str = PLAIN) -> None:
        """Store bytes: a crash leaves the old ones, the new ones, or none, and never a part."""
        path = self._path(key)
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

    def get(self, key: str) -> bytes:
        """The bytes. Raises BlobMissing."""
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise BlobMissing(key) from None

    def exists(self, key: str) -> bool:
        """Whether there are bytes under the key."""
        return self._path(key).is_file()

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that begin with a prefix, sorted."""
        start = self._path(prefix.rpartition("/")[0]) if "/" in prefix else self._root
        files = (path for path in start.rglob("*") if path.is_file() and not path.name.startswith("."))
        found = (path.relative_to(self._root).as_posix() for path in files)
        yield from sorted(key for key in found if key.startswith(prefix))

    def delete(self, key: str) -> None:
        """Remove the bytes, if there are any."""
        try:
            self._path(key).unlink(missing_ok=True)
        except (IsADirectoryError, NotADirectoryError, PermissionError):
            if self.exists(key):
                raise

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
        self._client.put_object(**self._object(key), Body=data, ContentType=media_type)

    def get(self, key: str) -> bytes:
        """The bytes. Raises BlobMissing."""
        try:
            return bytes(self._client.get_object(**self._object(key))["Body"].read())
        except self._client.exceptions.NoSuchKey:
            raise BlobMissing(key) from None

    def exists(self, key: str) -> bool:
        """Whether there are bytes under the key."""
        try:
            self._client.head_object(**self._object(key))
        except self._client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def keys(self, prefix: str = "") -> Iterator[str]:
        """All keys that begin with a prefix, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        for page in pages:
            for found in page.get("Contents", ()):
                yield found["Key"].removeprefix(self._prefix)

    def delete(self, key: str) -> None:
        """Remove the bytes, if there are any."""
        self._client.delete_object(**self._object(key))

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + _checked(key)}


def _checked(key: str) -> str:
    """The key, if every part of it is the plain name of a file: not empty, not hidden, so neither `.` nor `..`."""
    if any(not part or part.startswith(".") for part in key.split("/")) or "\\" in key or not key.isprintable():
        raise ValueError(f"blobs: {key!r} is not a relative path of plain names")
    return key


def _sync_folder(folder: Path) -> None:
    """Have the file's new name survive a power cut, as its bytes do."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
