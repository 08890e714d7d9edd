"""What an audit of thirty photographs survives: each fault strikes for real, and the numbers are those of calm."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

from tests.chaos.cancelled import Cancelled
from tests.chaos.deliveries import FAULTS as DELIVERIES
from tests.chaos.failing import POINTS
from tests.chaos.fault import Fault, Missed
from tests.chaos.forgetting import Forgotten
from tests.chaos.kills import FROZEN, kill_pool, kill_worker
from tests.chaos.live_stack import WORKERS, Stage, raised
from tests.chaos.poison import Poisoned

KILLED = 50
SPARED = 3  # parts that a process may take before it is killed, of 270: the kills go on to the end of the audit
FAULTS = (*FROZEN, *DELIVERIES, Poisoned(), Forgotten())  # the others have tests of their own


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A stage for all faults, one after another."""
    with raised() as stage:
        yield stage


@pytest.fixture
def dice() -> np.random.Generator:
    """The same chance each time."""
    return np.random.Generator(np.random.Philox(5))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_an_audit_survives(fault: Fault, stage: Stage, dice: np.random.Generator) -> None:
    """Every photograph is done, once, with the numbers of an undisturbed run, and nothing is left over."""
    while True:
        stage.start_audit()
        stage.await_done(2)
        with suppress(Missed):
            fault.strike(stage, dice)
            break
        stage.await_end()
    stage.await_end()
    stage.assert_undisturbed()


def test_kill_9_fifty_times(stage: Stage, dice: np.random.Generator) -> None:
    """Pool processes and whole workers are killed again and again, spread over one audit."""
    stage.start_audit()
    kills = 0
    while kills < KILLED:
        assert not stage.over(), f"{kills} kills"
        time.sleep(0.05)
        worker = WORKERS[dice.integers(len(WORKERS))]
        taken = Counter(line.pid for line in stage.charges.diary() if line.what == "taken")
        for pid in stage.supervisor.children(worker):
            if taken[pid] >= SPARED:
                kills += 1
                kill_worker(stage, worker, dice) if dice.random() < 0.1 else kill_pool(pid)
    stage.await_end()
    stage.assert_undisturbed()


def test_death_at_every_fail_point(stage: Stage) -> None:
    """Before and after a blob is written, a step is committed and a message is published: each is met."""
    stage.start_audit()
    for point in POINTS:
        stage.charges.lay(point)
    stage.await_end()
    assert stage.charges.met() == dict.fromkeys(POINTS, 1)
    stage.assert_undisturbed()


def test_a_resumed_audit_computes_nothing_twice(stage: Stage, dice: np.random.Generator) -> None:
    """Counted: every part of an audit that was cancelled in mid-flight is answered once, before or after."""
    stage.cast(
        lease_seconds=60
    )  # for the rest of this file: so that no part is handed out twice because a machine is slow
    stage.start_audit()
    stage.await_done(5)
    Cancelled().strike(stage, dice)
    stage.await_end()
    answered = [line.part for line in stage.charges.answered()]
    assert len(answered) == len(set(answered)) == stage.counted("parts")
    stage.assert_undisturbed()
