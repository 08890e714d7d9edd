"""The photograph's own neighbourhood: what one superpixel alone off says of the weights."""

import math

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.judge.neighbourhood import OneOff, neighbourhood
from tests.planted import LABELS, planted, striped

WEIGHTS = np.array([0.4, 0.3, 0.2, -0.1, 0.02, 0.01])


def found(score, weights=WEIGHTS):
    """The findings about a planted model's first label, said to have these weights."""
    shown = striped(len(weights))
    attribution = Attribution({}, None, 0, (LabelAttribution("yes", weights),))
    [block] = OneOff(LABELS).blocks(shown, attribution)
    [one] = OneOff(LABELS).findings(shown, attribution, [planted(score)(shown, block.masks(shown.k))])
    return one


def test_it_shows_the_whole_the_fill_and_each_superpixel_alone_off():
    """One block, whichever labels are explained."""
    [block] = OneOff(LABELS).blocks(striped(3), Attribution({}, None, 0, ()))
    assert block.masks(3).astype(int).tolist() == [[1, 1, 1], [0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]


def test_an_additive_model_falls_by_its_weights():
    """The falls rank as the weights do; the gap and the fill's score are the model's."""
    one = found(lambda masks: 0.15 + masks @ WEIGHTS)
    assert (one["gap"], one["fill"]) == pytest.approx((0.83, 0.15), abs=1e-6)
    assert one["neighbourhood"].median_drop == pytest.approx(0.11 / 0.83, abs=1e-6)
    assert one["neighbourhood"].agreement == pytest.approx(1)


def test_an_and_of_all_falls_whatever_is_hidden():
    """All of the gap with any one off: the model notices that something is hidden; such falls have no order."""
    near = found(lambda masks: 0.05 + 0.9 * masks.all(axis=1))["neighbourhood"]
    assert near.median_drop == pytest.approx(1)
    assert math.isnan(near.agreement)


def test_a_model_that_answers_otherwise_when_much_is_hidden_disagrees():
    """By other superpixels near the photograph than those that the weights name."""
    near = found(lambda masks: np.where(masks.mean(axis=1) > 0.8, 0.1 + masks @ WEIGHTS[::-1], masks @ WEIGHTS))
    assert near["neighbourhood"].agreement < 0


def test_the_order_of_what_weighs_next_to_nothing_does_not_count():
    """The weights name one superpixel, the falls all others: a contradiction, whatever the ranks of the others say."""
    weights = np.array([0.87, 0.005, 0.01, 0.006, 0.015, 0.02, 0.025])
    near = neighbourhood(weights, np.array([0.0, 0.12, 0.13, 0.14, 0.15, 0.16, 0.2]), 0.9)
    assert spearmanr(weights, [0.0, 0.12, 0.13, 0.14, 0.15, 0.16, 0.2]).statistic >= 0
    assert near.agreement == pytest.approx(pearsonr(weights, [0.0, 0.12, 0.13, 0.14, 0.15, 0.16, 0.2]).statistic)
    assert near.agreement < -0.5


def test_equal_falls_agree_with_nothing():
    """Of weights or falls that are all the same there is no correlation, and no warning."""
    assert math.isnan(neighbourhood(WEIGHTS, np.full(6, 0.3), 0.9).agreement)
    assert math.isnan(neighbourhood(np.zeros(6), WEIGHTS, 0.9).agreement)


def test_a_saturated_model_does_not_fall():
    """Where one superpixel less changes nothing, there is no order to agree on, and no fall."""
    near = found(lambda masks: (masks.sum(axis=1) > 2).astype(float))["neighbourhood"]
    assert near.median_drop == 0
    assert math.isnan(near.agreement)


@pytest.mark.parametrize(("largest", "known"), [(0.1, True), (-0.1, True), (0.0999, False)])
def test_falls_below_half_an_even_share_are_noise(largest, known):
    """Of four superpixels and a gap of 0.8 an even share is 0.2."""
    near = neighbourhood(np.array([4.0, 3, 2, 1]), np.array([largest, 0.02, 0.01, 0.0]), 0.8)
    assert math.isnan(near.agreement) != known


def test_a_negative_gap_falls_upwards():
    """Falls are shares of the gap, so that the same model of the other label says the same."""
    falls = np.array([-0.4, -0.3, -0.1])
    assert neighbourhood(falls, falls, -0.8).median_drop == pytest.approx(0.3 / 0.8)


def test_without_a_gap_nothing_is_known():
    """There is no share of nothing."""
    near = neighbourhood(WEIGHTS, WEIGHTS, 0.0)
    assert math.isnan(near.median_drop) and math.isnan(near.agreement)
