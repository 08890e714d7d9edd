"""The answer's shape: what a method has, what it has not, and what stays the same on paper and in the database."""

import json
import math

import numpy as np
import pytest

from pipeline.answer.attribution import Attribution, LabelAttribution, laid
from pipeline.answer.nulls import from_null, to_null
from pipeline.answer.rule import Rule


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
