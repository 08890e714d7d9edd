"""Workers that can be made to fail: `celery -A tests.chaos.failing worker`. The real ones, while no charge is laid.

Every function that a fail-point stands around is the real one, with a look into the folder of charges before and after.
"""

import os
import random
from collections.abc import Iterable
from functools import wraps
from pathlib import Path
from typing import Any

from storage import ledger
from storage.blobs import S3Blobs
from storage.ledger import Ledger, Step
from tasks import app, infer, messages, prepare, produce, reduce, sweep
from tests.chaos.charges import FOLDER, Charges

__all__ = ["APP", "POINTS", "app"]

APP = "tests.chaos.failing"
LATE_SECONDS = 2  # a message's second copy comes up to so much later

# A blob's writing, the commits, a place in the middle of a transaction, and publishing.
_GUARDED = (
    (S3Blobs, "put"),
    (Ledger, "open_round"),
    (Ledger, "record_part"),
    (Ledger, "finish"),
    (ledger, "count_done"),
    (app, "send_task"),
)
POINTS = tuple(f"{side}-{name}" for _, name in _GUARDED for side in ("before", "after"))
_STEPS = {"begin": "prepare", "take_part": "infer", "claim_reduction": "reduce"}


def _guard(charges: Charges, owner: Any, name: str) -> None:
    """Set a fail-point before and one after a function."""
    real = getattr(owner, name)

    @wraps(real)
    def guarded(*args: Any, **named: Any) -> Any:
        charges.meet(f"before-{name}")
        answer = real(*args, **named)
        charges.meet(f"after-{name}")
        return answer

    setattr(owner, name, guarded)


def _poison(charges: Charges, name: str) -> None:
    """Have a process die of a photograph once its attempt is counted."""
    real = getattr(Ledger, name)

    @wraps(real)
    def tasting(*args: Any) -> Any:
        taken = real(*args)
        job, part = taken if isinstance(taken, tuple) else (taken, None)
        if job is not None and (part is None or part.key.number == 0):  # the first part is enough
            charges.taste(_STEPS[name], job.image)
        return taken

    setattr(Ledger, name, tasting)


def _keep_a_diary(charges: Charges) -> None:
    """Have it written down when a part was taken, when it was answered, and when an explanation was finished."""
    take_part, record_part, finish = Ledger.take_part, Ledger.record_part, Ledger.finish

    def taking(self: Ledger, key: Any) -> Any:
        taken = take_part(self, key)
        if taken is not None:
            charges.write("taken", key.id, taken[1].row)
        return taken

    def recording(self: Ledger, part: Any, scores: Any, seconds: float) -> list[Step]:
        steps = record_part(self, part, scores, seconds)
        charges.write("answered", part.key.id, part.row)
        return steps

    def finishing(self: Ledger, job: Any, attribution: Any) -> bool:
        kept = finish(self, job, attribution)
        charges.write("finished", job.id)
        return kept

    Ledger.take_part, Ledger.record_part, Ledger.finish = taking, recording, finishing  # type: ignore[method-assign]


def _twice(charges: Charges) -> None:
    """Publish everything twice, the second time a little late, and steps in any order, while the charges say so."""
    send = app.send_task

    def sending(*args: Any, **named: Any) -> Any:
        sent = send(*args, **named)
        if charges.is_twice():
            send(*args, **named | {"countdown": LATE_SECONDS * random.random()})  # noqa: S311
        return sent

    def publishing(steps: Iterable[Step]) -> None:
        steps = list(steps)
        messages.publish(random.sample(steps, len(steps)) if charges.is_twice() else steps)

    app.send_task = sending
    for module in (produce, prepare, infer, reduce, sweep):
        module.publish = publishing  # type: ignore[attr-defined]


def _rig(charges: Charges) -> None:
    for owner, name in _GUARDED:
        _guard(charges, owner, name)
    for name in _STEPS:
        _poison(charges, name)
    _keep_a_diary(charges)
    _twice(charges)


if FOLDER in os.environ:
    _rig(Charges(Path(os.environ[FOLDER])))
