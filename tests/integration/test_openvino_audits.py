"""An audit in bf16 by workers with OpenVINO, and by one without: `make openvino` runs these."""

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from benchmarks.subjects import demo_model
from pipeline.model.precision import OPENVINO, Unprovided
from pipeline.model.tried_provider import opened
from pipeline.recipes import recipe
from polelens.documents import explanation_document
from storage.audits import Explained
from tests.live_audits import Bench, pictures

pytestmark = pytest.mark.skipif(
    OPENVINO not in onnxruntime.get_available_providers(),
    reason="OpenVINO is not installed: `make openvino` runs this",
)


def test_an_audit_says_what_it_was_computed_in_and_workers_do_as_it_says(bench: Bench) -> None:
    """One in bf16 beside one in float32, by the same worker, whatever it would order itself: neither takes the other's
    answers over, and each has the numbers of its own precision."""
    try:
        opened(demo_model(), 1, [OPENVINO], "bf16")
    except Unprovided as reason:
        pytest.skip(str(reason))
    bench.environment |= {"POLELENS_PROVIDERS": OPENVINO, "POLELENS_PRECISION": "f16"}
    version, _ = bench.registry.add(demo_model())
    bench.photographs("lower", pictures(2, 224))
    bench.workers(1)
    few = {"samples": 64, "seeds": [1, 11], "judge": False}
    made = recipe("default").override(few)
    plain, lower = (bench.audit(version, "lower/*", **few, **more) for more in ({}, {"precision": "bf16"}))
    assert (bench.wait(plain).done, bench.wait(lower).done) == (2, 2)
    for one, other in zip(bench.results(plain), bench.results(lower), strict=True):
        alone = bench.explained_alone(version, one, made).labels[0].weights
        exact, rounded = (np.abs(_weights(row) - alone).max() for row in (one, other))
        assert exact < 1e-5 < rounded < 0.1
    told = [explanation_document(bench.audits.get(lower), row) for row in bench.results(lower)]
    assert {one["recipe"]["precision"] for one in told} == {"bf16"}
    with bench.audits.engine.begin() as c:
        devices = c.scalars(text("SELECT device FROM pace WHERE device NOT LIKE 'audits %'")).all()
    assert sorted(one.endswith(" in bf16") for one in devices) == [False, True]


def _weights(row: Explained) -> NDArray[np.float64]:
    assert row.attribution is not None
    return row.attribution.labels[0].weights
