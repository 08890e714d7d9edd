"""What a worker process holds: made on first use in the process itself, never before a fork."""

import json
import os
from functools import lru_cache

from pipeline import methods
from pipeline.conversation.explainer import Explainer
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.model.pace import Pace, find_pace
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
from storage.policies import Policies
from storage.registry import Registry
from storage.scenes import read_scene
from storage.schedules import Schedules
from storage.settings import settings
from tasks.device import device


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
def black_box(number: int) -> BlackBox:
    here = settings()
    box = BlackBox(model(number), threads=here.threads, providers=here.providers.split(","))
    box.batch = here.batch or _pace(number, box).batch
    return box


def _pace(number: int, box: BlackBox) -> Pace:
    """The model's pace on this device, measured if nobody has yet."""
    paces, where = Paces(ledger().engine), device(settings())
    return paces.find(number, where) or paces.keep(number, where, find_pace(model(number), box))


@lru_cache(maxsize=8)  # its parts come one after another
def scene(digest: str) -> Scene:
    return read_scene(blobs(), digest)


def explainer(job: Job) -> Explainer:
    """The explainer of a job's recipe and model; it remembers what it has worked out of the photographs in hand."""
    return _explainer(json.dumps(job.recipe, sort_keys=True), job.model)


@lru_cache(maxsize=4)
def _explainer(recipe: str, number: int) -> Explainer:
    return methods.explainer(Recipe.from_json(json.loads(recipe)), model(number).labels, settings().thresholds)


def _forget() -> None:
    for held in (ledger, blobs, archive, model, black_box, scene, _explainer):
        held.cache_clear()


# A worker's parent uses the ledger too, when it fails a task at the hard time limit; the child it forks in the place
# of the one killed must not share its connection.
os.register_at_fork(after_in_child=_forget)
