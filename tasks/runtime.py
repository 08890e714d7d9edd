"""What a worker process holds: made on first use in the process itself, never before a fork."""

import json
import logging
import os
import time
from functools import lru_cache

from pipeline import methods
from pipeline.conversation.explainer import Explainer
from pipeline.explain import Read
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.model.model import Model
from pipeline.model.pace import Pace, find_pace
from pipeline.model.placed import placement
from pipeline.model.placement import Placement
from pipeline.model.precision import F32, ON_PROCESSOR, Precision
from pipeline.model.tried_provider import opened
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from storage.archive import Archive
from storage.blobs import Blobs, open_blobs
from storage.comparisons import Comparisons
from storage.database import connect
from storage.kept import Kept
from storage.ledger import Job, Ledger
from storage.notices import Notices
from storage.paces import Paces
from storage.pauses import Pauses
from storage.placements import Placements, Seen
from storage.policies import Policies
from storage.registry import Registry
from storage.scenes import read_scene
from storage.schedules import Schedules
from storage.settings import settings
from tasks.device import device

logger = logging.getLogger(__name__)

HOUR = 3600.0  # seconds after which it is said again what a worker runs on: who is gone says nothing more


@lru_cache(maxsize=1)
def ledger() -> Ledger:
    here = settings()
    return Ledger(connect(here.database_url, here.lease_seconds), here.lease_seconds, here.attempts)


def notices() -> Notices:
    return Notices(ledger().engine)


def pauses() -> Pauses:
    return Pauses(ledger().engine)


@lru_cache(maxsize=1)
def blobs() -> Blobs:
    return open_blobs(settings().blobs, attempts=3)  # few: a step that it does not answer is itself tried again


@lru_cache(maxsize=1)
def archive() -> Archive:
    return Archive(ledger().engine, blobs())


def kept() -> Kept:
    """The scores of earlier explanations."""
    return Kept(ledger().engine, blobs())


def registry() -> Registry:
    return Registry(ledger().engine, blobs())


def comparisons() -> Comparisons:
    here = settings()
    return Comparisons(ledger().engine, here.lease_seconds, here.attempts, here.change_distance)


def policies() -> Policies:
    return Policies(ledger().engine)


def schedules() -> Schedules:
    return Schedules(ledger().engine)


@lru_cache(maxsize=2)
def model(number: int) -> Model:
    return registry().load(number)


@lru_cache(maxsize=2)
def black_box(number: int, precision: Precision = F32) -> BlackBox:
    here = settings()
    box = opened(model(number), here.threads, here.providers.split(","), precision)
    box.batch = here.batch or _pace(number, box).batch
    return box


@lru_cache(maxsize=2)
def inside(number: int) -> Inside:
    """The inside of a model's network, which opens nothing before it is read."""
    here = settings()
    return Inside(model(number), threads=here.threads, providers=here.providers.split(","))


def read(number: int) -> Read:
    """What is read of the inside of a model's network; on a GPU so many pictures at once as are scored at once."""
    found, box = inside(number), black_box(number)
    if box.provider not in ON_PROCESSOR:
        found.batch = box.batch
    return found.read


def note_placement(number: int, precision: Precision, worker: str | None) -> None:
    """Have it written down, once an hour, what this worker runs a model on; where it is no worker, nothing."""
    if worker:
        _noted(number, precision, worker, int(time.time() // HOUR))


@lru_cache(maxsize=2)
def _noted(number: int, precision: Precision, worker: str, hour: int) -> None:
    del hour  # each is another
    try:
        found = _placement(number, precision)
    except Exception as error:  # a disk that is read-only, a profile of another version: no photograph's fault
        logger.warning("what the model runs on cannot be told: %s", error)
        return
    Placements(ledger().engine).keep(Seen(worker, number, precision, found))


@lru_cache(maxsize=2)
def _placement(number: int, precision: Precision) -> Placement:
    return placement(model(number), black_box(number, precision))


def _pace(number: int, box: BlackBox) -> Pace:
    """The model's pace on this device, measured if nobody has yet."""
    paces, where = Paces(ledger().engine), device(settings(), box.precision)
    return paces.find(number, where) or paces.keep(number, where, find_pace(model(number), box))


@lru_cache(maxsize=8)  # its parts come one after another
def scene(digest: str) -> Scene:
    return read_scene(blobs(), digest)


def explainer(job: Job) -> Explainer:
    """The explainer of a job's recipe and model; it remembers what it has worked out of the photographs in hand."""
    return _explainer(json.dumps(job.recipe, sort_keys=True), job.model)


@lru_cache(maxsize=4)
def _explainer(recipe: str, number: int) -> Explainer:
    asked = methods.looked_into(Recipe.from_json(json.loads(recipe)), inside(number))
    return methods.explainer(asked, model(number).labels, settings().thresholds)


def _forget() -> None:
    for held in (ledger, blobs, archive, model, black_box, _noted, _placement, inside, scene, _explainer):
        held.cache_clear()


# A worker's parent uses the ledger too, when it fails a task at the hard time limit; the child it forks in the place
# of the one killed must not share its connection.
os.register_at_fork(after_in_child=_forget)
