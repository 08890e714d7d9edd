"""GC: remove what nobody wants, a minute's worth in one task: first rows, then one part of the blobs after another."""

import logging
import time

from storage.blob_errors import BlobsUnavailable
from storage.forget.garbage import SHARDS, Garbage
from storage.forget.trail import act
from storage.settings import settings
from tasks import runtime
from tasks.app import app
from tasks.steps import IdsTask

MINUTE = 60.0  # seconds of one task: it must end long before its time limit, and let others in between

logger = logging.getLogger(__name__)


@app.task(name="gc", base=IdsTask, ids=1)
def gc(shard: int) -> None:
    """Remove what nobody wants from this part of the blob store on, for a minute, and ask for the rest.

    Where this process may not delete blobs they stay for one that may: `polelens gc` with a login of its own.
    """
    here, began = settings(), time.monotonic()
    garbage = Garbage(runtime.ledger().engine, runtime.blobs(), act("gc"), here.gc_grace_seconds)
    try:
        if shard == 0:
            garbage.rows()
        for number in range(shard, SHARDS):
            if time.monotonic() - began > MINUTE:
                publish(number)
                return
            garbage.shard(number)
    except BlobsUnavailable as error:
        logger.warning("garbage is left in the blob store for another time: %s", error)


def publish(shard: int) -> None:
    """Ask for the rest; if the message gets lost, beat asks for all of it anew."""
    app.send_task("gc", args=[shard], queue="control", expires=60, argsrepr=f"part={shard + 1}/{SHARDS}", kwargsrepr="")
