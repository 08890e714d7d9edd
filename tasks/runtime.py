"""What a worker process holds: made on first use in the process itself, never before a fork."""

import os
from functools import lru_cache

from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.model.pace import Pace, find_pace
from pipeline.scene.scene import Scene
from pipeline.staging import unpack
from storage.archive import Archive
from storage.blobs import Blobs, open_blobs
from storage.comparisons import Comparisons
from storage.database import connect
from storage.keys import scene_key
from storage.ledger import Ledger
from storage.notices import Notices
from storage.paces import Paces
from storage.pauses import Pauses
from storage.policies import Policies
from storage.registry import Registry
from storage.schedules import Schedules
from storage.settings import settings
from tasks.device import device


@lru_cache(maxsize=1)
def ledger() -> Ledger:
    """The ledger."""
    here = settings()
    return Ledger(connect(here.database_url, here.lease_seconds), here.lease_seconds, here.attempts)


def notices() -> Notices:
    """The notices of audits that have ended."""
    return Notices(ledger().engine)


def pauses() -> Pauses:
    """The audits that are paused."""
    return Pauses(ledger().engine)


@lru_cache(maxsize=1)
def blobs() -> Blobs:
    """The blob store. A step that it does not answer is itself tried again."""
    return open_blobs(settings().blobs, attempts=3)


@lru_cache(maxsize=1)
def archive() -> Archive:
    """The archive of photographs."""
    return Archive(ledger().engine, blobs())


def registry() -> Registry:
    """The registry of models."""
    return Registry(ledger().engine, blobs())


def comparisons() -> Comparisons:
    """The comparisons of audits."""
    here = settings()
    return Comparisons(ledger().engine, here.lease_seconds, here.attempts, here.change_distance)


def policies() -> Policies:
    """The policies."""
    return Policies(ledger().engine)


def schedules() -> Schedules:
    """The schedules."""
    return Schedules(ledger().engine)


@lru_cache(maxsize=2)
def model(number: int) -> Model:
    """A model, its file included."""
    return registry().load(number)


@lru_cache(maxsize=2)
def black_box(number: int) -> BlackBox:
    """A model's ONNX Runtime session."""
    here = settings()
    box = BlackBox(model(number), threads=here.threads, providers=here.providers.split(","))
    box.batch = here.batch or _pace(number, box).batch
    return box


def _pace(number: int, box: BlackBox) -> Pace:
    """The model's pace on this device, measured if nobody has yet."""
    paces, where = Paces(ledger().engine), device(settings())
    return paces.find(number, where) or paces.keep(number, where, find_pace(model(number), box))


@lru_cache(maxsize=8)
def scene(digest: str) -> Scene:
    """A scene: its parts come one after another."""
    return unpack(blobs().get(scene_key(digest)))


def _forget() -> None:
    for held in (ledger, blobs, archive, model, black_box, scene):
        held.cache_clear()


# A worker's parent uses the ledger too, when it fails a task at the hard time limit; the child it forks in the place
# of the one killed must not share its connection.
os.register_at_fork(after_in_child=_forget)
