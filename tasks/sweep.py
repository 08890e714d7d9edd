"""Sweep: hand out again what made no progress in time, whether a message was lost or a machine died."""

import logging
from collections.abc import Sequence

from storage.blob_errors import BlobsUnavailable
from storage.blobs import try_out
from storage.keys import model_key
from storage.pauses import Paused
from storage.settings import settings
from tasks.app import app
from tasks.messages import hint, publish, words
from tasks.runtime import ledger, notices, pauses
from tasks.steps import IdsTask

logger = logging.getLogger(__name__)


@app.task(name="sweep", base=IdsTask)
def sweep() -> None:
    """Publish again every step whose lease has run out, or give it up; have it told which audits have ended.

    Audits that are paused go on as soon as the blob store takes and gives back bytes.
    """
    overdue = ledger().overdue()
    publish(overdue)
    for step in {step.explanation: step for step in overdue}.values():
        logger.warning("handed out again, as nothing came of its %s in time: %s", step.task, words(step))
    ledger().settle()
    if settings().webhook_url and notices().due():
        hint("notify")
    paused = pauses().all()
    if paused and _works(paused) and (lifted := pauses().lift([one.audit for one in paused])):
        logger.warning("the blob store works again: audits %s go on", ", ".join(map(str, lifted)))
        publish(ledger().overdue())
        ledger().settle()
        hint("produce")


def _works(paused: Sequence[Paused]) -> bool:
    try:
        try_out(settings().blobs, [model_key(one.model) for one in paused])
    except BlobsUnavailable as error:
        logger.info("still paused: %s", error)
        return False
    return True
