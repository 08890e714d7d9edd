"""The interval of a mean: Wilson's where it is one of shares, narrower where figures vary less, never out of 0..1."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pipeline.answer.interval import of_mean, wilson

# Of nine digits, as background reliance has twelve at most: of less than that, a mean beside an end is at that end.
FIGURES = st.lists(st.floats(0, 1).map(lambda value: round(value, 9)), min_size=2, max_size=40)


def interval(values: list[float]) -> tuple[float, float]:
    """Of these photographs, each a group of its own."""
    return of_mean(float(np.mean(values)), float(np.var(values) * len(values)), len(values))


@pytest.mark.parametrize(("ones", "n"), [(0, 2), (0, 24), (1, 1), (5, 7), (12, 24), (99, 100), (100, 100)])
def test_of_zeros_and_ones_it_is_wilson_s(ones: int, n: int) -> None:
    """Scipy's for that proportion, to the last digits, at the ends of the range too."""
    expected = binomtest(ones, n).proportion_ci(0.95, method="wilson")
    assert wilson(ones / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    if n > 1:
        assert interval([1.0] * ones + [0.0] * (n - ones)) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(FIGURES)
def test_it_holds_the_mean_within_the_range(values: list[float]) -> None:
    """Whatever the figures; and the same figures from the other end give the same interval from there."""
    low, high = interval(values)
    assert 0 <= low <= np.mean(values) + 1e-9
    assert np.mean(values) - 1e-9 <= high <= 1
    mirrored = interval([1 - value for value in values])
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-6)


def test_what_varies_less_tells_more() -> None:
    """Of one mean: the less the figures vary about it, the narrower, down to a bound that unseen ends leave."""
    widths = [np.diff(of_mean(0.3, share * 24 * 0.21, 24))[0] for share in (1.0, 0.5, 0.25, 0.1, 0.0)]
    assert all(wide > narrow for wide, narrow in pairwise(widths))
    assert widths[-1] > 0.05


def test_photographs_that_are_alike_tell_less() -> None:
    """Every photograph twice: their sums in groups are twice as far from the mean, and the interval is wider."""
    values = np.random.default_rng(5).beta(0.5, 1.5, 24)
    mean, squares = float(values.mean()), float(np.var(values) * 24)
    once, twice = of_mean(mean, squares, 24), of_mean(mean, 4 * squares, 48, 24)
    unknowing = of_mean(mean, 2 * squares, 48)
    assert np.diff(twice)[0] > 1.2 * np.diff(unknowing)[0]
    assert np.diff(twice)[0] == pytest.approx(np.diff(once)[0], rel=0.1)


def test_beside_an_end_is_at_that_end() -> None:
    """What rounding leaves of a sum moves no bound."""
    assert of_mean(1 - 1e-16, 1e-30, 24) == of_mean(1.0, 0.0, 24)
    assert of_mean(1e-17, 1e-30, 24) == of_mean(0.0, 0.0, 24)
