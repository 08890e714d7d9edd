"""Audits: planned, followed, cancelled, resumed and read."""

import hashlib
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pipeline.answer.attribution import Claim, Errors, LabelAttribution
from pipeline.recipe import Recipe
from polelens.report.audit import write_audit_report
from storage.blobs import FolderBlobs
from storage.keys import explanation_key
from storage.ledger import Step
from tests.played_ledger import LABELS, PROBE, Desk, at_once, attribution, rows


def test_an_audit_is_planned_whole_or_not_at_all(desk: Desk) -> None:
    """A selection of nothing, or a recipe that does not fit the model, leaves no trace."""
    desk.photographs("a")
    with pytest.raises(ValueError, match=r"no photograph is selected by 'b\*'"):
        desk.audit(images="b*")
    with pytest.raises(ValueError, match="no label 'maybe'"):
        desk.audits.start(desk.model, Recipe("default", labels=("maybe",)))
    assert desk.audits.all() == []
    assert desk.value("SELECT count(*) FROM explanation") == 0


def test_an_audit_says_what_it_is(desk: Desk) -> None:
    """Model, recipe and selection as they were given; the newest audit comes first."""
    desk.photographs("a", "b")
    recipe = Recipe("mine", samples=64, labels=("no",))
    first = desk.audits.start(desk.model, recipe, "a")
    second = desk.audits.start(desk.model, recipe)
    found = desk.audits.get(first)
    assert (found.model, found.model_sha256, found.selection) == ("planted@1", "ab" * 32, "a")
    assert (found.recipe, found.state, found.finished_at) == (recipe, "running", None)
    assert [one.id for one in desk.audits.all()] == [second, first]
    with pytest.raises(ValueError, match="there is no audit 99"):
        desk.audits.get(99)


def test_an_explanation_is_known_by_its_content(desk: Desk) -> None:
    """Photograph, model and recipe name it, and nothing else: not the audit, nor what the recipe is called."""
    desk.audit("a")
    desk.audits.start(desk.model, Recipe("another name"))
    image = desk.value("SELECT sha256 FROM image")
    digest = hashlib.sha256(f"{image}{desk.model.digest}{Recipe('default').digest}".encode()).hexdigest()
    assert desk.value("SELECT key FROM explanation") == digest
    desk.audits.start(desk.model, Recipe("other", samples=64))
    assert desk.value("SELECT count(*) FROM explanation") == 2


def test_audits_started_at_once_share_what_they_have_in_common(desk: Desk) -> None:
    """Each has all its photographs, and none is planned twice."""
    desk.photographs(*"abcdef")
    selections = ("all", "all", "a", "?", "b", "all")
    numbers = at_once(*[partial(desk.audit, images=selection) for selection in selections])
    assert [desk.audits.progress(number).photographs for number in numbers] == [6, 6, 1, 6, 1, 6]
    assert desk.value("SELECT count(*) FROM explanation") == 6


def test_what_was_explained_before_is_done_without_workers(desk: Desk) -> None:
    """An audit of nothing new ends as it starts, and so does one that is resumed with nothing to do."""
    first = _done(desk, "a", "b")
    second = desk.audit()
    assert desk.audits.get(second).state == "done"
    assert desk.audits.progress(second).evaluations == 2 * PROBE.n
    desk.audits.resume(first)
    assert desk.audits.get(first).state == "done"
    assert desk.ledger.produce(64) == []


def test_only_what_is_new_is_planned(desk: Desk) -> None:
    """A photograph that came to the archive since is all that a second audit computes."""
    _done(desk, "a", "b")
    second = desk.audit("c")
    progress = desk.audits.progress(second)
    assert (progress.state, progress.done, progress.remaining) == ("running", 2, 1)
    [step] = desk.ledger.produce(64)
    desk.finish(step)
    desk.ledger.settle()
    assert desk.audits.get(second).state == "done"


def test_what_failed_before_is_tried_again(desk: Desk) -> None:
    """By a new audit as by a resumed one, from the beginning and with a clean slate."""
    first = desk.audit("a", "b")
    for number in (first, first, desk.audit()):
        for step in desk.ledger.produce(64):
            desk.ledger.begin(step.explanation)
            desk.ledger.fail("prepare", step.explanation, "torn")
        desk.ledger.settle()
        assert (desk.audits.get(number).state, desk.audits.progress(number).failed) == ("done", 2)
        desk.audits.resume(number)
        assert (desk.audits.get(number).state, desk.audits.get(number).finished_at) == ("running", None)
        assert desk.value("SELECT count(*) FROM explanation WHERE state = 'planned' AND attempts = 0") == 2
        assert desk.value("SELECT max(reason) FROM explanation") is None


def test_a_resumed_audit_goes_on_where_it_was(desk: Desk) -> None:
    """Answers stay, and what was in flight is handed out at once, not when its lease is over."""
    job, steps = desk.opened()
    desk.answer(steps[:1])
    desk.audits.cancel(1)
    assert desk.audits.get(1).state == "cancelled"
    desk.audits.resume(1)
    again = desk.ledger.overdue()
    assert [(step.explanation, step.part) for step in again] == [(job.id, 1), (job.id, 2)]
    assert [step.task for step in desk.answer(again)] == ["reduce"]


def test_only_a_running_audit_can_be_cancelled(desk: Desk) -> None:
    """One that has ended, or was cancelled, or never was, is named in the error; and only a known one is resumed."""
    number = _done(desk, "a")
    with pytest.raises(ValueError, match=f"audit {number} is done"):
        desk.audits.cancel(number)
    other = desk.audit("b")
    desk.audits.cancel(other)
    with pytest.raises(ValueError, match=f"audit {other} is cancelled"):
        desk.audits.cancel(other)
    for method in (desk.audits.cancel, desk.audits.resume):
        with pytest.raises(ValueError, match="there is no audit 99"):
            method(99)


def test_progress_counts_what_is_under_way(desk: Desk) -> None:
    """Photographs by state, and every evaluation answered, those of open photographs included."""
    number = desk.audit("a", "b", "c", "d")
    first, second, third = desk.ledger.produce(3)
    desk.finish(first)
    desk.ledger.begin(second.explanation)
    desk.ledger.fail("prepare", second.explanation, "torn")
    job = desk.ledger.begin(third.explanation)
    assert job is not None
    steps = desk.ledger.open_round(job, "scene", PROBE, 4)
    part = desk.take(steps[1])
    desk.ledger.record_part(part, rows(part), 1)
    progress = desk.audits.progress(number)
    assert (progress.photographs, progress.done, progress.failed, progress.in_flight) == (4, 1, 1, 1)
    assert (progress.remaining, progress.evaluations) == (2, PROBE.n + 4)


def test_an_attribution_comes_back_as_it_was(desk: Desk) -> None:
    """Every number, those that are not a number included, and the labels in their order: the pictures are in it."""
    number = desk.audit("a")
    _finish(desk, *desk.ledger.produce(64), labels=("no", "yes"))
    [found] = desk.audits.explained(number)
    assert found.attribution is not None
    assert [label.label for label in found.attribution.labels] == ["no", "yes"]
    assert found.attribution.to_json() == attribution("no", "yes", spearman=0.5).to_json()
    assert math.isnan(found.attribution.labels[0].stability.kendall)
    assert [label.judgement and label.judgement.words for label in found.attribution.labels] == ["sound, object", None]
    assert (found.image_name, found.width, found.height, found.state) == ("a", 4, 3, "done")


@pytest.mark.parametrize("seeds", [None, 0, 2])
@pytest.mark.parametrize("heat", [False, True])
def test_a_report_shows_the_pictures_that_the_method_gives(
    desk: Desk, tmp_path: Path, seeds: int | None, heat: bool
) -> None:
    """Seeds and a heat map where there are such; without errors, or with errors and no seeds, the report stands."""
    number, [step] = desk.audit("a"), desk.ledger.produce(64)
    errors = None if seeds is None else Errors(np.full(5, 0.1), np.zeros((seeds, 5)))
    label = LabelAttribution("yes", np.arange(5) / 4, errors, claims=(Claim("sum", float("nan"), 0.5, "It lacks."),))
    answer = replace(attribution(), labels=(label,), fill_probabilities=None)
    job = desk.begin_reduction(step)
    assert desk.ledger.finish(job, answer)
    [found] = desk.audits.explained(number)
    assert found.attribution is not None
    assert found.attribution.to_json() == answer.to_json()
    assert found.attribution.labels[0].weights_by_seed.shape == (seeds or 0, 5)

    blobs, kinds = FolderBlobs(tmp_path / "blobs"), ["overlay", "support", *["heat"] * heat, *["seeds"] * bool(seeds)]
    for kind in kinds:
        blobs.put(explanation_key(job.key, f"{kind}.png"), b"a picture")
    page = write_audit_report(desk.audits, blobs, number, tmp_path / "report")
    written = {path.stem.rsplit("-", 1)[1] for path in (tmp_path / "report").rglob("*.png")}
    assert written == set(kinds)
    assert all(f"-{kind}.png" in page.read_text() for kind in kinds)


def test_explanations_come_page_by_page_and_none_is_missed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the photographs, of the states asked for, whatever the size of a page."""
    number, other = desk.audit(*"abcdefg", images="?"), desk.audit("other")
    steps = desk.ledger.produce(64)
    for step in steps[:5]:
        _finish(desk, step)
    desk.ledger.begin(steps[5].explanation)
    desk.ledger.fail("prepare", steps[5].explanation, "torn")
    for page in (1, 2, 5, 6, 200):
        monkeypatch.setattr("storage.audits.PAGE", page)
        assert [one.image_name for one in desk.audits.explained(number)] == list("abcde")
        ended = list(desk.audits.explained(number, ("done", "failed")))
        assert [one.image_name for one in ended] == list("abcdef")
        assert (ended[-1].reason, ended[-1].attribution) == ("torn", None)
    assert [one.image_name for one in desk.audits.explained(other, ("preparing",))] == ["g", "other"]


def _done(desk: Desk, *names: str) -> int:
    """An audit of photographs of these names, done."""
    number = desk.audit(*names)
    for step in desk.ledger.produce(64):
        desk.finish(step)
    desk.ledger.settle()
    return number


def _finish(desk: Desk, step: Step, labels: tuple[str, ...] = LABELS) -> None:
    """Explain a photograph that has a mask."""
    assert desk.ledger.finish(desk.begin_reduction(step), attribution(*labels, spearman=0.5))
