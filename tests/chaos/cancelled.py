"""An audit cancelled in mid-flight, and resumed."""

import time
from dataclasses import dataclass

import numpy as np

from tests.chaos.fault import Broken, Missed
from tests.chaos.live_stack import Stage

TICKS_SECONDS = 2  # in which each beat asks twice for what is to be done
KEPT = """SELECT coalesce(array_agg(p.id), '{}') FROM part p WHERE p.scores IS NOT NULL"""
OPEN = """SELECT count(*) FROM part WHERE id = ANY(:kept)"""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """`audit cancel`, and when nothing moves any more, `audit resume`."""

    name: str = "cancel and resume"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """Work stops; after the resume no part is asked again whose scores were kept."""
        del dice
        try:
            stage.bench.audits.cancel(stage.audit)
        except ValueError as error:
            raise Missed("the audit was over") from error
        stage.wait(lambda: not stage.depths())  # nobody holds a task, and what was published is dropped as it comes
        kept, before = stage.value(KEPT), len(stage.charges.answered())
        time.sleep(TICKS_SECONDS)
        if len(stage.charges.answered()) > before or stage.progress().state != "cancelled":
            raise Broken("the cancelled audit went on")
        stage.bench.audits.resume(stage.audit)
        stage.mended()
        stage.wait(lambda: stage.value(OPEN, kept=kept) == 0)  # dropped when their explanations are done
        asked = {line.part for line in stage.charges.answered()[before:]}
        if again := asked & set(kept):  # type: ignore[call-overload]
            raise Broken(f"{len(again)} parts of {len(kept)} were computed again")


FAULTS = (Cancelled(),)
