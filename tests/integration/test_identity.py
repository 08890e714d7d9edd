"""What an explanation is of: a photograph with its mask, a model and a recipe."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic import command
from sqlalchemy import text

from pipeline.conversation.known import Known
from pipeline.conversation.probe import Draw, Evidence, Probe
from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES
from pipeline.staging import scene_digest
from storage import tables
from storage.blobs import FolderBlobs
from storage.comparisons import Comparisons
from storage.database import migrations
from storage.ledger import Job
from storage.planning import Selected, selected
from storage.registry import Registry
from tests.played_ledger import Desk, attribution, model

DEFAULT = Recipe("default")
UNJUDGED = Recipe("default", judge=False)
ONE, OTHER = "1" * 64, "2" * 64
PROBE = Probe(5, (Draw("hadamard", 1, 10),))  # no two rows alike


def masked(desk: Desk, name: str, mask: str) -> None:
    """Give a photograph a mask, as `images add --masks` does."""
    with desk.engine.begin() as c:
        c.execute(text("UPDATE image SET mask_sha256 = :mask WHERE name = :name"), {"mask": mask, "name": name})


def audited(desk: Desk, recipe: Recipe = DEFAULT) -> tuple[int, list[str]]:
    """An audit of all there is, done, and the photographs that it explained anew."""
    number = desk.audits.start(desk.model, recipe)
    steps = desk.ledger.produce(64)
    for step in steps:
        desk.finish(step)
    desk.ledger.settle()
    assert desk.audits.get(number).state == "done"
    return number, sorted(step.photograph for step in steps)


def keys(desk: Desk, number: int) -> dict[str, str]:
    """The key of each photograph's explanation in an audit."""
    return {row.image_name: row.key for row in desk.audits.explained(number)}


def key(desk: Desk, name: str, mask: str = "") -> Any:
    """The key that a photograph's explanation has by the house's rule."""
    content = "(SELECT sha256 FROM image WHERE name = :name) || :model || :recipe || :mask"
    query = f"SELECT encode(sha256(convert_to({content}, 'UTF8')), 'hex')"
    return desk.value(query, name=name, model=desk.model.digest, recipe=DEFAULT.digest, mask=mask)


def test_the_mask_is_part_of_the_key(desk: Desk) -> None:
    """A photograph without one has the key that it always had."""
    desk.photographs("a", "b")
    masked(desk, "b", ONE)
    number, _ = audited(desk)
    assert keys(desk, number) == {"a": key(desk, "a"), "b": key(desk, "b", ONE)}
    assert {row.image_name: row.mask for row in desk.audits.explained(number)} == {"a": None, "b": ONE}


def test_a_mask_that_comes_later_explains_its_photograph_again(desk: Desk) -> None:
    """It, and no other; one that changes does so too, and one that comes back is known. Every audit keeps its own."""
    desk.photographs("a", "b", "c")
    masked(desk, "b", ONE)
    assert selected(desk.engine, desk.model, DEFAULT, "all") == Selected(3, 0, 0)
    first, fresh = audited(desk)
    assert fresh == ["a", "b", "c"]
    masked(desk, "a", ONE)
    assert selected(desk.engine, desk.model, DEFAULT, "all") == Selected(3, 2, 1)
    second, fresh = audited(desk)
    assert fresh == ["a"]
    masked(desk, "a", OTHER)
    masked(desk, "b", OTHER)
    assert selected(desk.engine, desk.model, DEFAULT, "all") == Selected(3, 1, 2)
    assert audited(desk)[1] == ["a", "b"]
    masked(desk, "a", ONE)
    assert selected(desk.engine, desk.model, DEFAULT, "all") == Selected(3, 3, 0)
    fourth, fresh = audited(desk)
    assert fresh == []
    assert keys(desk, fourth)["a"] == keys(desk, second)["a"] != keys(desk, first)["a"]
    for number, mask in ((first, None), (second, ONE)):
        [row] = desk.audits.of(number, "a")
        assert (row.mask, row.attribution is not None) == (mask, True)
    assert len({row.key for row in desk.audits.explained(first)}) == 3


def test_an_answer_that_nobody_judges_does_not_depend_on_the_mask(desk: Desk) -> None:
    """Neither of an audit without judgement, nor of a refit: what the mask would not change is not made again."""
    desk.photographs("a")
    first, _ = audited(desk)
    audited(desk, UNJUDGED)
    other = Recipe("default", judge=False, kernel_width=0.5)
    refitted = desk.audits.refit(first, desk.model, other)
    desk.ledger.produce(64)
    masked(desk, "a", ONE)
    assert selected(desk.engine, desk.model, UNJUDGED, "all") == Selected(1, 1, 0)
    assert audited(desk, UNJUDGED)[1] == []
    second, fresh = audited(desk)
    assert fresh == ["a"]
    again = desk.audits.refit(second, desk.model, other)
    members = "SELECT array_agg(explanation_id) FROM audit_explanation WHERE audit_id = :id"
    assert desk.value(members, id=refitted) == desk.value(members, id=again)


def test_a_worker_is_told_the_mask_that_was_planned(desk: Desk) -> None:
    """One that comes while an audit is under way is the next audit's."""
    desk.audit("a")
    [step] = desk.ledger.produce(64)
    masked(desk, "a", ONE)
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    assert job.mask is None


def test_an_explanation_of_before_the_masks_keeps_its_key(desk: Desk) -> None:
    """Whatever it is called, it is found by what it was made with."""
    desk.photographs("a")
    masked(desk, "a", ONE)
    first, _ = audited(desk)
    assert desk.value("UPDATE explanation SET key = :key RETURNING key", key=key(desk, "a")) == key(desk, "a")
    second, fresh = audited(desk)
    assert (fresh, keys(desk, second)) == ([], {"a": key(desk, "a")})
    assert desk.audits.progress(first).done == 1


def test_a_model_by_another_name_is_the_same_black_box(desk: Desk, tmp_path: Path) -> None:
    """What was explained under one name is taken over and compared under another, with its own mask."""
    desk.photographs("a")
    audited(desk)
    twin, _ = Registry(desk.engine, FolderBlobs(tmp_path / "blobs")).add(model("twin"))
    second = desk.audits.start(twin, DEFAULT)
    assert desk.audits.get(second).state == "done"
    comparisons = Comparisons(desk.engine)
    assert [len(page) for page in comparisons.pairs(comparisons.start(1, second).id)] == [1]
    assert selected(desk.engine, twin, DEFAULT, "all") == Selected(1, 1, 0)
    masked(desk, "a", ONE)
    assert selected(desk.engine, twin, DEFAULT, "all") == Selected(1, 0, 1)


def test_what_an_earlier_version_plans_has_its_photograph_s_mask(desk: Desk) -> None:
    """While a cluster is upgraded it knows nothing of the column; an answer that is not judged has none."""
    desk.photographs("a", "b")
    masked(desk, "b", ONE)
    plan = """
    INSERT INTO explanation (key, image_id, model_id, recipe_digest, refit_of)
    SELECT i.name || CAST(:recipe AS text), i.id, :model, :recipe, NULL FROM image i
    """
    with desk.engine.begin() as c:
        for recipe in (DEFAULT, UNJUDGED):
            body = {"digest": recipe.digest, "body": recipe.to_json()}
            c.execute(tables.recipe.insert().values(name="a", **body))
            c.execute(text(plan), {"recipe": recipe.digest, "model": desk.model.id})
        masks = "SELECT mask_sha256 FROM explanation ORDER BY id"
        assert c.scalars(text(masks)).all() == [None, ONE, None, None]


@pytest.fixture
def again(desk: Desk) -> Job:
    """A photograph with a new mask, begun again by a worker."""
    desk.photographs("a")
    audited(desk)
    masked(desk, "a", ONE)
    desk.audits.start(desk.model, DEFAULT)
    [step] = desk.ledger.produce(64)
    job = desk.ledger.begin(step.explanation)
    assert job is not None
    return job


def known(rows: int) -> Known:
    """The answers to the first rows of a probe."""
    scores = np.arange(20, dtype=np.float32).reshape(10, 2)
    return Known(dict(list(Known.of([Evidence(PROBE, scores)]).rows.items())[:rows]))


def test_a_round_of_which_all_is_known_is_reduced_next(desk: Desk, again: Job) -> None:
    """No worker infers anything, and nothing counts as asked: neither as evaluations nor as parts, nor as fast."""
    counted = "SELECT jsonb_object_agg(what, n) FROM tally WHERE what IN ('evaluations', 'parts', 'seconds')"
    before, rate = desk.value(counted), desk.ledger.rate(desk.model.id)
    [step] = desk.ledger.open_round(again, "scene", PROBE, 4, known(10))
    assert (step.task, step.explanation) == ("reduce", again.id)
    job = desk.ledger.claim_reduction(again.id)
    assert job is not None
    [scores] = desk.ledger.scores(job, 2)
    np.testing.assert_array_equal(scores, np.arange(20).reshape(10, 2))
    number = int(str(desk.value("SELECT max(id) FROM audit")))
    assert desk.audits.progress(number).evaluations == 0
    assert desk.ledger.finish(job, attribution("yes"))
    assert desk.audits.progress(number).evaluations == 0
    assert (desk.value(counted), desk.ledger.rate(desk.model.id)) == (before, rate)


def test_what_is_not_known_is_asked(desk: Desk, again: Job) -> None:
    """In parts as any other, and it alone counts; a worker that comes late to the round opens none."""
    steps = desk.ledger.open_round(again, "scene", PROBE, 3, known(6))
    assert [(step.task, step.part, step.parts) for step in steps] == [("infer", 1, 3), ("infer", 2, 3)]
    assert desk.ledger.open_round(again, "scene", PROBE, 3, known(10)) == []
    [reduction] = desk.answer(steps, 7)
    job = desk.ledger.claim_reduction(reduction.explanation)
    assert job is not None
    [scores] = desk.ledger.scores(job, 2)
    np.testing.assert_array_equal(scores[:6], np.arange(12).reshape(6, 2))
    np.testing.assert_array_equal(scores[6:, 1], [7] * 4)
    assert desk.ledger.finish(job, attribution("yes"))
    assert desk.value("SELECT evaluations FROM explanation WHERE id = :id", id=job.id) == 4


@pytest.mark.parametrize("recipe", [DEFAULT, UNJUDGED, RECIPES["adaptive"].override({"segmenter": "grid"})], ids=str)
@pytest.mark.parametrize("profile", [Profile(32), Profile(32, crop="shorter-side", resize=40)], ids=str)
def test_the_migration_tells_masks_by_scenes(desk: Desk, tmp_path: Path, recipe: Recipe, profile: Profile) -> None:
    """What was made with the present mask has it, what is still to be made gets it, all else is of no mask known."""
    registry = Registry(desk.engine, FolderBlobs(tmp_path / "blobs"))
    version, _ = registry.add(replace(model("other"), profile=profile))
    scenes = {
        mask: scene_digest("image", registry.load(version.id).profile, recipe, mask) for mask in (ONE, OTHER, None)
    }
    made = {
        ("done", scenes[ONE]): ONE,
        ("done", scenes[OTHER]): None,
        ("done", scenes[None]): None,
        ("running", scenes[ONE]): ONE,
        ("reducing", scenes[None]): None,
        ("planned", None): ONE,
        ("preparing", None): ONE,
        ("failed", scenes[None]): ONE,
    }
    image = "INSERT INTO image (sha256, name, width, height, bytes, mask_sha256) VALUES ('image', 'a', 4, 3, 12, :mask)"
    explanation = """
    INSERT INTO explanation (key, image_id, model_id, recipe_digest, state, scene)
    SELECT :state || coalesce(CAST(:scene AS text), ''), 1, :model, :recipe, :state, :scene
    """
    with desk.engine.begin() as c:
        c.execute(text(image), {"mask": ONE})
        c.execute(tables.recipe.insert().values(digest=recipe.digest, name="a", body=recipe.to_json()))
        for state, scene in made:
            values = {"state": state, "scene": scene, "model": version.id, "recipe": recipe.digest}
            c.execute(text(explanation), values)
    url = desk.engine.url.render_as_string(hide_password=False)
    command.downgrade(migrations(url), "0009-1")
    command.upgrade(migrations(url), "head")
    with desk.engine.begin() as c:
        found = c.execute(text("SELECT state, scene, mask_sha256 FROM explanation")).all()
    assert {(row.state, row.scene): row.mask_sha256 for row in found} == {
        key: mask if recipe.judge else None for key, mask in made.items()
    }
