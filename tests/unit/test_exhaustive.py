"""Every mask there is: of five superpixels or fewer nothing is left to chance, and nothing is said of chance."""

import itertools
import math

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from pipeline.change.comparison import compare
from pipeline.conversation.known import Known
from pipeline.conversation.probe import Evidence, Probe
from pipeline.explain import answer, explain
from pipeline.methods import explainer, planned_evaluations
from pipeline.methods.exhaustive import exhausts
from pipeline.methods.surrogate import kernel
from pipeline.recipes import RECIPES, recipe
from pipeline.refit import refit, refit_recipe
from tests.planted import LABELS, planted, striped

DEFAULT = recipe("default").override({"labels": ["yes"]})
PLAIN = DEFAULT.override({"judge": False})


def score(masks):
    """A model with interactions of all orders, one superpixel of which speaks against it."""
    on = masks.astype(float)
    slope = np.resize([0.2, -0.1, 0.15, 0.05, 0.1], on.shape[1])
    return 0.3 + on @ slope + 0.2 * on.prod(axis=1) + 0.1 * on[:, 0] * on[:, -1]


def explained(k, made=PLAIN):
    """The attribution of the planted model."""
    return explain(striped(k), explainer(made, LABELS), planted(score))


def every(k):
    return np.array(list(itertools.product([False, True], repeat=k)))


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("width", [None, 0.25])
def test_weights_are_those_of_least_squares_over_all_masks(k, width):
    """scikit-learn's ridge, each mask as often as the seeds would have drawn it; all but least squares without it."""
    masks = every(k)
    found = explained(k, PLAIN.override({"kernel_width": width})).labels[0]
    scores = planted(score)(striped(k), masks)[:, 0].astype(float)
    often = 9 * PLAIN.drawn(k) / len(masks) * kernel(masks, width)
    ridge = Ridge(alpha=0.01).fit(masks, scores, sample_weight=often)
    assert found.weights == pytest.approx(ridge.coef_, abs=1e-9)
    assert found.fit.intercept == pytest.approx(ridge.intercept_, abs=1e-9)
    assert found.fit.r2 == pytest.approx(ridge.score(masks, scores, often), abs=1e-9)
    if width is None:
        assert found.weights == pytest.approx(LinearRegression().fit(masks, scores).coef_, abs=2e-3)


@pytest.mark.parametrize("name", ["default", "adaptive"])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_each_mask_is_asked_once_and_in_one_round(name, k):
    """Two to the number of superpixels, the whole photograph and the bare fill among them, and so it is planned."""
    made = recipe(name).override({"judge": False, "labels": ["yes"]})
    found = explained(k, made)
    assert found.evaluations == 2**k == planned_evaluations(made, k)
    assert found.labels[0].weights == pytest.approx(explained(k).labels[0].weights, abs=2e-3)


def test_nothing_is_said_of_chance_where_there_is_none():
    """No errors, no agreement of seeds, no mask that was held out, and so no claim."""
    label = explained(4).labels[0]
    assert label.errors is label.stability is None
    assert np.isnan(label.half_width).all()
    assert math.isnan(label.fit.r2_held_out)
    assert label.claims == ()
    assert not {"std_error", "half_width", "weights_by_seed", "stability", "claims"} & set(label.to_json())


@pytest.mark.parametrize(
    ("name", "changes", "k", "does"),
    [
        ("default", {}, 5, True),
        ("default", {}, 6, False),
        ("default", {"samples": 128}, 5, False),
        ("adaptive", {}, 5, True),
        ("default-2026", {}, 3, False),
        ("lime", {}, 3, False),
    ],
)
def test_it_is_for_recipes_whose_masks_follow_the_superpixels(name, changes, k, does):
    """One that says how many masks it wants gets them."""
    made = RECIPES[name].override(changes)
    assert exhausts(made, k) == does
    found = explain(striped(k), explainer(made.override({"judge": False}), LABELS), planted(score)).labels[0]
    assert (found.errors is None) == does


def test_several_labels_are_explained_from_the_same_masks():
    """Each as alone; of two that sum to one each is the other's mirror."""
    both = explained(4, PLAIN.override({"labels": "all"}))
    assert both.evaluations == 16
    labels = {one.label: one for one in both.labels}
    assert labels["yes"].weights == pytest.approx(explained(4).labels[0].weights, abs=1e-9)
    assert labels["yes"].weights == pytest.approx(-labels["no"].weights, abs=1e-6)


def test_it_is_judged_as_a_handful():
    """The tests are made, their figures kept, and the answer is that nobody can tell it from chance."""
    judged = explained(5, DEFAULT).labels[0].judgement
    assert (judged.soundness.word, judged.soundness.reason) == ("doubtful", "few superpixels")
    assert judged.curves.orders == 9
    assert judged.gap == pytest.approx(0.7, abs=1e-6)


@pytest.mark.parametrize("changes", [{"kernel_width": 0.25}, {"labels": ["no"]}, {"surrogate.alpha": 1.0}], ids=str)
def test_a_refit_is_what_asking_anew_gives(changes):
    """From the scores of a judged conversation, to the last bit and with no evaluation."""
    shown, talker, evidence = striped(4), explainer(DEFAULT, LABELS), []
    step = talker.open(shown)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, answer(shown, step, planted(score))))
        step = talker.proceed(shown, evidence)
    after = refit_recipe(DEFAULT, DEFAULT.override(changes))
    again, _ = refit(shown, explainer(after, LABELS), Known.of(evidence))
    assert again.to_json() == explained(4, after).to_json() | {"evaluations": 0}


def test_thorough_judging_varies_all_but_the_seeds():
    """Which it has none of; every other variation is told."""
    judged = explained(4, DEFAULT.override({"thorough": True})).labels[0].judgement
    assert {"segmenter:grid", "fill:blur", "noise:2"} <= set(judged.sensitivity)
    assert "seeds" not in judged.sensitivity
    assert judged.sensitivity["noise:2"].spearman == pytest.approx(1)  # the model is one of masks, which noise leaves


def test_the_noise_experiment_takes_away_what_speaks_against():
    """And asks every mask again; what a seed would have said stays unsaid."""
    found = explain(striped(4), explainer(PLAIN.override({"denoise": 1.0}), LABELS), planted(score))
    denoised = found.labels[0].denoised
    assert denoised.removed == (1,)
    assert denoised.weights[1] == 0
    assert np.isnan(np.delete(denoised.std_error, 1)).all()
    assert 16 < found.evaluations <= 32


def test_two_of_the_kind_are_compared_without_a_test():
    """For want of seeds; their distance and likeness are told."""
    same, other = (
        compare(explained(4), explained(4), (PLAIN.seeds, PLAIN.seeds)),
        compare(explained(4), explained(4, PLAIN.override({"labels": "no"})), (PLAIN.seeds, PLAIN.seeds)),
    )
    assert math.isnan(same.p_value) and math.isnan(same.noise)
    assert (same.distance, same.spearman) == pytest.approx((0, 1))
    assert (other.distance, other.spearman) == pytest.approx((2, -1), abs=1e-5)
