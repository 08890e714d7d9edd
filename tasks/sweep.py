"""Sweep: hand out again what made no progress in time, whether a message was lost or a machine died."""

import logging
from collections.abc import Sequence

from storage.blob_errors import BlobsUnavailable
from storage.blob_trial import try_out
from storage.blobs import open_blobs
from storage.keys import model_key
from storage.pauses import Paused
from storage.progress import keep
from storage.settings import settings
from tasks.app import app
from tasks.messages import hint, logged, publish, words
from tasks.runtime import ledger, notices, pauses
from tasks.steps import IdsTask

logger = logging.getLogger(__name__)


@app.task(name="sweep", base=IdsTask)
def sweep() -> None:
    """Publish again every step whose lease has run out, or give it up; have it told which audits have ended.

    What audits that have ended come to is counted, so that nobody who lists them waits for it.

    Audits that are paused go on as soon as the blob store takes and gives back bytes, and has their model.
    """
    overdue = ledger().overdue()
    publish(overdue)
    for step in {step.explanation: step for step in overdue}.values():
        told = f"{logged(words(step))} explanation={step.explanation}"
        logger.warning("handed out again, as nothing came of its %s in time: %s", step.task, told)
    ledger().settle()
    keep(ledger().engine)
    if settings().webhook_url and notices().due():
        hint("notify")
    rested = [one for one in pauses().all() if one.rested]
    if rested and (lifted := pauses().lift(_served(rested, settings().blobs))):
        logger.warning("the blob store works again: audits %s go on", ", ".join(map(str, lifted)))
        publish(ledger().overdue())
        ledger().settle()
        hint("produce")


def _served(paused: Sequence[Paused], where: str) -> list[int]:
    """The numbers of those that the blob store can serve: it works, and it has what every step of theirs needs."""
    try:
        try_out(where)
        store = open_blobs(where, attempts=1)
        return [one.audit for one in paused if store.exists(model_key(one.model))]
    except BlobsUnavailable as error:
        logger.info("still paused: %s", error)
        return []
