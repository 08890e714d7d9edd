"""The noise experiment: what speaks against the label is taken away, and everything is asked again."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.denoised import Denoised
from pipeline.conversation.probe import Draw, Evidence, Probe
from pipeline.explain import answer, explain
from pipeline.methods import explainer
from pipeline.methods.noise_experiment import PURPOSE, NoiseExperiment, against
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid

TRUE = np.array([0.3, -0.1, 0.05, -0.2, 0.0, 0.15, -0.02, 0.08, -0.06])
RECIPE = recipe("default").override({"seeds": [1, 11, 21], "labels": ["yes"], "denoise": 1.0})


def scene():
    """Nine superpixels, white on black."""
    canvas = np.full((30, 30, 3), 255, dtype=np.uint8)
    return Scene(canvas, grid(canvas, 9), np.zeros_like(canvas))


def predict(shown, masks):
    """0.4 and the true weights of what is white: read off the pixels, so that an off-by-one shows."""
    pictures = compose(shown, masks)[..., 0] > 127
    lit = np.stack([pictures[:, scene().segments == s].mean(axis=1) for s in range(9)], axis=1)
    yes = 0.4 + lit @ TRUE
    return np.stack([yes, 1 - yes], axis=1).astype(np.float32)


def denoised(share=1.0, **changes):
    made = RECIPE.override({"denoise": share} | changes)
    attribution = explain(scene(), explainer(made, ("yes", "no")), predict)
    return attribution, attribution.labels[0].denoised


def test_all_that_speaks_against_is_gone_and_the_confidence_rises_by_it():
    """Exactly the superpixels with negative weight; every label's confidence after is the model's own."""
    attribution, found = denoised()
    assert found.removed == (1, 3, 6, 8)
    assert attribution.probabilities["yes"] == pytest.approx(0.4 + TRUE.sum(), abs=1e-6)
    assert found.probabilities["yes"] == pytest.approx(0.4 + TRUE[TRUE > 0].sum(), abs=1e-6)
    assert found.probabilities["no"] == pytest.approx(1 - found.probabilities["yes"], abs=1e-6)


def test_what_is_left_keeps_its_weight():
    """An additive model is explained by the same weights again, those taken away weighing nothing."""
    _, found = denoised()
    expected = np.where(TRUE < 0, 0, TRUE)
    assert found.weights == pytest.approx(expected, abs=2e-3)
    assert (found.weights[[1, 3, 6, 8]] == 0).all()
    assert found.r2_held_out > 0.99


def test_where_there_is_no_fit_nothing_was_held_out():
    """As under occlusion, which has no errors either, but of what is gone."""
    made = recipe("occlusion").override({"labels": ["yes"], "denoise": 1.0, "judge": False})
    found = explain(scene(), explainer(made, ("yes", "no")), predict).labels[0].denoised
    assert np.isnan(found.r2_held_out)
    assert found.weights == pytest.approx(np.where(TRUE < 0, 0, TRUE), abs=1e-6)
    np.testing.assert_array_equal(found.std_error, np.where(TRUE < 0, 0, np.nan))


@pytest.mark.parametrize(("share", "removed"), [(0.5, (3,)), (0.75, (1, 3)), (0.9, (1, 3, 8)), (1.0, (1, 3, 6, 8))])
def test_a_share_takes_the_strongest(share, removed):
    """As few as carry the share of the weight against: 0.2 and 0.1 of 0.38 are 79 %."""
    assert denoised(share)[1].removed == removed


def test_where_nothing_speaks_against_nothing_is_asked_again():
    """No superpixel removed, the same confidence and weights, and no evaluation spent."""
    flat = lambda shown, masks: np.full((len(masks), 2), 0.5, np.float32)  # noqa: E731
    made = RECIPE.override({"judge": False})
    attribution = explain(scene(), explainer(made, ("yes", "no")), flat)
    found = attribution.labels[0].denoised
    assert (found.removed, found.probabilities) == ((), attribution.probabilities)
    assert attribution.evaluations == explainer(made, ("yes", "no")).open(scene()).n
    plain = explainer(made, ("yes", "no")).inner  # with every repetition, which it counts itself
    assert explain(scene(), plain, flat).evaluations == plain.open(scene()).n


def test_the_evaluations_are_counted_and_the_verdict_is_of_the_photograph_as_it_is():
    """Both conversations count, here with every repetition; judging comes after and speaks of the first."""
    plain, attribution = (
        explain(scene(), explainer(made, ("yes", "no")).inner, predict)
        for made in (RECIPE.override({"denoise": None}), RECIPE)
    )
    assert attribution.evaluations == plain.evaluations + 2 + 3 * RECIPE.drawn(9)
    assert attribution.labels[0].judgement == plain.labels[0].judgement
    assert np.array_equal(attribution.labels[0].weights, plain.labels[0].weights)


def test_only_the_first_label_is_experimented_with():
    """Of several labels the most probable one; the others have no experiment."""
    labels = denoised(labels=["yes", "no"])[0].labels
    assert [label.denoised is None for label in labels] == [False, True]


def test_every_step_can_be_made_by_another_process():
    """The conversation keeps no state: each step through JSON and a new explainer gives the same answer."""
    made, evidence = RECIPE.override({"judge": False}), []
    step = explainer(made, ("yes", "no")).open(scene())
    while isinstance(step, Probe):
        back = Probe.from_json(json.loads(json.dumps(step.to_json())))
        assert back == step
        evidence.append(Evidence(back, answer(scene(), back, predict)))
        step = explainer(made, ("yes", "no")).proceed(scene(), evidence)
    assert isinstance(step, Attribution)
    assert [one.probe.purpose for one in evidence] == ["explain", PURPOSE]
    assert np.array_equal(step.labels[0].denoised.weights, denoised(judge=False)[1].weights)


def test_it_survives_json():
    """What the archive stores is what is read."""
    _, found = denoised()
    back = Denoised.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    assert (back.removed, back.probabilities) == (found.removed, found.probabilities)
    assert np.array_equal(back.weights, found.weights)


def test_a_tree_has_nothing_against():
    """Importances have no sign."""
    tree = {"surrogate": {"name": "sklearn.tree.DecisionTreeRegressor"}}
    attribution = explain(scene(), explainer(RECIPE.override(tree), ("yes", "no")), predict)
    assert against(attribution.labels[0], 1.0) == ()


def test_the_second_conversation_is_of_the_first_label_and_of_the_photograph_without_what_speaks_against_it():
    """Whatever label is the most probable then; what is gone shows its fill for good."""
    shown, begun = scene(), []
    answer = Attribution({"yes": 0.75, "no": 0.25}, None, 10, (LabelAttribution("yes", TRUE),))

    def make(made):
        def open_(about):
            begun.append((made.labels, about))
            return Probe(about.k, (Draw("hadamard", 1, 4),))

        return SimpleNamespace(open=open_, proceed=lambda *_: answer)

    step = NoiseExperiment(RECIPE.override({"labels": "top"}), 1.0, make).proceed(shown, [])
    assert step.purpose == PURPOSE
    [(labels, about)] = begun
    assert labels == ("yes",)
    gone = np.isin(shown.segments, (1, 3, 6, 8))[..., None]
    np.testing.assert_array_equal(about.canvas, np.where(gone, shown.fill, shown.canvas))
