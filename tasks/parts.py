"""How large a part is: one to a few seconds of inference, so that queueing costs little and a crash loses little."""

from storage.settings import settings
from tasks.runtime import ledger

FIRST = 128  # evaluations in a part before any rate of the model is known


def part_size(model: int) -> int:
    """Evaluations in a part of a model's work, in whole batches."""
    here = settings()
    if here.part_evaluations:
        return here.part_evaluations
    rate = ledger().rate(model)
    wanted = FIRST if rate is None else int(rate * here.part_seconds)
    return max(1, wanted // here.batch) * here.batch
