import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from pipeline.answer.attribution import Claim
from pipeline.conversation.probe import Draw, Evidence, Probe
from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.methods.asked import base
from pipeline.methods.lime import BASE_ROWS, METHOD, Lime
from pipeline.methods.replicates import blocks
from pipeline.methods.surrogate import Sample, kernel, ridge
from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid, relabel
from tests.planted import LABELS, planted, striped


def explained(score, k=49, recipe=RECIPES["default"], **changes):
    """What the recipe finds for the first label of a planted model."""
    lime = explainer(recipe.override({"labels": ["yes"]} | changes), LABELS)
    return explain(striped(k), lime, planted(score)).labels[0]


def additive(k, seed=0):
    weights = np.random.default_rng(seed).normal(size=k) * 0.3 / k**0.5
    return weights, lambda masks: 0.4 + masks @ weights


def sigmoid(masks):
    """Nonlinear in superpixels 0, 1, 2 and 4; blind to the others."""
    return 1 / (1 + np.exp(2 - 3 * masks[:, 0] * masks[:, 1] - 2 * masks[:, 2] + masks[:, 4]))


def product(masks):
    """An AND of two."""
    return 0.9 * masks[:, :2].all(axis=1)


@pytest.mark.parametrize("k", [6, 7, 30, 49, 63, 64, 100])
def test_an_additive_model_gives_its_weights_back(k):
    """The default recipe finds an additive model's weights to within the ridge's shrinkage, and so does every seed,
    however many superpixels there are: masks follow them."""
    weights, score = additive(k)
    found = explained(score, k)
    assert np.abs(found.weights - weights).max() < 1e-3 * np.abs(weights).max()
    assert np.abs(found.weights_by_seed - weights).max() < 5e-3 * np.abs(weights).max()
    assert found.fit.intercept == pytest.approx(0.4, abs=1e-3)
    assert found.fit.r2 > 0.9999
    assert found.fit.r2_held_out > 0.9999
    assert found.std_error.max() < 1e-3 * np.abs(weights).max()


def test_an_additive_model_is_perfectly_stable():
    """Where nothing but the model speaks, all seeds rank alike: less is the model's doing, not the method's."""
    weights = np.zeros(49)
    weights[[3, 20, 48]] = 0.3, 0.2, -0.1
    stability = explained(lambda masks: 0.3 + masks @ weights).stability
    assert (stability.spearman, stability.kendall) == pytest.approx((1, 1))
    assert (stability.top3_jaccard, stability.top5_jaccard, stability.top10_jaccard) == (1, 1, 1)
    assert (stability.vsi, stability.seeds) == (100, 9)


def test_more_superpixels_than_one_seed_can_tell_apart_are_found_by_the_pool():
    """At k = 100 no seed's 128 masks suffice, all nine together do, and the standard error knows it."""
    weights, score = additive(100)
    found = explained(score, 100, samples=128)
    assert np.abs(found.weights_by_seed - weights).max() > 0.1 * np.abs(weights).max()
    assert np.abs(found.weights - weights).max() < 1e-3 * np.abs(weights).max()
    assert found.std_error.max() < 1e-3 * np.abs(weights).max()


@pytest.mark.parametrize("samples", ["auto", 128])
def test_a_photograph_of_one_superpixel_is_explained(samples):
    """k = 1, a picture of one tone, has one weight of the right sign: nothing divides by the superpixels beside it."""
    found = explained(lambda masks: 0.2 + 0.5 * masks[:, 0], 1, samples=samples)
    assert 0.3 < found.weights[0] <= 0.5
    assert math.isnan(found.agreement.spearman)


@pytest.mark.parametrize("name", [name for name, made in RECIPES.items() if made.method == "lime"])
@pytest.mark.parametrize("level", [0.0, 0.1, 1.0])
def test_a_constant_model_gives_exact_zeros_and_no_stability(name, level):
    """A model that never changes its mind has weights of exactly zero, and no fit and no agreement to speak of."""
    found = explained(lambda masks: np.full(len(masks), level), 9, RECIPES[name], samples=64, seeds=[1, 11])
    assert not found.weights.any()
    assert not found.weights_by_seed.any()
    assert not found.std_error.any()
    assert found.fit.intercept == pytest.approx(level, abs=1e-7)
    assert math.isnan(found.fit.r2)
    assert math.isnan(found.fit.r2_held_out)
    assert math.isnan(found.stability.spearman)
    assert math.isnan(found.stability.top5_jaccard)


def test_superpixels_that_the_model_ignores_weigh_nothing():
    """Next to zero: five standard errors at most, and a hundredth of what counts."""
    found = explained(sigmoid, 30)
    ignored = np.delete(np.arange(30), [0, 1, 2, 4])
    assert (np.abs(found.weights[ignored]) < 5 * found.std_error[ignored] + 1e-4).all()
    assert np.abs(found.weights[ignored]).max() < 0.05 * np.abs(found.weights).max()
    assert set(np.argsort(-np.abs(found.weights))[:4]) == {0, 1, 2, 4}


@pytest.mark.parametrize(
    "score",
    [
        sigmoid,
        product,
        lambda m: 0.9 * m[:, :4].all(axis=1),
        lambda m: m.mean(axis=1) ** 3,
    ],
    ids=["sigmoid", "and of 2", "and of 4", "cube"],
)
@pytest.mark.parametrize("design", ["hadamard", "paired", "coin"])
@pytest.mark.parametrize("name", ["default", "default-2026"])
def test_what_is_sampled_is_what_all_masks_together_say(score, design, name):
    """On k = 10, pooled weights miss the recipe's own fit on all 1024 masks by just their standard errors.

    Root mean square over sixteen audits, so that the errors neither brag nor are shy, whatever the design. The coin
    design has lime's all-ones row in every seed, beside the masks that chance deals. Where masks come with their
    complements and weigh alike, products of two are no noise at all: what is missed is the ridge's shrinkage.
    """
    made = RECIPES[name].override({"judge": False, "design": design})
    masks, drawn = np.array(list(itertools.product([False, True], repeat=10))), made.drawn(10)
    dealt = (drawn - 1) / 1024 + masks.all(axis=1) if design == "coin" else np.ones(1024)
    rows = Sample(masks, score(masks)[:, None].astype(float), kernel(masks, made.kernel_width) * dealt)
    truth = ridge(rows, 0).coefficients[0]
    found = [explained(score, 10, made, seeds=list(range(9 * a, 9 * a + 9))) for a in range(16)]
    missed = np.stack([one.weights - truth for one in found])
    errors = np.stack([one.std_error for one in found])
    if score is product and name == "default" and design != "coin":
        assert max(np.abs(missed).max(), errors.max()) < 1e-4
        return
    assert np.sqrt((missed**2).mean() / (errors**2).mean()) == pytest.approx(1, abs=0.25)
    assert np.abs(missed).max() < 0.06 * math.sqrt(128 / drawn)


def test_renumbering_superpixels_renumbers_weights():
    """The same regions under other numbers get the same weights, at their new numbers."""
    canvas = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    segments, order = grid(canvas, 49), np.random.default_rng(1).permutation(49)
    sensitivity = np.random.default_rng(2).normal(size=(28, 28, 1)) / 3e5

    def predict(scene, masks):
        return planted(lambda on: 0.5 + (compose(scene, on) * sensitivity).sum(axis=(1, 2, 3)))(scene, masks)

    straight, renumbered = (
        explain(Scene(canvas, labels, np.zeros_like(canvas)), explainer(RECIPES["default"], LABELS), predict).labels[0]
        for labels in (segments, order.astype(np.int32)[segments])
    )
    assert np.ptp(straight.weights) > 1e-3
    assert np.abs(renumbered.weights[order] - straight.weights).max() < 1e-3 * np.abs(straight.weights).max()


def test_segments_numbered_from_one_cannot_shift_the_weights():
    """Relabelled, segments from 1 put each weight on its own region: the region that counts is the one found."""
    canvas = np.full((20, 20, 3), 200, np.uint8)
    scene = Scene(canvas, relabel(grid(canvas, 25) + 1), np.zeros_like(canvas))

    def predict(shown, masks):
        last = compose(shown, masks)[:, 16:, 16:].mean(axis=(1, 2, 3)) / 255  # the corner: superpixel 24 of 0..24
        return np.stack([last, 1 - last], axis=1).astype(np.float32)

    found = explain(scene, explainer(RECIPES["default"].override({"labels": ["yes"]}), LABELS), predict).labels[0]
    assert found.weights.argmax() == 24
    assert found.weights[24] == pytest.approx(200 / 255, abs=1e-3)
    assert np.abs(found.weights[:24]).max() < 1e-3


def test_the_lime_recipe_is_scikit_learn_s_ridge_on_its_masks():
    """In the lime recipe weights and intercept are those of `Ridge(1)` on the coin flips with the kernel's weights."""
    lime = Lime(RECIPES["lime"].override({"labels": ["yes"]}), LABELS)
    scene = striped(25)
    found = explain(scene, lime, planted(sigmoid)).labels[0]
    masks = lime.open(scene).masks(BASE_ROWS)
    scores = planted(sigmoid)(scene, masks)[:, 0].astype(float)
    model = Ridge(alpha=1).fit(masks.astype(float), scores, sample_weight=kernel(masks, 0.25))
    assert np.abs(found.weights - model.coef_).max() < 1e-9
    assert found.fit.intercept == pytest.approx(model.intercept_, abs=1e-9)
    assert found.fit.r2 == pytest.approx(model.score(masks, scores, kernel(masks, 0.25)), abs=1e-9)
    assert np.array_equal(found.weights_by_seed, found.weights[None])


def test_labels_are_chosen_by_the_recipe():
    """Top is the prediction for the whole photograph; all labels and names come the most probable first."""

    def chosen(labels):
        lime = explainer(Recipe("x", seeds=(1,), samples=16, labels=labels), ("a", "b", "c"))
        predict = lambda _, masks: np.tile(np.float32([0.2, 0.5, 0.3]), (len(masks), 1))  # noqa: E731
        return [found.label for found in explain(striped(4), lime, predict).labels]

    assert chosen("top") == ["b"]
    assert chosen("all") == ["b", "c", "a"]
    assert chosen("c") == ["c"]
    assert chosen(("a", "c")) == chosen(("c", "a")) == ["c", "a"]


def test_a_label_s_explanation_does_not_depend_on_its_fellows():
    """Explained alone or with all others a label has the same numbers, and of two that sum to one each is the other's
    mirror."""
    lime = explainer(Recipe("x", labels="all"), LABELS)
    found = {one.label: one for one in explain(striped(12), lime, planted(sigmoid)).labels}
    yes, no = found["yes"], found["no"]
    assert np.abs(yes.weights - explained(sigmoid, 12).weights).max() < 1e-12
    assert np.abs(yes.weights + no.weights).max() < 1e-6
    assert yes.fit.r2 == pytest.approx(no.fit.r2, abs=1e-5)


@pytest.mark.parametrize("name", ["default", "lime-tree"])
def test_all_labels_at_once_are_each_label_alone(name):
    """Weights, errors, fit and stability of a label explained among others are those of the label explained alone."""

    def predict(_, masks):
        faint = 0.1 * masks[:, 5] * masks[:, 6] * masks[:, 7]
        return np.stack([sigmoid(masks), masks.mean(axis=1) ** 2, faint], axis=1).astype(np.float32)

    def found(labels):
        recipe = RECIPES[name].override({"labels": labels, "design": "coin", "samples": 100, "seeds": [1, 2, 3]})
        return explain(striped(8), explainer(recipe, "abc"), predict).to_json()["labels"]

    together = found("all")
    for label in "abc":
        alone, fellow = found([label])[label], together[label]
        for key in ("weights", "std_error", "weights_by_seed"):
            assert np.abs(np.subtract(alone[key], fellow[key])).max() < 1e-9
        for key in ("fidelity", "stability"):
            assert fellow[key] == pytest.approx(alone[key], abs=1e-6)


def test_parts_inferred_apart_give_the_same_attribution():
    """A probe through JSON, inferred in parts of any size, gives the numbers that one process gives."""
    alone = Recipe("x", judge=False)
    lime, scene, predict = explainer(alone, LABELS), striped(20), planted(sigmoid)
    whole = explain(scene, lime, predict)
    probe = Probe.from_json(json.loads(json.dumps(lime.open(scene).to_json())))
    parts = [predict(scene, probe.masks(start, min(start + 57, probe.n))) for start in range(0, probe.n, 57)]
    apart = explainer(alone, LABELS).proceed(scene, [Evidence(probe, np.concatenate(parts))])
    assert json.dumps(apart.to_json()) == json.dumps(whole.to_json())


def test_the_attribution_is_json_with_null_for_what_is_unknown():
    """A tree under one seed has no standard error and no stability: null, and the text is strict JSON."""
    lime = explainer(RECIPES["lime-tree"].override({"samples": 64}), LABELS)
    attribution = explain(striped(6), lime, planted(sigmoid)).to_json()
    text = json.loads(json.dumps(attribution, allow_nan=False))
    (label,) = text["labels"].values()
    assert set(text) == {"probabilities", "fill_probabilities", "evaluations", "labels"}
    assert set(label) == {
        "weights", "std_error", "half_width", "weights_by_seed", "intercept", "fidelity", "stability", "claims",
        "judgement", "denoised",
    }  # fmt: skip
    assert label["std_error"] == label["half_width"] == [None] * 6
    assert label["stability"]["spearman"] is None
    assert label["fidelity"]["r2"] > label["fidelity"]["r2_held_out"]
    assert (len(label["weights"]), len(label["weights_by_seed"])) == (6, 1)
    assert text["evaluations"] == lime.open(striped(6)).n


def test_a_tree_s_weights_are_importances_with_errors_from_the_seeds():
    """Under several seeds a tree's importances, unsigned and summing to one, have standard errors too."""
    found = explained(sigmoid, 6, RECIPES["lime-tree"], samples=100, seeds=[1, 2, 3])
    assert found.weights.sum() == pytest.approx(1)
    assert (found.weights >= 0).all()
    assert (found.std_error[[0, 1, 2]] > 0).all()
    assert math.isnan(found.stability.csi)


@pytest.mark.parametrize("n", [4, 5, 9, 10, 11, 64, 128, 1000])
def test_one_seed_alone_is_cut_into_folds_that_part_no_pair(n):
    """Two to five folds of even length, so that a mask and its complement are held out together."""
    folds = blocks(np.zeros(n, dtype=np.intp))
    assert 2 <= folds.max() + 1 <= 5
    assert (np.bincount(folds)[:-1] % 2 == 0).all()
    assert np.array_equal(folds[0 : n - 1 : 2], folds[1:n:2])


def test_the_smallest_recipe_still_answers():
    """Four masks under one seed are few, but not an error."""
    found = explained(sigmoid, 8, samples=4, seeds=[1])
    assert np.isfinite(found.weights).all()
    assert np.isnan(found.std_error).all()


def test_it_claims_to_follow_the_model_on_masks_that_it_has_not_seen():
    """By its fit to them, of which half is enough."""
    found = explained(sigmoid, 30)
    told = "The simple model behind the colours does not follow the classifier: do not rely on it."
    assert found.claims == (Claim("fidelity.r2_held_out", found.fit.r2_held_out, 0.5, told),)


@pytest.mark.parametrize(("step", "asked"), [(1, [3, 1, 1]), (2, [3, 2]), (9, [3, 2])])
def test_seeds_are_asked_in_rounds_while_it_is_not_enough(step, asked):
    """As many as the rule says first, then so many at a time, of those there are; their masks one after another. The
    answer is that of all at once, but for why there are no more."""
    rule = {"first": 3, "step": step, "precision": 0, "tie": 0}
    made = RECIPES["default"].override({"seeds": [5, 4, 3, 2, 1], "stopping": rule, "judge": False})
    talker, shown, evidence = Lime(made, LABELS), striped(30), []
    step_ = talker.open(shown)
    while isinstance(step_, Probe):
        evidence.append(Evidence(step_, planted(sigmoid)(shown, step_.masks())))
        step_ = talker.proceed(shown, evidence)
    drawn = [[one.seed for one in told.probe.blocks if isinstance(one, Draw)] for told in evidence]
    assert list(map(len, drawn)) == asked
    assert list(itertools.chain(*drawn)) == [5, 4, 3, 2, 1]
    at_once = explain(shown, Lime(made.override({"stopping": None}), LABELS), planted(sigmoid))
    [label] = step_.labels
    assert label.stability.stopped.why == "spent"
    bare = replace(label, stability=replace(label.stability, stopped=None))
    assert replace(step_, labels=(bare,)).to_json() == at_once.to_json()


@pytest.mark.parametrize(("samples", "n"), [(16, 16), ("auto", 32)])
def test_masks_are_asked_seed_by_seed_and_fitted_together(samples, n):
    """By hand: the ends and the first seeds, then the next; every label's weights are those of all masks, as they
    count under the kernel, in the order of the photograph's labels, which are not those of the bare fill."""

    def turning(masks):
        return 0.2 + 0.4 * masks.mean(axis=1) + 0.2 * masks[:, 0] * masks[:, -1]

    rule = {"first": 2, "step": 1, "precision": 0, "tie": 0}
    made = RECIPES["lime"].override({"labels": "all", "samples": samples, "seeds": [1, 11, 21], "stopping": rule})
    talker, shown, evidence = Lime(made, LABELS), striped(8), []
    one, two, three = (Draw("coin", seed, n) for seed in made.seeds)
    step = talker.open(shown)
    for expected in (Probe(8, (base(8), one, two)), Probe(8, (three,))):
        assert step == expected
        evidence.append(Evidence(step, planted(turning)(shown, step.masks())))
        step = talker.proceed(shown, evidence)
    masks = np.concatenate([told.probe.masks() for told in evidence])[BASE_ROWS:]
    scores = np.concatenate([told.scores for told in evidence])[BASE_ROWS:].astype(float)
    sample, seeds = Sample(masks, scores, kernel(masks, made.kernel_width)), np.repeat(range(3), n)
    assert (step.probabilities, step.evaluations) == (pytest.approx({"yes": 0.8, "no": 0.2}), 2 + 3 * n)
    assert step.fill_probabilities == pytest.approx({"yes": 0.2, "no": 0.8})
    for c, label in enumerate(step.labels):
        assert label.label == LABELS[c]
        assert label.weights == pytest.approx(ridge(sample, 1).coefficients[c], abs=1e-12)
        own = [ridge(sample.at(seeds == seed), 1).coefficients[c] for seed in range(3)]
        assert label.weights_by_seed == pytest.approx(np.array(own), abs=1e-12)
        assert label.stability.stopped.why == "spent"


def test_the_plan_is_of_every_seed_or_of_every_mask():
    """Where superpixels are few."""
    made = RECIPES["default"].override({"seeds": [1, 11]})
    assert [METHOD.planned(made.sized(k)) for k in (5, 6)] == [32, 2 + 2 * 16]
