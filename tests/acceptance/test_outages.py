"""What an audit of thirty photographs survives of its services: each outage once, and the numbers are those of calm.

What lasts twenty seconds in `make chaos` lasts a few here.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.chaos.fault import Fault
from tests.chaos.live_stack import Stage, raised
from tests.chaos.outages import FAULTS, Misbehaving

SECONDS = 5.0


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A stage for all outages, one after another; as no process dies, no photograph may be given up."""
    with raised(attempts=3) as stage:
        yield stage


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_an_audit_survives(fault: Fault, stage: Stage) -> None:
    """Every photograph is done, once, with the numbers of an undisturbed run, and nothing is left over."""
    stage.start_audit()
    stage.await_done(2)
    assert not stage.over()
    dice = np.random.Generator(np.random.Philox(5))
    (replace(fault, seconds=SECONDS) if isinstance(fault, Misbehaving) else fault).strike(stage, dice)
    stage.await_end()
    stage.assert_undisturbed()
