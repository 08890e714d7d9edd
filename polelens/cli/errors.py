"""Errors that a person can do something about, in one sentence each."""

import redis
from alembic.util import CommandError
from botocore.exceptions import BotoCoreError, ClientError
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from pipeline.model.precision import Unprovided
from polelens.cli.text import printable
from polelens.stack import StackError, is_down
from storage.blob_errors import BlobMissing, BlobsUnavailable
from storage.settings import DOWN, settings

NO_SUCH_TABLE, NO_SUCH_COLUMN = "42P01", "42703"


def sentence(error: Exception) -> str | None:
    """What to say of an error; None for one that nobody foresaw, whose traceback is worth reading."""
    if isinstance(error, StackError):
        return str(error)  # with the end of a log, on lines of its own
    silent = isinstance(error, OperationalError | redis.ConnectionError | BrokerError)
    told = DOWN if silent and is_down(settings()) else _told(error)
    return None if told is None else printable(told)


def _told(error: Exception) -> str | None:
    if isinstance(error, ValueError | BlobMissing | BlobsUnavailable | Unprovided):
        # a word of the command line whose bytes are no UTF-8 shows when it is to be sent
        return f"{error.object!r} is not text in UTF-8" if isinstance(error, UnicodeEncodeError) else str(error)
    if isinstance(error, SQLAlchemyError | CommandError):
        return _postgres(error)
    if isinstance(error, redis.RedisError | BrokerError):
        return f"Redis: {_first(error)}; `polelens doctor` says more"
    if isinstance(error, BotoCoreError | ClientError):
        return f"S3: {_first(error)}; check AWS_ENDPOINT_URL_S3 and the credentials"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    return None


def _postgres(error: Exception) -> str:
    cause = (error.orig if isinstance(error, DBAPIError) else None) or error
    if getattr(cause, "sqlstate", None) in (NO_SUCH_TABLE, NO_SUCH_COLUMN):
        return f"Postgres: {_first(cause)}; `polelens migrate` brings the database to the newest schema"
    return f"Postgres: {_first(cause)}; `polelens doctor` says more"


def _first(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
