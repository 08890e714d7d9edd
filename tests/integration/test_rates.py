"""Rates: how fast a model was seen to be answered is one number for each precision."""

import pytest

from pipeline.model.pace import Pace
from pipeline.model.precision import Precision
from pipeline.recipe import Recipe
from storage import monitoring
from storage.monitoring import ModelRate
from storage.paces import Paces, told
from storage.settings import Settings
from tasks import parts
from tests.played_ledger import PROBE, Desk, attribution, rows


def _explained(desk: Desk, name: str, precision: Precision, seconds: float) -> None:
    """A photograph, of ten evaluations in three parts of so many seconds each."""
    desk.photographs(name)
    desk.audits.start(desk.model, Recipe("default", precision=precision), name)
    [step] = desk.ledger.produce(64)
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    for one in desk.ledger.open_round(job, "scene", PROBE, 4):
        part = desk.take(one)
        desk.ledger.record_part(part, rows(part), seconds)
    claimed = desk.ledger.claim_reduction(job.id)
    assert claimed is not None
    assert desk.ledger.finish(claimed, attribution("no"))


def test_audits_in_two_precisions_have_two_rates(desk: Desk) -> None:
    """Neither moves the other, each is a moving average, and both are in the metrics."""
    rate = desk.ledger.rate
    _explained(desk, "a", "bf16", 1)
    assert (rate(desk.model.id), rate(desk.model.id, "bf16")) == (None, pytest.approx(10 / 3))
    _explained(desk, "b", "f32", 5)
    assert (rate(desk.model.id), rate(desk.model.id, "bf16")) == (pytest.approx(10 / 15), pytest.approx(10 / 3))
    _explained(desk, "c", "bf16", 2)
    averaged = pytest.approx(0.8 * 10 / 3 + 0.2 * 10 / 6)
    assert (rate(desk.model.id), rate(desk.model.id, "bf16")) == (pytest.approx(10 / 15), averaged)
    assert monitoring.read(desk.engine).rates == [
        ModelRate("planted@1", "bf16", averaged),
        ModelRate("planted@1", "f32", pytest.approx(10 / 15)),
    ]


def test_parts_are_sized_for_the_precision_they_are_computed_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what audits in it were seen to have, else by its own warm-ups; in whole batches of those."""
    here = Settings(database_url="postgresql://nowhere/x", broker_url="redis://nowhere", blobs="/nowhere")
    monkeypatch.setattr(parts, "settings", lambda: here)
    paces = Paces(desk.engine)
    paces.keep(desk.model.id, "a processor", Pace(8, 100.0))
    paces.keep(desk.model.id, told("a processor", "bf16"), Pace(4, 202.0))
    assert [parts.size(desk.ledger, desk.model.id, one) for one in ("f32", "bf16", "f16")] == [200, 404, parts.FIRST]
    _explained(desk, "a", "bf16", 0.01)
    assert [parts.size(desk.ledger, desk.model.id, one) for one in ("f32", "bf16")] == [200, 664]
