"""What a blob store answers instead of bytes: nothing under this key, other bytes, no room, or nothing at all."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
# MinIO's disk and its bucket's quota, Ceph's quota, Amazon FSx. SeaweedFS and JuiceFS say InternalError, as of all.
FULL_CODES = ("XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientCapacity")
INSUFFICIENT_STORAGE = 507


class BlobMissing(KeyError):
    """There is no blob under this key."""

    def __str__(self) -> str:
        return f"there is no blob {self.args[0]!r}"


class BlobDamaged(BlobMissing):
    """What is under this key is not what was put there."""

    def __str__(self) -> str:
        return f"the blob {self.args[0]!r} is damaged ({self.args[1]})"


class BlobsUnavailable(RuntimeError):
    """The store does not answer, or refuses: what was asked may do later."""


class BlobsFull(BlobsUnavailable):
    """The store has no room."""


@contextmanager
def damage(key: str) -> Iterator[None]:
    """Whatever makes our own bytes unreadable has happened to them in the store. Raises BlobDamaged."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise BlobDamaged(key, str(error) or type(error).__name__) from error


@contextmanager
def folder_errors(root: Path) -> Iterator[None]:
    """Say in a sentence what the file system refuses below a folder. Raises BlobsUnavailable, BlobsFull."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        if error.errno in FULL:
            raise _full(str(root), why) from error
        remedy = "see that it is mounted, and that this user may write there"
        raise BlobsUnavailable(f"the blob store {root} cannot be used ({why}): {remedy}") from error


@contextmanager
def s3_errors(place: str) -> Iterator[None]:
    """Say in a sentence what boto3 could not do there. Raises BlobsUnavailable, BlobsFull.

    Its own words are left out but for names: they quote the address, which may hold a password.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  slow, and a folder does not need it
    from botocore.parsers import ResponseParserError  # noqa: PLC0415

    remedy = "see that the server runs, and check AWS_ENDPOINT_URL_S3 and the credentials"
    try:
        yield
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        why = f"HTTP status {status}" if code == str(status) else f"{code}, HTTP status {status}"
        if code in FULL_CODES or status == INSUFFICIENT_STORAGE:
            raise _full(place, why) from error
        raise BlobsUnavailable(f"the blob store {place} refuses ({why}): {remedy}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise BlobsUnavailable(f"the blob store {place} does not answer ({type(error).__name__}): {remedy}") from error


def http_status(error: BaseException | None) -> int | None:
    """The status of an answer that boto3 raises; None of anything else."""
    status: int | None = getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status


def _full(place: str, why: str) -> BlobsFull:
    return BlobsFull(f"the blob store {place} is full ({why}): make room there")
