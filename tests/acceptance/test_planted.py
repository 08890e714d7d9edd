"""Planted models, whose true attribution is known, through the whole distributed path."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from pipeline.answer.attribution import LabelAttribution
from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.scene.scene import compose
from pipeline.staging import stage
from polelens.export.coco import Regions
from polelens.export.columns import figures
from polelens.report.audit import write_audit_report
from storage.archive import Photograph
from storage.gallery import Gallery
from tests import models
from tests.live_audits import Bench, pictures, png

SIZE = 32


def test_an_additive_model_gives_its_weights_back(shared_bench: Bench) -> None:
    """The weight of every superpixel, the first and the last included, is the model's own, on every photograph."""
    shape = np.random.Generator(np.random.Philox(5)).normal(size=(3, SIZE, SIZE))
    shape *= 0.45 / np.abs(shape).sum() / 255
    model = shared_bench.model(models.additive(shape, bias=0.5), "yes", "no", name="additive")
    shots = pictures(4, seed=1)
    shared_bench.photographs("additive", shots)
    number = shared_bench.audit(model, "additive/*", labels=["yes"])
    assert shared_bench.wait(number).done == len(shots)
    for shot, found in zip(shots, shared_bench.results(number), strict=True):
        scene = stage(shot, Profile(SIZE), recipe("default"))
        difference = (scene.canvas.astype(float) - scene.fill).transpose(2, 0, 1) * shape
        truth = np.bincount(scene.segments.ravel(), difference.sum(axis=0).ravel())
        assert found.attribution is not None
        [label] = found.attribution.labels
        # float32 scores near 0.5 resolve 6e-8; the ridge shrinks by its alpha of 0.01 in some 100 effective rows
        np.testing.assert_allclose(label.weights, truth, rtol=2e-4, atol=1e-7)
        assert label.fit.r2_held_out > 0.99


def test_a_constant_model_gives_zeros(shared_bench: Bench) -> None:
    """Where the scores do not vary nothing has weight, and agreement and fit are unknown rather than perfect."""
    model = shared_bench.model(models.constant(size=SIZE), "a", "b", "c", name="constant")
    shared_bench.photographs("constant", pictures(1, seed=2))
    number = shared_bench.audit(model, "constant/*", labels="all")
    assert shared_bench.wait(number).done == 1
    [found] = shared_bench.results(number)
    assert found.attribution is not None
    assert [label.label for label in found.attribution.labels] == ["a", "b", "c"]
    for label in found.attribution.labels:
        assert not label.weights.any()
        assert np.isnan(label.stability.spearman)
        assert np.isnan(label.fit.r2)


def test_an_and_of_two_regions_is_fitted_as_lime_would(shared_bench: Bench) -> None:
    """The weights are those of scikit-learn's Ridge on the pictures composed by hand and judged by hand."""
    first, second = np.zeros((2, SIZE, SIZE), dtype=bool)
    first[4:12, 4:12] = second[20:28, 20:28] = True
    model = shared_bench.model(models.conjunction(first, second, threshold=100), "both", "not", name="and")
    shot = np.full((SIZE, SIZE, 3), 30, dtype=np.uint8)
    shot[first | second] = 220
    shared_bench.photographs("and", [shot])
    changes = {
        "segmenter": {"name": "grid", "n_segments": 16},
        "fill": "black",
        "labels": ["both"],
        "kernel_width": None,
    }
    number = shared_bench.audit(model, "and/*", **changes)
    assert shared_bench.wait(number).done == 1
    [found] = shared_bench.results(number)
    weights = _by_hand(shot, first, second, recipe("default").override(changes))
    assert found.attribution is not None
    np.testing.assert_allclose(found.attribution.labels[0].weights, weights, atol=1e-6)
    heaviest = set(np.argsort(-weights)[:2].tolist())
    assert heaviest <= set(
        np.unique(stage(shot, Profile(SIZE), recipe("default").override(changes)).segments[first | second])
    )
    assert found.attribution.labels[0].fit.r2_held_out < 0.9


def test_an_and_of_two_regions_is_the_rule_of_anchors(shared_bench: Bench, tmp_path: Path) -> None:
    """Both regions and nothing else, proved; the same alone and distributed, and in the report, the export and COCO."""
    first, second = np.zeros((2, SIZE, SIZE), dtype=bool)
    first[8:16, 8:16] = second[16:24, 16:24] = True  # each a cell of the grid
    model = shared_bench.model(models.conjunction(first, second, threshold=100), "both", "not", name="rule")
    shot = np.full((SIZE, SIZE, 3), 30, dtype=np.uint8)
    shot[first | second] = 220
    shared_bench.photographs("rule", [shot])
    changes = {"method": "anchors", "seeds": [1], "segmenter": {"name": "grid", "n_segments": 16}, "fill": "black"}
    number = shared_bench.audit(model, "rule/*", **changes)
    assert shared_bench.wait(number).done == 1
    [found] = shared_bench.results(number)
    assert found.attribution is not None
    [label] = found.attribution.labels
    assert label.rule is not None
    assert (label.rule.superpixels, label.rule.outcome, label.rule.area) == ((5, 10), "anchor", 2 / 16)
    assert label.rule.low >= 0.95
    assert label.weights.nonzero()[0].tolist() == [5, 10]
    made = recipe("default").override(changes)
    alone = shared_bench.explained_alone(model, found, made)
    assert alone.to_json() == found.attribution.to_json()
    page = write_audit_report(Gallery(shared_bench.archive), number, tmp_path)
    assert any(label.rule.sentence in path.read_text() for path in page.parent.glob("*.html"))
    told = figures(found, label)
    assert (told["rule_outcome"], told["rule_superpixels"], told["rule_low"]) == ("anchor", 2, label.rule.low)
    where = Regions(("both", "not"), Profile(SIZE), lambda _: stage(shot, Profile(SIZE), made).segments)
    assert where.segmentation(found, label)["area"] == int((first | second).sum())


def test_a_photograph_in_too_many_superpixels_fails_alone(shared_bench: Bench) -> None:
    """The one whose canvas the segmenter shatters has the reason and the remedy; the other is explained."""
    model = shared_bench.model(models.constant(size=64), "a", "b", "c", name="shattered")
    noise = np.random.Generator(np.random.Philox(4)).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    shared_bench.photographs("shattered", [np.full_like(noise, 77), noise])
    segmenter = {"name": "felzenszwalb", "scale": 0.01, "sigma": 0, "min_size": 1}
    number = shared_bench.audit(model, "shattered/*", segmenter=segmenter, samples=8, seeds=[1])
    progress = shared_bench.wait(number)
    assert (progress.done, progress.failed) == (1, 1)
    reason = shared_bench.results(number)[1].reason or ""
    assert "gives 4,096 superpixels, at most 1,024 go; raise scale or min_size" in reason


OBJECT = np.zeros((SIZE, SIZE), dtype=bool)
OBJECT[8:24, 8:24] = True  # four of sixteen superpixels: 5, 6, 9 and 10
CORNERS = np.zeros((2, SIZE, SIZE), dtype=bool)
CORNERS[0, :8, :8] = CORNERS[1, 24:, 24:] = True  # superpixels 0 and 15
SHOT = np.where(OBJECT[..., None], [250, 0, 0], [0, 250, 0]).astype(np.uint8)  # either hidden, its colour is gone
PLANTED = {
    "additive": models.additive(np.repeat(np.arange(SIZE)[:, None], SIZE, axis=1) / 8e6, bias=0.1),
    "and": models.conjunction(*CORNERS, threshold=40),
    "object": models.additive(np.stack([OBJECT, 0 * OBJECT, 0 * OBJECT]) / OBJECT.sum() / 300),
    "background": models.additive(np.stack([0 * OBJECT, ~OBJECT, 0 * OBJECT]) / (~OBJECT).sum() / 300),
}


@pytest.mark.parametrize("name", ["default", "occlusion", "rise", "shap"])
def test_every_method_finds_what_was_planted(shared_bench: Bench, name: str) -> None:
    """Under an additive model the lower rows weigh more, as they do; under an AND the two that it needs weigh most; and
    what looks at the object or the background alone is said to, its evidence there."""
    found = {kind: _found(shared_bench, name, kind) for kind in PLANTED}
    rows = found["additive"].weights.reshape(4, 4).mean(axis=1)
    assert (np.diff(rows) > 0).all()
    assert set(np.argsort(-found["and"].weights)[:2].tolist()) == {0, 15}
    for kind in ("object", "background"):
        judgement = found[kind].judgement
        assert judgement is not None
        assert judgement.basis.word == kind
        assert (judgement.grounding.mask_share > 0.5) == (kind == "object")
        assert judgement.grounding.pointing == (kind == "object")


@pytest.mark.parametrize("kind", ["object", "background"])
def test_a_rule_lies_where_the_model_looks(shared_bench: Bench, kind: str) -> None:
    """On the object alone or on the background alone; and its claim, the lower bound, is fulfilled."""
    label = _found(shared_bench, "anchors", kind)
    assert label.rule is not None
    assert label.rule.outcome == "anchor"
    assert label.judgement is not None
    assert label.judgement.basis.word == kind
    assert label.judgement.grounding.mask_share == (kind == "object")
    assert label.claims[0].value == label.rule.low >= 0.95


def _found(bench: Bench, name: str, kind: str) -> LabelAttribution:
    """What a recipe's audit says of a red object before green, in sixteen squares over black, under a planted model."""
    model = bench.model(PLANTED[kind], "yes", "no", name=f"planted-{kind}")
    mask = png(np.repeat(OBJECT[..., None] * np.uint8(255), 3, axis=2))
    bench.archive.add(Photograph("object.png", png(SHOT), mask=mask))
    changes = {"segmenter": {"name": "grid", "n_segments": 16}, "fill": "black", "labels": ["yes"]}
    made = recipe(name).override(changes)
    number = bench.audit(model, "object.png", **{key: one for key, one in made.to_json().items() if key != "name"})
    assert bench.wait(number).done == 1
    bench.assert_undisturbed(number, model, made)
    [row] = bench.results(number)
    assert row.attribution is not None
    return row.attribution.labels[0]


def _by_hand(shot: np.ndarray, first: np.ndarray, second: np.ndarray, made: Recipe) -> np.ndarray:
    from pipeline.conversation.designs import hadamard_fold  # noqa: PLC0415

    scene = stage(shot, Profile(SIZE), made)
    masks = np.concatenate([hadamard_fold(scene.k, made.drawn(scene.k), seed) for seed in made.seeds])
    shown = compose(scene, masks)
    scores = [float(min(one[first].mean(), one[second].mean()) > 100) for one in shown]
    return Ridge(alpha=0.01).fit(masks.astype(float), scores).coef_
