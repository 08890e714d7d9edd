"""Photographs that kill: every process that begins a step of one dies of it."""

from dataclasses import dataclass

import numpy as np

from tests.chaos.fault import Missed
from tests.chaos.live_stack import Stage

ATTEMPTS = 3
REASONS = {
    "prepare": f"preparing it killed its process {ATTEMPTS} times",
    "infer": f"inferring part 1 killed its process {ATTEMPTS} times",
    "reduce": f"reducing it killed its process {ATTEMPTS} times",
}


@dataclass(frozen=True, slots=True)
class Poisoned:
    """One photograph kills whoever prepares it, one whoever infers it, one whoever reduces it."""

    name: str = "three photographs that kill"

    def strike(self, stage: Stage, dice: np.random.Generator) -> None:
        """After so many dead processes they are failed with the reason and all others done; then they are cured."""
        stage.cast(attempts=ATTEMPTS)
        stage.value(
            "WITH p AS (UPDATE part SET attempts = 0) UPDATE explanation SET attempts = 0 RETURNING 1"
        )  # of others
        planned = stage.planned()
        if len(planned) < len(REASONS):
            stage.cast()
            raise Missed("too few photographs are left")
        chosen = [planned[i] for i in dice.choice(len(planned), len(REASONS), replace=False)]
        for (_, image), step in zip(chosen, REASONS, strict=True):
            stage.charges.poison(step, image)
        stage.await_end()
        stage.assert_undisturbed({name: reason for (name, _), reason in zip(chosen, REASONS.values(), strict=True)})
        stage.charges.cure()
        stage.cast()
        stage.bench.audits.resume(stage.audit)


FAULTS = (Poisoned(),)
