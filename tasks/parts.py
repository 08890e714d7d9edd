"""How large a part is: one to a few seconds of inference, so that queueing costs little and a crash loses little."""

from pipeline.model.precision import Precision
from storage.ledger import Job, Ledger
from storage.paces import Paces
from storage.settings import settings
from tasks import runtime

FIRST = 128  # evaluations in a part before any rate of the model is known


def part_size(job: Job) -> int:
    """Evaluations in a part of a job's work, in whole batches."""
    return size(runtime.ledger(), job.model, job.precision)


def size(ledger: Ledger, model: int, precision: Precision) -> int:
    """The same by any ledger."""
    here = settings()
    if here.part_evaluations:
        return here.part_evaluations
    known = Paces(ledger.engine).largest(model, precision)
    rate = ledger.rate(model, precision) or (known and known.rate)
    wanted = int(rate * here.part_seconds) if rate else FIRST
    batch = here.batch or (known.batch if known else 1)
    return max(1, wanted // batch) * batch
