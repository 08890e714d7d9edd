"""Means over photographs that go by once, against NumPy and SciPy."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from pipeline.answer.interval import of_mean
from pipeline.change.moments import Interval, Moments, Pairs

VALUES = [0.25, 0.5, 0.125, 0.75, 1.0]


def moments(values):
    """Of numbers that went by."""
    found = Moments()
    for value in values:
        found.add(value)
    return found


@pytest.mark.parametrize("n", [1, 2, 5])
def test_they_are_numpy_s(n):
    """Number, mean, and the sum of squared deviations from it."""
    found = moments(VALUES[:n])
    assert found.n == n
    assert found.mean == pytest.approx(np.mean(VALUES[:n]))
    assert found.squares == pytest.approx(n * np.var(VALUES[:n]))


@pytest.mark.parametrize("n", [2, 3, 5])
def test_student_s_interval_is_scipy_s(n):
    """Of 95 %, from two values on."""
    found, expected = moments(VALUES[:n]).student(), ttest_1samp(VALUES[:n], 0).confidence_interval(0.95)
    assert (found.mean, found.n) == (pytest.approx(np.mean(VALUES[:n])), n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("n", [2, 5])
def test_wilson_s_interval_is_that_of_a_mean(n):
    """From two values on, see `pipeline.answer.interval`."""
    found = moments(VALUES[:n]).wilson()
    low, high = of_mean(float(np.mean(VALUES[:n])), n * float(np.var(VALUES[:n])), n)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.mean, found.n) == (pytest.approx(np.mean(VALUES[:n])), n)


@pytest.mark.parametrize("kind", [Moments.student, Moments.wilson])
def test_one_value_has_a_mean_and_no_interval_and_none_has_neither(kind):
    """Both say how many there were."""
    np.testing.assert_equal(kind(moments([0.25])), Interval(0.25, math.nan, math.nan, 1))
    np.testing.assert_equal(kind(moments([])), Interval(math.nan, math.nan, math.nan, 0))


def test_an_interval_is_told_with_two_decimals():
    """The mean first."""
    assert str(Interval(0.126, -0.054, 1.0, 9)) == "0.13 (95 % interval -0.05 to 1.00)"


def test_ends_are_cut_where_a_figure_can_go_no_further():
    """Each at its own; the mean and number stay."""
    assert Interval(0.5, -1.25, 1.5, 7).within(-1, 1) == Interval(0.5, -1, 1, 7)
    assert Interval(0.5, 0.25, 0.75, 7).within(0, 1) == Interval(0.5, 0.25, 0.75, 7)


@pytest.mark.parametrize("one", [Interval(-0.5, -0.75, -0.25, 4), Interval(0.5, 0.25, 0.75, 4)])
def test_the_size_of_a_mean_has_no_sign(one):
    """Nor have its ends, and the smaller comes first."""
    assert one.size == Interval(0.5, 0.25, 0.75, 4)


def test_pairs_count_what_both_have():
    """Means before and after, and after less before, over the same photographs."""
    pairs = Pairs()
    for before, after in ((0.5, 0.25), (0.75, 1.0), (0.25, 0.0), (math.nan, 0.5), (0.5, math.nan), (0.5, math.inf)):
        pairs.add(before, after)
    found = pairs.paired()
    assert found.before == moments([0.5, 0.75, 0.25]).wilson()
    assert found.after == moments([0.25, 1.0, 0.0]).wilson()
    assert found.difference == moments([-0.25, 0.25, -0.25]).student()
