"""KernelSHAP: the values of the definition where every mask is asked, and good estimates of them where some are."""

import math
import warnings
from itertools import product

import numpy as np
import pytest

from pipeline.answer.attribution import Claim, Errors, Fit, LabelAttribution
from pipeline.conversation.designs import DESIGNS
from pipeline.conversation.probe import Draw, Evidence, Listed, Probe
from pipeline.explain import answer, explain
from pipeline.methods import check, explainer, planned, planned_evaluations
from pipeline.methods.asked import base, every
from pipeline.methods.shap import Shap, drawn, exhausts, reliability
from pipeline.methods.shapley import Game, Values, kernel
from pipeline.methods.surrogate import r2
from pipeline.recipes import recipe
from pipeline.refit import refit_recipe
from tests.planted import LABELS, planted, striped

SHAP = recipe("shap").override({"labels": ["yes"], "judge": False})


def tangled(k, seed=0):
    """A model with interactions of two and three superpixels behind a sigmoid."""
    generator = np.random.default_rng(seed)
    slope = generator.normal(size=k) * 3 / k**0.5
    groups = [(generator.choice(k, min(size, k), replace=False), 1.5 * generator.normal()) for size in [2, 3] * k]

    def score(masks):
        on = masks.astype(float)
        return 1 / (1 + np.exp(1 - on @ slope - sum(c * on[:, group].prod(axis=1) for group, c in groups)))

    return score


def explained(score, k, made=SHAP, **changes):
    """What the recipe finds for the first label of a planted model."""
    return explain(striped(k), explainer(made.override(changes), LABELS), planted(score))


def by_definition(score, k):
    """The mean gain over all sets that a superpixel may join, weighted by the orders that begin so (Shapley 1953)."""
    masks = np.array(list(product([False, True], repeat=k)))
    worth = planted(score)(striped(k), masks)[:, 0].astype(float).reshape((2,) * k)
    size = masks.sum(axis=1).reshape((2,) * k)
    values = []
    for i in range(k):
        without, gain = np.take(size, 0, axis=i), np.diff(worth, axis=i).squeeze(axis=i)
        orders = np.vectorize(lambda s: math.factorial(s) * math.factorial(k - s - 1) / math.factorial(k))(without)
        values.append(float((orders * gain).sum()))
    return np.array(values)


@pytest.mark.parametrize("k", range(1, 11))
def test_of_few_superpixels_the_values_are_those_of_the_definition(k):
    """Up to ten under the default recipe: every mask is asked once, the values are exact, and nothing is left to chance
    that an error, an agreement of seeds or a claim could be about."""
    found = explained(tangled(k), k)
    label = found.labels[0]
    assert found.evaluations == 2**k
    assert label.weights == pytest.approx(by_definition(tangled(k), k), abs=1e-6)
    assert label.errors is label.stability is None
    assert label.claims == ()
    assert math.isnan(label.fit.r2_held_out)


@pytest.mark.parametrize(("k", "changes", "does"), [(10, {}, True), (11, {}, False), (11, {"samples": 512}, True)])
def test_every_mask_is_asked_where_that_is_no_more_than_planned(k, changes, does):
    """And never more than the plan says, of a photograph whose superpixels nobody knows as of one where they do."""
    made = SHAP.override(changes)
    assert explained(tangled(k), k, made).evaluations <= sum(planned(made, k).values()) <= planned_evaluations(made)
    assert (explained(tangled(k), k, made).evaluations == 2**k) == does
    assert exhausts(made, k) == does


@pytest.mark.parametrize("k", [11, 30, 50, 64])
@pytest.mark.parametrize("score", [tangled, lambda _: lambda masks: 0.9 * masks[:, :2].all(axis=1)])
def test_values_add_up_to_the_gap(k, score):
    """Those of the pool and those of each seed, to the last bits, whatever the model."""
    found = explained(score(k), k)
    gap = found.probabilities["yes"] - found.fill_probabilities["yes"]
    label = found.labels[0]
    assert label.weights.sum() == pytest.approx(gap, abs=1e-12)
    assert label.weights_by_seed.sum(axis=1) == pytest.approx(gap, abs=1e-12)


@pytest.mark.parametrize("k", [11, 50, 100])
def test_an_additive_model_gives_its_weights_back(k):
    """To the resolution of float32, under every seed: there is nothing else to be found."""
    weights = np.random.default_rng(k).normal(size=k) * 0.3 / k**0.5
    label = explained(lambda masks: 0.4 + masks @ weights, k).labels[0]
    assert label.weights == pytest.approx(weights, abs=1e-6)
    assert label.weights_by_seed == pytest.approx(np.tile(weights, (5, 1)), abs=2e-6)
    assert label.fit.r2_held_out > 0.9999
    assert label.fit.intercept == pytest.approx(0.4, abs=1e-6)
    assert label.claims[0].value > 0.9999


def test_the_solution_is_that_of_the_shap_package():
    """Its solver on the same masks, weights and scores, with the constraint eliminated as it does."""
    k, score = 20, tangled(20)
    label, evidence = _asked(score, k)
    masks, scores = evidence.probe.masks()[2:], evidence.scores[2:, :1].astype(float)
    whole, bare = evidence.scores[:2, :1].astype(float)
    sample = Game(whole, bare).sample(masks, scores)
    line = bare + np.outer(masks.mean(axis=1), whole - bare)  # the sample has what is left of it
    theirs = _their_solution(masks, kernel(masks), sample.scores + line, (whole, bare))
    assert np.ptp(theirs) > 0.01
    assert label.weights == pytest.approx(theirs, abs=1e-9)


def test_masks_count_as_in_the_shapley_kernel():
    """Of all masks each as Lundberg and Lee have it, up to a factor; the ends and repetitions add nothing."""
    k = 6
    masks = np.array(list(product([False, True], repeat=k)))
    sizes = masks.sum(axis=1)
    told = [0 if s in (0, k) else (k - 1) / (math.comb(k, s) * s * (k - s)) for s in sizes]
    assert kernel(masks) / kernel(masks).sum() == pytest.approx(np.array(told) / sum(told))
    twice = kernel(np.concatenate([masks, masks[:40]]))
    assert twice[:40] + twice[64:] == pytest.approx(kernel(masks)[:40])


def test_a_mask_alone_of_its_size_weighs_what_all_of_them_do():
    """One over how many are on times how many are off, whatever else was drawn."""
    masks = np.array([[True, False, False, False], [True, True, False, False], [True, False, True, False]])
    assert kernel(masks).tolist() == [1 / 3, 1 / 8, 1 / 8]
    assert kernel(np.array([[True, False]])).tolist() == [1]


def test_values_all_alike_predict_nothing_between_masks_of_one_size():
    """A prediction is of how far a mask lies above those of its size, for masks of any."""
    masks = np.array([[True, False, False], [True, True, False], [True, True, True]])
    assert Values(np.ones((1, 3)), np.zeros(1)).predict(masks) == pytest.approx(np.zeros((3, 1)), abs=1e-15)
    assert Values(np.array([[3.0, 0, 0]]), np.zeros(1)).predict(masks).ravel() == pytest.approx([2, 1, 0])


def test_what_masks_of_one_size_have_in_common_moves_no_value():
    """A model that only counts what is shown gives all superpixels the same: how it bends is no noise."""
    label = explained(lambda masks: 0.1 + 0.8 * masks.mean(axis=1) ** 5, 40).labels[0]
    assert label.weights == pytest.approx(np.full(40, 0.8 / 40), abs=1e-6)


@pytest.mark.parametrize(("degree", "bends"), [(2, False), (7, False), (8, True)])
def test_a_count_is_taken_away_up_to_the_seventh_power(degree, bends):
    """Six terms beyond the line from the bare fill to the photograph, which vanish at both: nothing is left to fit."""
    masks = DESIGNS["shapley"](20, 256, 1)
    sample = Game(np.array([0.8]), np.array([0.1])).sample(
        masks, 0.1 + 0.7 * masks.mean(axis=1, keepdims=True) ** degree
    )
    assert sample.scores.any() == bends


def test_estimates_scatter_about_the_true_values_as_their_errors_say():
    """Over forty runs of few masks: no bias beyond its own error, and squared errors as large as those told."""
    k, score, truth = 14, tangled(14), by_definition(tangled(14), 14)
    runs = [explained(score, k, samples=64, seeds=[1000 + 10 * run + seed for seed in range(5)]) for run in range(40)]
    missed = np.array([run.labels[0].weights for run in runs]) - truth
    told = np.array([run.labels[0].std_error for run in runs])
    assert (np.abs(missed.mean(axis=0)) < 4 * missed.std(axis=0) / len(runs) ** 0.5).all()
    assert (told**2).mean() == pytest.approx((missed**2).mean(), rel=0.3)


def test_a_superpixel_that_the_model_ignores_has_no_value():
    """Within its error; of an AND of two each has half of the score."""
    label = explained(lambda masks: 0.9 * masks[:, :2].all(axis=1), 30).labels[0]
    assert label.weights[:2] == pytest.approx([0.45, 0.45], abs=0.03)
    assert (np.abs(label.weights[2:]) < 5 * label.std_error[2:] + 1e-4).all()


def test_lime_gives_banzhaf_values_and_no_shapley_values():
    """The weights of LIME's default are each superpixel's mean gain over all sets of the others, all sets alike."""
    k, score = 12, tangled(12)
    masks = np.array(list(product([False, True], repeat=k)))
    worth = score(masks).reshape((2,) * k)
    banzhaf = [np.diff(worth, axis=i).mean() for i in range(k)]
    made = recipe("default").override({"labels": ["yes"], "judge": False, "seeds": list(range(150))})
    lime = explained(score, k, made).labels[0]
    assert (np.abs(lime.weights - banzhaf) < 4 * lime.std_error).all()
    assert (np.abs(lime.weights - by_definition(score, k)) > 8 * lime.std_error).any()


def test_few_masks_do_not_suffice_and_say_so():
    """The claim is the share of the differences between values that is no error; more masks raise it."""
    few, many = (explained(tangled(50), 50, samples=samples).labels[0].claims[0].value for samples in (100, 400))
    assert few < many
    wild = np.random.default_rng(0).normal(size=50) * 40
    noise = explained(lambda masks: 0.5 + 0.4 * np.sin(masks @ wild), 50).labels[0]
    assert noise.claims[0].value < noise.claims[0].least
    assert explained(tangled(50), 50, seeds=[1]).labels[0].claims == ()


def test_it_stops_when_errors_are_small_beside_the_range():
    """Covert and Lee's rule: five seeds and then one more at a time, until the largest error is so small a share."""
    rule = {"first": 5, "ratio": 0.05}
    made = SHAP.override({"seeds": list(range(1, 40)), "stopping": rule})
    found = explained(tangled(50), 50, made)
    label = found.labels[0]
    asked = len(label.weights_by_seed)
    assert 5 < asked < 39
    assert 2 + 250 * asked < found.evaluations <= 2 + 256 * asked  # what two seeds drew is asked once
    assert label.std_error.max() <= 0.05 * np.ptp(label.weights)
    before = explained(tangled(50), 50, seeds=list(range(1, asked))).labels[0]
    assert before.std_error.max() > 0.05 * np.ptp(before.weights)
    same = explained(tangled(50), 50, seeds=list(range(1, asked + 1))).labels[0]
    assert label.weights == pytest.approx(same.weights, abs=1e-12)


@pytest.mark.parametrize("name", ["design", "kernel_width", "surrogate"])
def test_what_it_has_no_use_for_is_refused(name):
    """Masks, weights and solver are the method's own."""
    other = {"design": "coin", "kernel_width": 0.25, "surrogate": {"name": "ridge", "alpha": 1.0}}[name]
    with pytest.raises(ValueError, match=f"method shap has no use for {name}"):
        check(recipe("shap").override({name: other}), LABELS)


def test_it_is_judged_varied_and_denoised_as_any_method():
    """By one more probe for the tests, whose other superpixels are other numbers of them, and by the experiment."""
    made = recipe("shap").override({"labels": ["yes"], "thorough": True, "denoise": 1.0})
    model = planted(lambda masks: tangled(masks.shape[1])(masks))
    label = explain(striped(20), explainer(made, LABELS), model).labels[0]
    assert {"seeds", "segmenter:grid", "fill:blur", "noise:2"} <= set(label.judgement.sensitivity)
    assert label.judgement.soundness.figure == "reliability"
    assert label.judgement.soundness.value == label.claims[0].value
    assert label.denoised.removed == tuple(np.flatnonzero(label.weights < -1e-3 * np.abs(label.weights).max()))


def test_another_label_is_explained_without_the_model():
    """Its values are in the scores that were kept."""
    assert refit_recipe(SHAP, SHAP.override({"labels": ["no"]})).labels == ("no",)
    both = explained(tangled(20), 20, labels="all").labels
    assert both[0].weights == pytest.approx(-both[1].weights, abs=1e-6)


def test_reliability_is_the_share_of_the_variance_that_is_no_error():
    """By hand: values of variance 8 / 3 with a mean squared error of 2 / 3; unknown where values do not vary."""
    errors = Errors(np.array([0.0, 0.0, math.sqrt(2)]), np.zeros((5, 3)))
    assert reliability(LabelAttribution("yes", np.array([0.0, 2.0, 4.0]), errors=errors)) == pytest.approx(0.75)
    assert math.isnan(reliability(LabelAttribution("yes", np.full(3, 2.0), errors=errors)))
    for seeds in ([1, 11], [1, 11, 21]):
        found = explained(tangled(20), 20, seeds=seeds).labels[0]
        told = "Other masks would give other colours: too few were asked to rely on these."
        assert found.claims == (Claim("reliability", reliability(found), 0.5, told),)


def turning(masks):
    """The photograph is "yes", and the bare fill "no", by more than a sum."""
    return 0.2 + 0.4 * masks.mean(axis=1) + 0.2 * masks[:, 0] * masks[:, -1]


@pytest.mark.parametrize(("samples", "n"), [(16, 16), ("auto", 64)])
def test_masks_are_asked_seed_by_seed_and_solved_together(samples, n):
    """By hand: the ends and the first seeds, then the next; every label's values are those of all masks, and each
    seed's of its own, in the order of the photograph's labels."""
    rule = {"first": 2, "step": 1, "precision": 0, "tie": 0}
    made = SHAP.override({"labels": "all", "samples": samples, "seeds": [1, 11, 21], "stopping": rule})
    talker, shown, evidence = Shap(made, LABELS), striped(12), []
    one, two, three = (Draw("shapley", seed, n) for seed in made.seeds)
    step = talker.open(shown)
    for expected in (Probe(12, (base(12), one, two)), Probe(12, (three,))):
        assert step == expected
        evidence.append(Evidence(step, planted(turning)(shown, step.masks())))
        step = talker.proceed(shown, evidence)
    masks = np.concatenate([told.probe.masks() for told in evidence])[2:]
    (whole, bare), scores = evidence[0].scores[:2], np.concatenate([told.scores for told in evidence])[2:]
    game, seeds = Game(whole.astype(float), bare.astype(float)), np.repeat(range(3), n)
    assert (step.probabilities, step.evaluations) == (pytest.approx({"yes": 0.8, "no": 0.2}), 2 + 3 * n)
    assert step.fill_probabilities == pytest.approx({"yes": 0.2, "no": 0.8})
    sample = game.sample(masks, scores.astype(float))
    for c, label in enumerate(step.labels):
        assert label.label == LABELS[c]
        assert label.weights == pytest.approx(game.values(sample).coefficients[c], abs=1e-12)
        own = [game.values(sample.at(seeds == seed)).coefficients[c] for seed in range(3)]
        assert label.weights_by_seed == pytest.approx(np.array(own), abs=1e-12)
        assert label.claims[0].value == reliability(label)
        assert label.stability.stopped.why == "spent"


@pytest.mark.parametrize("k", [1, 3])
def test_where_every_mask_is_asked_the_fit_is_that_of_all(k):
    """Its value with nothing shown is the bare fill's; of one superpixel there is no mask between, and no fit."""
    talker, shown = Shap(SHAP.override({"labels": "all"}), LABELS), striped(k)
    probe = talker.open(shown)
    assert probe == Probe(k, (base(k), every(k)))
    scores = planted(turning)(shown, probe.masks())
    game = Game(scores[0].astype(float), scores[1].astype(float))
    sample = game.sample(probe.masks()[2:], scores[2:].astype(float))
    found = talker.proceed(shown, [Evidence(probe, scores)])
    values = game.values(sample)
    inside = [math.nan] * 2 if k == 1 else r2(sample, values.predict(sample.masks))
    assert [one.label for one in found.labels] == ["yes", "no"]
    for c, label in enumerate(found.labels):
        assert label.weights == pytest.approx(values.coefficients[c])
        assert label.fit == Fit(
            pytest.approx(scores[1, c]), pytest.approx(inside[c], nan_ok=True), pytest.approx(math.nan, nan_ok=True)
        )


def test_a_seed_draws_twice_a_block_of_lime_s_and_a_number_is_a_number():
    """And as many masks as there are count as enough, where the seeds would usually draw just so many."""
    assert [drawn(SHAP.override({"samples": samples}), 8) for samples in ("auto", 100)] == [64, 100]
    made = SHAP.override({"seeds": [1, 2, 3, 4]})
    assert (exhausts(made, 10), exhausts(made, 11)) == (True, False)
    assert [planned(made, k)["explanation"] for k in (3, 10, 11)] == [8, 1024, 2 + 4 * drawn(made, 11)]


def _asked(score, k):
    """The explanation of the first label, and the evidence that it rests on."""
    talker, shown = explainer(SHAP, LABELS), striped(k)
    probe = talker.open(shown)
    assert isinstance(probe, Probe) and not isinstance(probe.blocks[1], Listed)
    evidence = Evidence(probe, answer(shown, probe, planted(score)))
    return talker.proceed(shown, [evidence]).labels[0], evidence


def _their_solution(masks, weights, scores, ends):
    """`KernelExplainer.solve` of the shap package, given what it would have asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib's, which it sets colours of
        from shap import KernelExplainer  # noqa: PLC0415 -- its import warns

        theirs = KernelExplainer(lambda rows: rows.sum(axis=1), np.zeros((1, masks.shape[1])))
    theirs.fx, theirs.fnull = ends
    theirs.M, theirs.l1_reg = masks.shape[1], False
    theirs.maskMatrix, theirs.kernelWeights, theirs.ey = masks.astype(float), weights, scores
    return theirs.solve(1.0, 0)[0]
