"""Paces: measured once for a model and a device, and used by every worker on it."""

import numpy as np

from pipeline.model.pace import Pace
from storage.paces import Paces
from tests.live_audits import Bench, pictures
from tests.models import additive
from tests.played_ledger import Desk


def test_the_first_pace_of_a_model_on_a_device_stays(desk: Desk) -> None:
    """Workers that measure at once agree; another device has its own."""
    paces = Paces(desk.engine)
    assert paces.find(desk.model.id, "one") is None
    assert paces.largest(desk.model.id) is None
    assert paces.keep(desk.model.id, "one", Pace(4, 100.0)) == Pace(4, 100.0)
    assert paces.keep(desk.model.id, "one", Pace(8, 90.0)) == Pace(4, 100.0)
    assert paces.keep(desk.model.id, "two", Pace(64, 50.0)) == Pace(64, 50.0)
    assert paces.find(desk.model.id, "one") == Pace(4, 100.0)
    assert paces.largest(desk.model.id) == Pace(64, 100.0)


def test_a_worker_measures_its_pace_and_remembers_it(shared_bench: Bench) -> None:
    """By the warm-up at the model's first part."""
    version = shared_bench.model(additive(np.full((32, 32), 1e-7), bias=0.1), "yes", "no", name="paced")
    shared_bench.photographs("paced", pictures(1))
    number = shared_bench.audit(version, "paced/*", samples=8, seeds=[1], judge=False)
    shared_bench.wait(number)
    found = Paces(shared_bench.audits.engine).largest(version.id)
    assert found is not None
    assert found.rate > 0
