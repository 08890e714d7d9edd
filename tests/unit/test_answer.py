"""The answer's shape: what a method has, what it has not, and what stays the same on paper and in the database."""

import json
import math

import numpy as np
import pytest
from scipy.stats import norm, t

from pipeline.answer.attribution import (
    Attribution,
    Claim,
    Errors,
    FillChoice,
    Fit,
    LabelAttribution,
    Stability,
    laid,
    quantile,
)
from pipeline.answer.denoised import Denoised
from pipeline.answer.judgement import Curves, Grounding, Judgement
from pipeline.answer.nulls import from_null, to_null
from pipeline.answer.rule import Rule
from pipeline.answer.selection import Selection


def test_what_a_method_has_not_is_absent():
    """Weights alone make an answer: no errors, fit, stability, heat, rule or claims, in JSON neither."""
    label = LabelAttribution("yes", np.array([0.5, -0.25]))
    assert label.to_json() == {"weights": [0.5, -0.25], "judgement": None, "denoised": None}
    assert np.isnan(label.std_error).all()
    assert label.weights_by_seed.shape == (0, 2)
    assert label.agreement.seeds == 0


def test_a_rule_survives_json():
    """Its superpixels, precision with bounds, and outcome."""
    rule = Rule((3, 1), 0.97, 0.95, math.nan, "anchor")
    told = LabelAttribution("yes", np.zeros(4), rule=rule).to_json()["rule"]
    again = Rule.from_json(json.loads(json.dumps(told, allow_nan=False)))
    assert (again.superpixels, again.precision, again.low, again.outcome) == ((3, 1), 0.97, 0.95, "anchor")
    assert math.isnan(again.high)


@pytest.mark.parametrize(("explained", "predicted"), [(["b"], "b"), (["c"], "a"), ([], "a"), (["c", "b", "a"], "b")])
def test_of_labels_alike_the_one_explained_is_predicted(explained, predicted):
    """One rule of ties, whatever the order in which a database gives the labels back."""
    labels = tuple(LabelAttribution(name, np.zeros(1)) for name in explained)
    for order in ("abc", "cba", "bca"):
        found = Attribution({name: 0.2 if name == "c" else 0.4 for name in order}, None, 1, labels)
        assert (found.predicted, found.confidence) == (predicted, 0.4)


def test_a_heat_map_is_laid_on_the_superpixels_whole():
    """Each superpixel gets the sum over its pixels, and all of them the sum of the map."""
    generator = np.random.default_rng(0)
    heat = generator.normal(size=(12, 9)).astype(np.float32)
    segments = generator.integers(0, 5, heat.shape).astype(np.int32)
    weights = laid(heat, segments)
    assert weights[2] == pytest.approx(float(heat[segments == 2].sum(dtype=float)))
    assert weights.sum() == pytest.approx(float(heat.sum(dtype=float)))


def test_null_is_nan_and_back():
    """Numbers that are not there are null on paper, however deep, and NaN in memory."""
    told = {"a": math.nan, "b": [1.0, {"c": math.inf}], "d": None, "e": "x"}
    assert to_null(told) == {"a": None, "b": [1.0, {"c": None}], "d": None, "e": "x"}
    np.testing.assert_equal(from_null({"a": None, "b": [1.0, None]}), {"a": math.nan, "b": [1.0, math.nan]})
    assert to_null((math.nan, (-math.inf, 1))) == [None, [None, 1]]
    assert math.isnan(from_null(None))
    assert from_null("x") == "x"


def test_half_an_interval_is_student_s_quantile_of_one_degree_less_than_seeds():
    """Times the standard error; of the normal distribution for one seed, whose own fit gives the error."""
    assert [quantile(seeds) for seeds in (0, 1)] == [pytest.approx(norm.ppf(0.975))] * 2
    assert [quantile(seeds) for seeds in (2, 3, 9)] == pytest.approx([t.ppf(0.975, n) for n in (1, 2, 8)])
    errors = Errors(np.array([0.5, 0.25]), np.zeros((3, 2)))
    expected = t.ppf(0.975, 2) * np.array([0.5, 0.25])
    np.testing.assert_allclose(errors.half_width, expected)
    np.testing.assert_allclose(LabelAttribution("yes", np.zeros(2), errors=errors).half_width, expected)


def test_of_what_a_method_knows_not_there_are_as_many_nans_as_superpixels():
    """Errors and half-widths; a method that has seeds has theirs, and their agreement."""
    label = LabelAttribution("yes", np.zeros(3))
    for unknown in (label.std_error, label.half_width):
        assert unknown.shape == (3,)
        assert np.isnan(unknown).all()
    errors, stability = Errors(np.ones(3), np.zeros((2, 3))), Stability(2, spearman=0.5)
    known = LabelAttribution("yes", np.zeros(3), errors=errors, stability=stability)
    assert known.std_error is errors.std_error
    assert known.weights_by_seed is errors.weights_by_seed
    assert known.agreement is stability


def test_a_rule_supports_with_its_superpixels_and_weights_as_selected():
    """Where there is a rule the selection says nothing; a weight that is unknown supports nothing."""
    weights = np.array([0.5, math.nan, 0.25, -1.0, 0.125])
    rule = Rule((3, 1), 0.97, 0.95, 1.0, "anchor")
    assert LabelAttribution("yes", weights, rule=rule).supporting().tolist() == [False, True, False, True, False]
    plain = LabelAttribution("yes", weights)
    assert plain.supporting().tolist() == [True, False, True, False, False]  # 0.8 of the evidence
    assert plain.supporting(Selection("number", 1)).tolist() == [True, False, False, False, False]


def test_all_that_a_method_has_is_told():
    """Under the names that readers know; what is unknown is null, and half-widths stand beside errors."""
    errors = Errors(np.array([0.5, math.nan]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    label = LabelAttribution(
        "yes",
        np.array([3.0, 4.0]),
        errors=errors,
        fit=Fit(0.125, 0.75, math.nan),
        stability=Stability(3, spearman=0.5),
        heat=np.zeros((2, 2), np.float32),
        rule=Rule((1,), 0.97, 0.95, 1.0, "anchor", 0.5),
        claims=(Claim("completeness", math.nan, 0.5, "It is not complete."),),
        judgement=Judgement(0.5, Curves(0.1, 0.2, 0.3, 0.4), Grounding()),
        denoised=Denoised((0,), {"yes": 0.75}, np.array([0.0, 1.0]), np.array([0.0, math.nan]), math.nan),
    )
    told = label.to_json()
    names = ["csi", "kendall", "sign_agreement", "spearman", "vsi"]
    names += [f"top{n}_jaccard{of}" for n in (3, 5, 10) for of in ("", "_chance")]
    assert told.pop("half_width") == [pytest.approx(0.5 * t.ppf(0.975, 2)), None]
    assert told.pop("judgement")["gap"] == 0.5
    assert told == {
        "weights": [3.0, 4.0],
        "std_error": [0.5, None],
        "weights_by_seed": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        "intercept": 0.125,
        "fidelity": {"r2": 0.75, "r2_held_out": None},
        "stability": dict.fromkeys(names) | {"seeds": 3, "spearman": 0.5},
        "rule": {"superpixels": [1], "precision": 0.97, "low": 0.95, "high": 1.0, "outcome": "anchor", "area": 0.5},
        "claims": [{"figure": "completeness", "value": None, "least": 0.5, "sentence": "It is not complete."}],
        "denoised": {
            "removed": [0],
            "probabilities": {"yes": 0.75},
            "weights": [0.0, 1.0],
            "std_error": [0.0, None],
            "r2_held_out": None,
        },
    }


def test_an_attribution_tells_what_there_is():
    """A fill that was chosen, labels that are not listed and the network's inside only where there are such."""
    labels = (LabelAttribution("yes", np.array([0.5])), LabelAttribution("no", np.array([-0.5])))
    plain = Attribution({"yes": 0.75, "no": 0.25}, None, 9, labels)
    told = {
        "probabilities": {"yes": 0.75, "no": 0.25},
        "fill_probabilities": None,
        "evaluations": 9,
        "labels": {label.label: label.to_json() for label in labels},
    }
    assert plain.to_json() == told
    choice, inside = FillChoice("blur", {"blur": 0.1, "mean": 0.2}), {"layer": "relu"}
    more = Attribution({"yes": 0.75, "no": 0.25}, {"yes": 0.5, "no": 0.5}, 9, labels, choice, 3, inside)
    assert more.to_json() == told | {
        "fill_probabilities": {"yes": 0.5, "no": 0.5},
        "fill_choice": {"taken": "blur", "scores": {"blur": 0.1, "mean": 0.2}},
        "unlisted": 3,
        "inside": inside,
    }


@pytest.mark.parametrize(
    ("superpixels", "outcome", "told"),
    [
        (
            (3, 9),
            "anchor",
            "Keeping 2 superpixels, 5 % of the picture, keeps the answer in 99.0 % of pictures (95.6 to 99.9 %).",
        ),
        (
            (3,),
            "anchor",
            "Keeping 1 superpixel, 5 % of the picture, keeps the answer in 99.0 % of pictures (95.6 to 99.9 %).",
        ),
        (
            (),
            "empty",
            "The answer stays whatever is hidden, in 99.0 % of pictures (95.6 to 99.9 %): no part of the picture is "
            "needed by itself.",
        ),
        ((), "none", "No few superpixels keep the answer by themselves."),
        (
            (3, 9, 1),
            "undecided",
            "Undecided, no rule was proved: keeping 3 superpixels, 5 % of the picture, the best guess, kept the answer "
            "in 99.0 % of pictures (95.6 to 99.9 %).",
        ),
    ],
)
def test_each_outcome_of_a_rule_has_its_sentence(superpixels, outcome, told):
    """With its size, its area and its precision between bounds, where they say something."""
    assert Rule(superpixels, 0.99, 0.956, 0.999, outcome, 0.049).sentence == told


def test_what_is_denoised_survives_json():
    """Its superpixels, the answer without them, and the explanation of that; null is NaN."""
    one = Denoised((2, 0), {"yes": 0.75}, np.array([0.0, 1.0]), np.array([0.0, math.nan]), 0.5)
    again = Denoised.from_json(json.loads(json.dumps(one.to_json(), allow_nan=False)))
    np.testing.assert_equal(again.to_json(), one.to_json())
    assert (again.removed, again.probabilities, again.r2_held_out) == ((2, 0), {"yes": 0.75}, 0.5)
    assert (again.weights.dtype, again.std_error.dtype) == (float, float)
    np.testing.assert_array_equal(again.std_error, [0.0, math.nan])
    unknown = Denoised.from_json(one.to_json() | {"r2_held_out": None})
    assert math.isnan(unknown.r2_held_out)
