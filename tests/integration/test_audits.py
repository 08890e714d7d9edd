"""Audits: planned, followed, cancelled, resumed and read."""

import hashlib
import math
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from pipeline.answer.attribution import Claim, Errors, LabelAttribution
from pipeline.answer.judgement import Basis
from pipeline.document import heat_files
from pipeline.model.profile import Profile
from pipeline.pictures import BLUE_ORANGE, GREEN_RED, Selection, png
from pipeline.pictures.rendering import Picture, Style
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from pipeline.staging import pack
from polelens.report.audit import Asked, write_audit_report
from storage.archive import Archive
from storage.blob_errors import BlobMissing
from storage.blobs import FolderBlobs
from storage.chosen import Chosen
from storage.gallery import Gallery
from storage.keys import explanation_key, image_key, scene_key
from storage.ledger import Job, Step
from tests.played_ledger import LABELS, PROBE, STOPPED, Desk, at_once, attribution, rows


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
    assert [label.agreement.stopped for label in found.attribution.labels] == [STOPPED, None]
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

    gallery, kinds = painted(desk, tmp_path, job), ["overlay", "support", *["heat"] * heat, *["seeds"] * bool(seeds)]
    if heat:
        warm = replace(answer, labels=(replace(label, heat=np.ones((32, 32), np.float32)),))
        for name, data in heat_files(warm).items():
            gallery.archive.blobs.put(explanation_key(job.key, name), data)
    page = write_audit_report(gallery, number, tmp_path / "report")
    written = {path.stem.rsplit("-", 1)[1] for path in (tmp_path / "report").rglob("*.webp")}
    assert written == set(kinds)
    assert all(f"-{kind}.webp" in page.read_text() for kind in kinds)
    [found] = desk.audits.explained(number)
    assert [one.kind for one in gallery.pictures(found)] == kinds
    drawn = gallery.drawing(found, Profile(32))
    assert [one.kind for one in drawn.pictures()] == kinds
    again = gallery.drawing(found, Profile(32))
    assert all((drawn.draw(one) == again.draw(one)).all() for one in drawn.pictures())


def test_a_report_whose_photograph_is_gone_says_so_and_stands(desk: Desk, tmp_path: Path) -> None:
    """The numbers are in Postgres: only the pictures are missing, and the card says why."""
    number, [step] = desk.audit("a"), desk.ledger.produce(64)
    job = desk.begin_reduction(step)
    assert desk.ledger.finish(job, attribution("yes"))
    gallery = painted(desk, tmp_path, job)
    [image] = gallery.archive.select()
    gallery.archive.blobs.delete(image_key(image.sha256))
    page = write_audit_report(gallery, number, tmp_path / "report")
    assert "no picture: the photograph or its scene is gone" in page.read_text()
    assert not list((tmp_path / "report").rglob("*.webp"))
    [row] = desk.audits.explained(number)
    with pytest.raises(BlobMissing):
        gallery.drawing(row, Profile(32))


def test_a_picture_s_tag_is_its_explanation_s_and_its_style_s(desk: Desk, tmp_path: Path) -> None:
    """Another photograph, model or recipe, another picture, palette or selection has another; nothing else has."""
    archive = Archive(desk.engine, FolderBlobs(tmp_path))
    gallery, picture = Gallery(archive), Picture("overlay")
    tags = [
        gallery.etag("key", picture),
        gallery.etag("other", picture),
        gallery.etag("key", Picture("overlay", 2)),
        gallery.etag("key", Picture("support")),
        gallery.etag("key", picture, "webp"),
        Gallery(archive, Style(BLUE_ORANGE)).etag("key", picture),
        Gallery(archive, Style(show=Selection.of("4"))).etag("key", picture),
    ]
    assert len(set(tags)) == len(tags)
    assert Gallery(archive, Style(GREEN_RED)).etag("key", picture) == tags[0] == "52789c8083ef208b5a88af0fdea01c17"


def test_a_report_shows_what_was_chosen(desk: Desk, tmp_path: Path) -> None:
    """By name, by answer, or the first to look at; it says how many of all, and the totals are of the whole audit."""
    number, gallery = desk.audit("n-a", "n-b", "s-a", "s-b"), None
    for place, step in enumerate(desk.ledger.produce(64)):
        job = desk.begin_reduction(step)
        answer = attribution("no")
        if place in (1, 3):
            judged = replace(answer.labels[0].judgement, basis=Basis("background", "Beside it."))
            answer = replace(answer, labels=(replace(answer.labels[0], judgement=judged),))
        assert desk.ledger.finish(job, answer)
        gallery = painted(desk, tmp_path, job)
    desk.ledger.settle()
    assert gallery is not None

    def shown(chosen: Chosen, *, single: bool = False) -> tuple[list[str], str]:
        out = tmp_path / "report"
        page = write_audit_report(gallery, number, out, Asked(chosen, single)).read_text()
        assert chosen.count(desk.engine, number) == page.count("<article")
        assert single == (not list(out.rglob("*.webp")))
        return re.findall(r'data-image="([^"]*)"', page), page

    assert shown(Chosen())[0] == ["n-a", "n-b", "s-a", "s-b"]
    assert "photographs are shown" not in shown(Chosen())[1]
    names, page = shown(Chosen("n-*"))
    assert names == ["n-a", "n-b"]
    assert "2 of 4 photographs are shown: those whose names are n-*." in page
    assert ">4</dd>" in page
    assert shown(Chosen(answers=("background",)))[0] == ["n-b", "s-b"]
    assert shown(Chosen(answers=("background", "object")))[0] == ["n-a", "n-b", "s-a", "s-b"]
    assert shown(Chosen(most=1, images="s*"))[0] == ["s-b"]
    assert shown(Chosen(most=3))[0][:2] == ["n-b", "s-b"]
    names, page = shown(Chosen(most=2), single=True)
    assert page.count("data:image/webp;base64,") >= 2 * 3
    assert "pictures/" not in page
    with pytest.raises(ValueError, match=f"audit {number} has no such photograph: those whose names are x"):
        shown(Chosen("x"))


def test_too_many_photographs_are_no_single_file(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how many there may be, before anything is written."""
    number = _done(desk, "a", "b", "c")
    monkeypatch.setattr("polelens.report.audit.SINGLE", 2)
    with pytest.raises(ValueError, match="3 photographs are too many for one file: --limit 2"):
        gallery = Gallery(Archive(desk.engine, FolderBlobs(tmp_path)))
        write_audit_report(gallery, number, tmp_path / "report", Asked(single=True))
    assert not (tmp_path / "report").exists()


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


def painted(desk: Desk, folder: Path, job: Job) -> Gallery:
    """A gallery with the scene and the photograph of an explanation, of five superpixels and 4 x 3 pixels."""
    blobs = FolderBlobs(folder / "blobs")
    segments = np.minimum(np.arange(32) // 6, 4)[:, None].repeat(32, axis=1).astype(np.int32)
    canvas = np.full((32, 32, 3), 90, np.uint8)
    blobs.put(scene_key(job.scene or ""), pack(Scene(canvas, segments, canvas)))
    photograph = png(np.full((3, 4, 3), 90, np.uint8)) + job.key.encode()  # which no reader reads
    digest = hashlib.sha256(photograph).hexdigest()
    blobs.put(image_key(digest), photograph)
    with desk.engine.begin() as c:
        c.execute(text("UPDATE image SET sha256 = :digest WHERE sha256 = :was"), {"digest": digest, "was": job.image})
    return Gallery(Archive(desk.engine, blobs))
