"""Compare: two audits that have ended, photograph by photograph, a minute's worth in one task."""

import time
from functools import partial

from storage.blob_errors import BlobMissing, BlobsUnavailable
from storage.comparer import Comparer
from storage.comparisons import Comparisons
from tasks import runtime
from tasks.app import app
from tasks.steps import REASON_CHARACTERS, IdsTask, is_outage, outage

MINUTE = 60.0  # seconds of one task: it must end long before its time limit, and let others in between
SENTENCES = (ValueError, BlobMissing)  # which say what is wrong by themselves


@app.task(name="compare", base=IdsTask, ids=1)
def compare_audits(number: int) -> None:
    """Go on with a comparison for a minute; whoever brings the last page concludes it.

    After an outage it is due again; any other error is its end, with the reason.
    """
    comparer = Comparer(runtime.comparisons(), runtime.registry(), runtime.blobs())
    if not comparer.comparisons.begin(number):
        return
    try:
        if not _goes_on(comparer, number):
            return
        comparer.comparisons.release(number)
        publish(number)
    except Exception as error:
        if _may_pass(comparer, number, error):
            IdsTask.forgiveness.forgive(partial(_forgive, comparer.comparisons, number))
            raise
        said = str(error) if isinstance(error, SENTENCES) else f"{type(error).__name__}: {error}"
        comparer.comparisons.fail(number, said[:REASON_CHARACTERS])


def publish(number: int) -> None:
    """Ask for a comparison; if the message gets lost, or comes late, the schedule's tick asks again."""
    app.send_task("compare", args=[number], queue="control", expires=60, argsrepr=f"comparison={number}", kwargsrepr="")


def _goes_on(comparer: Comparer, number: int) -> bool:
    """Compare for a minute; whether there is more to do."""
    one, began = comparer.comparisons.get(number), time.monotonic()
    for _ in comparer.pages(one):
        if time.monotonic() - began > MINUTE:
            return True
    comparer.conclude(one)
    return False


def _may_pass(comparer: Comparer, number: int, error: Exception) -> bool:
    """Whether an error is an outage: of Postgres, of Redis, or of the blobs, all of them and not one alone."""
    if isinstance(error, BlobMissing):
        return outage(comparer.model(number)) is not None
    return isinstance(error, BlobsUnavailable) or is_outage(error)


def _forgive(comparisons: Comparisons, number: int, holding: bool) -> None:
    del holding  # it is due again after the lease in any case
    comparisons.forgive(number)
