"""Comparisons in the database: page by page, again after a crash or an outage, and what is refused."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from pipeline.answer.attribution import Attribution, Errors
from pipeline.change.comparison import compare
from pipeline.change.outcome import Tally
from pipeline.recipe import Recipe
from polelens.report.comparison import write_comparison
from storage.archive import Archive
from storage.blob_errors import BlobMissing
from storage.blobs import FolderBlobs
from storage.comparer import Comparer
from storage.comparisons import Comparisons
from storage.gallery import Gallery
from storage.registry import Registry
from storage.settings import settings
from tasks import runtime
from tasks.compare import compare_audits
from tests.played_ledger import PROBE, THREADS, Desk, at_once, attribution, model

NAMES = "abcde"
SEEDS = Recipe("default").seeds

TRIGGER = """
CREATE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'as asked' USING ERRCODE = '{{}}'; END $$;
CREATE TRIGGER {0} BEFORE {1} EXECUTE FUNCTION {0}()
"""
BREAKS, MENDED = TRIGGER.format("breaks", "INSERT ON change"), "DROP TRIGGER breaks ON change; DROP FUNCTION breaks"
FORGIVEN = "UPDATE ON comparison FOR EACH ROW WHEN (NEW.attempts < OLD.attempts)"
DEAF = TRIGGER.format("deaf", FORGIVEN).format("disk_full")
HEARS = "DROP TRIGGER deaf ON comparison"
LAPSED = "UPDATE comparison SET lease_until = now() - interval '1 second'"


def answered(seed: int) -> Attribution:
    """An answer of nine seeds, with weights that a number gives."""
    generator = np.random.Generator(np.random.Philox(seed))
    weights = generator.normal(size=5) + 0.1 * generator.normal(size=(9, 5))
    plain = attribution("yes")
    label = replace(plain.labels[0], weights=weights.mean(axis=0), errors=Errors(np.full(5, 0.01), weights))
    return replace(plain, labels=(label,))


def explain_all(desk: Desk, start: int) -> None:
    """Answer all that is planned, each photograph otherwise."""
    for number, step in enumerate(desk.ledger.produce(64)):
        job = desk.ledger.begin(step.explanation)
        assert job is not None
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


@pytest.fixture
def at_work(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """This process is a worker of the desk's database and of the comparer's blobs."""
    remembered = (settings, runtime.ledger, runtime.blobs)
    monkeypatch.setenv("DATABASE_URL", desk.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("POLELENS_BLOBS", str(tmp_path / "blobs"))
    for one in remembered:
        one.cache_clear()
    yield
    runtime.ledger().engine.dispose()
    for one in remembered:
        one.cache_clear()


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
    page = write_comparison(comparisons, gallery(comparer), comparisons.get(one.id), tmp_path / "new").read_text()
    assert "lie at least 0.015 apart" in page
    assert "an F test of the differences under the seeds that both models share (Box 1954) on 1." in page
    with comparisons.engine.begin() as c:
        c.exec_driver_sql("UPDATE change SET test = NULL, on_grid = NULL")
        c.exec_driver_sql(
            "UPDATE comparison SET outcome = outcome - 'tests' - 'least_distance' - 'agreement' - 'warnings'"
            " #- '{counts,on_grid}' #- '{counts,other_label}'"
        )
    [found] = comparisons.compared(one.id)
    assert repr(found.change) == repr(replace(change, test=None, on_grid=None))
    page = write_comparison(comparisons, gallery(comparer), comparisons.get(one.id), tmp_path / "report").read_text()
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
    """An audit that is not there or not done, and one with itself."""
    desk.audits.start(desk.model, Recipe("default", fill="black"))
    comparisons = comparer.comparisons
    for pair, told in (
        ((1, 99), "there is no audit 99"),
        ((1, 3), "audit 3 is running; only audits that are done"),
        ((2, 2), "audit 2 is given twice"),
    ):
        with pytest.raises(ValueError, match=told):
            comparisons.start(*pair)
    assert comparisons.all() == []


def test_recipes_are_compared_without_a_p_value(desk: Desk, comparer: Comparer) -> None:
    """Of one model, told apart by their recipes; the photographs on which they contradict each other come first."""
    desk.audits.start(desk.model, Recipe("lime", samples=64))
    explain_all(desk, 200)
    one = comparer.comparisons.start(1, 3)
    assert (one.names, one.differing, one.terms.one_model) == (("default", "lime"), ("samples",), True)
    assert list(comparer.pages(one)) == [5]
    outcome = comparer.conclude(one)
    assert outcome.agreement is not None
    assert outcome.sentence.startswith("Which explanations are more faithful is unknown: only 0 photographs")
    assert (outcome.counts.judged, outcome.counts.on_grid, outcome.tests) == (0, 0, {})
    found = list(comparer.comparisons.compared(one.id))
    assert all(math.isnan(row.change.p_value) and row.changed is None for row in found)
    contrary = comparer.comparisons.foremost(one.id, "contrary", 3)
    assert [row.name for row in contrary] == [
        row.name for row in sorted(found, key=lambda row: row.change.spearman)[:3]
    ]
    kept = comparer.comparisons.get(one.id).outcome or {}
    assert kept["agreement"]["spearman"]["n"] == 5
    assert comparer.comparisons.get(one.id).terms == one.terms


def test_what_two_audits_are_told_apart_by(desk: Desk, comparer: Comparer) -> None:
    """Models where the recipes differ in seeds alone; recipes of one name by their audits; else both."""
    desk.audits.start(desk.model, Recipe("default", fill="black"))
    desk.audits.start(desk.model, Recipe("default").reseed(7))
    explain_all(desk, 200)
    names = {pair: comparer.comparisons.start(*pair).names for pair in ((1, 2), (1, 3), (2, 3), (1, 4))}
    assert names == {
        (1, 2): ("planted@1", "planted@2"),
        (1, 3): ("audit 1", "audit 3"),
        (2, 3): ("default on planted@2", "default on planted@1"),
        (1, 4): ("planted@1", "planted@1"),
    }


def test_one_holds_it_at_a_time(comparer: Comparer) -> None:
    """A message that comes twice begins it once; it is due again when it is let go of, or the lease is over."""
    comparisons = comparer.comparisons
    one = comparisons.start(1, 2)
    assert comparisons.due() == comparisons.due() == [one.id]
    assert at_once(*[partial(comparisons.begin, one.id)] * THREADS).count(True) == 1
    assert comparisons.due() == []
    comparisons.release(one.id)
    assert comparisons.due() == [one.id]
    assert replace(comparisons, lease_seconds=-1).begin(one.id)
    assert [comparisons.begin(one.id) for _ in range(2)] == [True, False]


def test_a_late_word_changes_nothing_that_is_done(comparer: Comparer) -> None:
    """Neither an error, nor an end that knew of fewer photographs; one that knows of more is news."""
    one = comparer.comparisons.start(1, 2)
    assert len(list(comparer.pages(one))) == 1
    early = Tally(0.0).outcome("a", "b")
    outcome = comparer.conclude(one)
    done = comparer.comparisons.get(one.id)
    comparer.comparisons.finish(one.id, early)
    comparer.comparisons.fail(one.id, "too late")
    comparer.comparisons.release(one.id)
    assert comparer.comparisons.get(one.id) == done
    assert sum(bool(row.changed) for row in comparer.comparisons.compared(one.id)) == outcome.counts.changed
    more = replace(outcome, counts=replace(outcome.counts, compared=len(NAMES) + 1))
    comparer.comparisons.finish(one.id, more)
    assert comparer.comparisons.get(one.id).outcome == more.to_json()


def test_what_failed_may_still_be_made(comparer: Comparer) -> None:
    """By hand: the reason goes, the outcome stays."""
    one = comparer.comparisons.start(1, 2)
    comparer.comparisons.fail(one.id, "once")
    assert not comparer.comparisons.begin(one.id)
    comparer.conclude(one)
    assert (comparer.comparisons.get(one.id).state, comparer.comparisons.get(one.id).reason) == ("done", None)


@pytest.mark.usefixtures("at_work")
def test_an_error_is_the_comparison_s_end_with_its_own_reason(desk: Desk, comparer: Comparer) -> None:
    """Not a word of killed processes: what Postgres says of one statement, and which blob the store lacks."""
    one, another = comparer.comparisons.start(1, 2), comparer.comparisons.start(2, 1)
    desk.change(BREAKS.format("data_exception"))
    compare_audits(one.id)
    failed = comparer.comparisons.get(one.id)
    assert failed.state == "failed"
    assert str(failed.reason).startswith("DataError: (psycopg.errors.DataException) as asked")
    desk.change(MENDED)
    desk.change("UPDATE explanation SET scene = 'lost' WHERE id IN (SELECT max(id) FROM explanation)")
    compare_audits(another.id)
    failed = comparer.comparisons.get(another.id)
    assert (failed.state, failed.reason) == ("failed", "there is no blob 'scenes/lo/lost.npz'")


@pytest.mark.usefixtures("at_work")
def test_an_outage_of_the_blobs_is_waited_for(desk: Desk, comparer: Comparer, tmp_path: Path) -> None:
    """However often it is met: the comparison is due again after its lease, and made when they are back."""
    one = comparer.comparisons.start(1, 2)
    desk.change("UPDATE explanation SET scene = 'another' WHERE id IN (SELECT max(id) FROM explanation)")
    folder = tmp_path / "blobs"
    folder.rename(tmp_path / "away")
    folder.touch()
    for _ in range(5):
        with pytest.raises(BlobMissing):
            compare_audits(one.id)
        assert comparer.comparisons.due() == []
        desk.change(LAPSED)
        assert comparer.comparisons.due() == [one.id]
    folder.unlink()
    (tmp_path / "away").rename(folder)
    desk.change("UPDATE explanation SET scene = 'scene'")
    compare_audits(one.id)
    assert comparer.comparisons.get(one.id).state == "done"


@pytest.mark.usefixtures("at_work")
def test_an_outage_of_postgres_counts_for_no_dead_process(desk: Desk, comparer: Comparer) -> None:
    """Though it hears late that the processes live: as soon as it is there again, and before anything is begun."""
    one = comparer.comparisons.start(1, 2)
    desk.change(BREAKS.format("disk_full"))
    desk.change(DEAF)
    for attempts in range(1, 4):
        with pytest.raises(OperationalError):
            compare_audits(one.id)
        desk.change(LAPSED)
        assert desk.value("SELECT attempts FROM comparison") == attempts
    desk.change(MENDED)
    desk.change(HEARS)
    compare_audits.before_start("an id", [one.id], {})
    assert desk.value("SELECT attempts FROM comparison") == 0
    compare_audits(one.id)
    assert comparer.comparisons.get(one.id).state == "done"


def test_what_kills_its_process_is_given_up(desk: Desk, comparer: Comparer) -> None:
    """After so many beginnings without a page; each page that is kept begins the count anew."""
    one = comparer.comparisons.start(1, 2)
    again = Comparisons(desk.engine, lease_seconds=-1, attempts=2)
    assert [again.begin(one.id) for _ in range(2)] == [True, True]
    again.keep(one.id, [])
    assert [again.begin(one.id) for _ in range(3)] == [True, True, False]
    assert again.get(one.id).reason == "comparing killed its process 2 times"
    assert again.due() == []


def test_nobody_knows_whether_a_label_that_a_model_lacks_is_right(desk: Desk, comparer: Comparer, tmp_path) -> None:
    """`not X` stands only beside an answer where X is a label of that model."""
    comparisons = comparer.comparisons
    one = comparisons.start(1, 2)
    change = compare(answered(1), answered(2), (SEEDS, SEEDS))
    comparisons.keep(one.id, [(image, replace(change, p_value=0.001, distance=1.0)) for image in (1, 2, 3)])
    tally = Tally(0.05)
    tally.add(change)
    comparisons.finish(one.id, tally.outcome("a", "b"))
    for image, label in ((1, "no"), (2, "maybe"), (3, "yes")):
        desk.value("UPDATE image SET label = :label WHERE id = :id RETURNING 1", label=label, id=image)
    page = write_comparison(comparisons, gallery(comparer), comparisons.get(one.id), tmp_path).read_text()
    assert page.count('<span class="chip">not <bdi>no</bdi></span>') == 2
    assert page.count('<span class="chip">') == 2


def gallery(comparer: Comparer) -> Gallery:
    """Of a comparer's archive, whose photographs nobody has."""
    return Gallery(Archive(comparer.comparisons.engine, comparer.blobs))
