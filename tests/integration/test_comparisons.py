"""Comparisons in the database: page by page, again after a crash, and what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.answer.attribution import Attribution
from pipeline.change.comparison import compare
from pipeline.change.outcome import Tally
from pipeline.recipe import Recipe
from polelens.report.comparison import write_comparison
from storage.blobs import FolderBlobs
from storage.comparer import Comparer
from storage.comparisons import Comparisons
from storage.registry import Registry
from tests.played_ledger import Desk, attribution, model

NAMES = "abcde"
SEEDS = Recipe("default").seeds


def answered(seed: int) -> Attribution:
    """An answer of nine seeds, with weights that a number gives."""
    generator = np.random.Generator(np.random.Philox(seed))
    weights = generator.normal(size=5) + 0.1 * generator.normal(size=(9, 5))
    plain = attribution("yes")
    label = replace(plain.labels[0], weights=weights.mean(axis=0), weights_by_seed=weights)
    return replace(plain, labels=(label,))


def explain_all(desk: Desk, start: int) -> None:
    """Answer all that is planned, each photograph otherwise."""
    for number, step in enumerate(desk.ledger.produce(64)):
        job = desk.ledger.begin(step.explanation)
        assert job is not None
        from tests.played_ledger import PROBE  # noqa: PLC0415

        desk.answer(desk.ledger.open_round(job, "scene", PROBE, 5))
        claimed = desk.ledger.claim_reduction(job.id)
        assert claimed is not None
        assert desk.ledger.finish(claimed, answered(start + number))
    desk.ledger.settle()


@pytest.fixture
def comparer(desk: Desk, tmp_path) -> Comparer:
    """Audits 1 and 2 of five photographs under two models, done."""
    registry = Registry(desk.engine, FolderBlobs(tmp_path / "blobs"))
    desk.audit(*NAMES)
    explain_all(desk, 0)
    desk.audits.start(registry.add(model(onnx=b"retrained"))[0], Recipe("default"))
    explain_all(desk, 100)
    return Comparer(Comparisons(desk.engine), registry, FolderBlobs(tmp_path / "blobs"))


def test_a_comparison_goes_on_where_it_stopped(comparer: Comparer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each photograph is compared once, whatever the page, and judged when all are."""
    monkeypatch.setattr("storage.comparisons.PAGE", 2)
    one = comparer.comparisons.start(1, 2)
    pages = comparer.pages(one)
    assert next(pages) == 2
    assert list(comparer.pages(one)) == [2, 1]
    assert list(comparer.pages(one)) == []
    outcome = comparer.conclude(one)
    found = list(comparer.comparisons.compared(one.id))
    assert [row.name for row in found] == list(NAMES)
    assert outcome.counts.compared == len(NAMES)
    assert outcome.counts.changed == sum(bool(row.changed) for row in found) > 3
    kept = comparer.comparisons.get(one.id)
    assert (kept.state, kept.outcome) == ("done", outcome.to_json())
    assert comparer.comparisons.start(1, 2).id == one.id


def test_a_change_comes_back_as_it_was(comparer: Comparer) -> None:
    """Every figure, those that are not a number included; a model against itself is no change."""
    one = comparer.comparisons.start(1, 2)
    change = replace(
        compare(answered(1), answered(2), (SEEDS, SEEDS)),
        spearman=math.nan,
        verdict_after=None,
        verdict_before="trusted",
    )
    comparer.comparisons.keep(one.id, [(1, change)])
    comparer.comparisons.keep(one.id, [(1, replace(change, distance=9.0))])
    [found] = comparer.comparisons.compared(one.id)
    assert repr(found.change) == repr(change)
    assert found.changed is None
    comparer.comparisons.finish(one.id, Tally(0.0).outcome("a", "b"))
    assert [row.changed for row in comparer.comparisons.compared(one.id)] == [False]


def test_a_change_counts_by_its_distance_too(comparer: Comparer) -> None:
    """What is nearer than the least distance is none, takes nothing from what the others are judged by, and both are
    kept; where nothing could be told, nothing is said."""
    far = replace(comparer, comparisons=replace(comparer.comparisons, least_distance=0.25))
    one = far.comparisons.start(1, 2)
    change = compare(answered(1), answered(2), (SEEDS, SEEDS))
    rows = [(0.3, 0.02), (0.2, 1e-9), (0.2, 1e-9), (0.3, 0.9), (0.2, math.nan)]
    kept = [(image, replace(change, distance=d, p_value=p)) for image, (d, p) in enumerate(rows, start=1)]
    far.comparisons.keep(one.id, kept)
    assert sorted(far.comparisons.p_values(one.id)) == [0.02, 0.9, 1, 1]
    far.comparisons.finish(one.id, Tally(0.02, 0.25).outcome("a", "b"))
    assert [row.changed for row in far.comparisons.compared(one.id)] == [True, False, False, False, None]
    assert (far.comparisons.get(one.id).outcome or {})["least_distance"] == 0.25


def test_a_comparison_of_an_earlier_version_stays_readable(comparer: Comparer, tmp_path) -> None:
    """Rows without a test and an outcome without a least distance: told by the rule that they were made by."""
    comparisons = comparer.comparisons
    one = comparisons.start(1, 2)
    change = compare(answered(1), answered(2), (SEEDS, SEEDS))
    comparisons.keep(one.id, [(1, change)])
    tally = Tally(0.05)
    tally.add(change)
    comparisons.finish(one.id, tally.outcome("a", "b"))
    page = write_comparison(comparisons, comparer.blobs, comparisons.get(one.id), tmp_path / "new").read_text()
    assert "lie at least 0.015 apart" in page
    assert "an F test of the differences under the seeds that both models share (Box 1954) on 1." in page
    with comparisons.engine.begin() as c:
        c.exec_driver_sql("UPDATE change SET test = NULL")
        c.exec_driver_sql("UPDATE comparison SET outcome = outcome - 'tests' - 'least_distance'")
    [found] = comparisons.compared(one.id)
    assert repr(found.change) == repr(replace(change, test=None))
    page = write_comparison(comparisons, comparer.blobs, comparisons.get(one.id), tmp_path / "report").read_text()
    assert "dealt to two groups at random" in page
    assert "apart, and by more than seeds" not in page


def test_the_foremost_are_the_changed_in_their_order(comparer: Comparer) -> None:
    """By distance, and by how far background reliance rose or fell; others are not among them."""
    one = comparer.comparisons.start(1, 2)
    change = compare(answered(1), answered(2), (SEEDS, SEEDS))
    for image, (distance, before, after, p) in enumerate(
        [(0.5, 0.2, 0.9, 0.01), (0.9, 0.2, 0.3, 0.01), (1.5, 0.0, 1.0, 0.9), (0.7, 0.9, 0.1, 0.01)], start=1
    ):
        made = replace(change, distance=distance, reliance_before=before, reliance_after=after, p_value=p)
        comparer.comparisons.keep(one.id, [(image, made)])
    comparer.comparisons.finish(one.id, Tally(0.05).outcome("a", "b"))
    orders = {"distance": "bda", "worse": "ab", "better": "d"}
    for order, names in orders.items():
        assert "".join(row.name for row in comparer.comparisons.foremost(one.id, order, 10)) == names
    assert len(comparer.comparisons.foremost(one.id, "distance", 2)) == 2


def test_only_what_both_audits_explained_is_compared(desk: Desk, comparer: Comparer) -> None:
    """A photograph that failed in one, or is in one only, is left out."""
    with desk.engine.begin() as c:
        c.exec_driver_sql("UPDATE explanation SET state = 'failed' WHERE id = 1")
        c.exec_driver_sql("DELETE FROM audit_explanation WHERE audit_id = 2 AND explanation_id = 7")
    one = comparer.comparisons.start(1, 2)
    assert list(comparer.pages(one)) == [3]
    assert [row.name for row in comparer.comparisons.compared(one.id)] == list("cde")


def test_what_cannot_be_compared_is_refused(desk: Desk, comparer: Comparer) -> None:
    """An audit that is not there or not done, one with itself, and another recipe's."""
    desk.audits.start(desk.model, Recipe("default", fill="black"))
    comparisons = comparer.comparisons
    for pair, told in (
        ((1, 99), "there is no audit 99"),
        ((1, 3), "audit 3 is running; only audits that are done"),
        ((2, 2), "audit 2 is given twice"),
    ):
        with pytest.raises(ValueError, match=told):
            comparisons.start(*pair)
    explain_all(desk, 0)
    with pytest.raises(ValueError, match="recipes differ in fill"):
        comparisons.start(1, 3)
    assert comparisons.all() == []


def test_what_kills_its_process_is_given_up(desk: Desk, comparer: Comparer) -> None:
    """After so many beginnings without a page; each page that is kept begins the count anew."""
    one = comparer.comparisons.start(1, 2)
    again = Comparisons(desk.engine, lease_seconds=-1, attempts=2)
    assert [again.begin(one.id) for _ in range(2)] == [True, True]
    again.keep(one.id, [])
    assert [again.begin(one.id) for _ in range(3)] == [True, True, False]
    assert again.get(one.id).reason == "comparing killed its process 2 times"
    assert again.due() == []
