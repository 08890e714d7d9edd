"""What the commands work on: the stores of the settings."""

from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from storage.archive import Archive
from storage.audits import Audits
from storage.blobs import Blobs, open_blobs
from storage.comparisons import Comparisons
from storage.database import connect, with_driver
from storage.ledger import Ledger
from storage.marks import Marks
from storage.policies import Policies
from storage.registry import Registry
from storage.schedules import Schedules
from storage.settings import SettingsError, settings
from storage.tokens import Tokens
from storage.watched import Watched

if TYPE_CHECKING:
    from pipeline.answer.selection import Selection
    from storage.gallery import Gallery


def database_url() -> str:
    """The database's address. Raises SettingsError if it is not Postgres's."""
    url = settings().database_url
    if not with_driver(url).startswith("postgresql+psycopg://"):
        raise SettingsError("DATABASE_URL is not Postgres's: expected postgresql://user:password@host/database")
    return url


@lru_cache(maxsize=1)
def engine() -> Engine:
    return connect(database_url())


@lru_cache(maxsize=1)
def blobs() -> Blobs:
    return open_blobs(settings().blobs)


def registry() -> Registry:
    return Registry(engine(), blobs())


def archive() -> Archive:
    return Archive(engine(), blobs())


def gallery(show: "Selection | None" = None) -> "Gallery":
    from pipeline.pictures import palette  # noqa: PLC0415 -- slow to import, as the next two
    from pipeline.pictures.rendering import Style  # noqa: PLC0415
    from storage.gallery import Gallery  # noqa: PLC0415

    return Gallery(archive(), Style(palette(settings().palette), show))


def tokens() -> Tokens:
    return Tokens(engine())


def audits() -> Audits:
    return Audits(engine())


def ledger() -> Ledger:
    return Ledger(engine())


def comparisons() -> Comparisons:
    return Comparisons(engine(), least_distance=settings().change_distance)


def marks() -> Marks:
    return Marks(engine())


def policies() -> Policies:
    return Policies(engine())


def schedules() -> Schedules:
    return Schedules(engine())


def watched() -> Watched:
    return Watched(engine())
