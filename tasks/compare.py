"""Compare: two audits that have ended, photograph by photograph, a minute's worth in one task."""

import time

from storage.blob_errors import BlobMissing, BlobsUnavailable
from storage.comparer import Comparer
from tasks import runtime
from tasks.app import app
from tasks.steps import IdsTask, outage

MINUTE = 60.0  # seconds of one task: it must end long before its time limit, and let others in between


@app.task(name="compare", base=IdsTask, ids=1)
def compare_audits(number: int) -> None:
    """Go on with a comparison for a minute; whoever brings the last page concludes it."""
    comparer = Comparer(runtime.comparisons(), runtime.registry(), runtime.blobs())
    if not comparer.comparisons.begin(number):
        return
    try:
        one, began = comparer.comparisons.get(number), time.monotonic()
        for _ in comparer.pages(one):
            if time.monotonic() - began > MINUTE:
                publish(number)
                return
        comparer.conclude(one)
    except ValueError as error:
        comparer.comparisons.fail(number, str(error))
    except (BlobsUnavailable, BlobMissing) as error:
        if isinstance(error, BlobMissing) and outage(comparer.model(number)) is None:
            comparer.comparisons.fail(number, str(error))
            return
        comparer.comparisons.forgive(number)
        raise


def publish(number: int) -> None:
    """Ask for a comparison; if the message gets lost, the schedule's tick asks again."""
    app.send_task("compare", args=[number], queue="control", argsrepr=f"comparison={number}", kwargsrepr="")
