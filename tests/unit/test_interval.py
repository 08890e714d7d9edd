"""The interval of a mean: Wilson's where it is one of shares, narrower where figures vary less, never out of 0..1."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t

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


def by_the_docstring(values: list[float], groups: int | None = None) -> tuple[float, float]:
    """The interval of a mean written out: half a row at each end, and a variance of all rows."""
    n, mean = len(values), float(np.mean(values))
    squares = sum((value - mean) ** 2 for value in values)
    less = 1 - squares / (n * mean * (1 - mean))
    half = min(less / 2, n * mean, n * (1 - mean))
    rows, weights = np.array([*values, 0.0, 1.0]), np.array([1.0] * n + [half, half])
    center = np.average(rows, weights=weights)
    variance = np.average((rows - center) ** 2, weights=weights)
    z = norm.ppf(0.975) + less * (t.ppf(0.975, (groups or n) - 1) - norm.ppf(0.975))
    share, told = center, weights.sum() * center * (1 - center) / variance
    root = np.sqrt(share * (1 - share) / told + z**2 / (4 * told**2))
    return tuple((share + z**2 / (2 * told) + sign * z * root) / (1 + z**2 / told) for sign in (-1, 1))


@pytest.mark.parametrize(
    "values",
    [[0.2, 0.4], [0.1, 0.3, 0.35, 0.6], [0.9] * 3, [0.5, 0.5, 0.75, 1.0, 0.0], [0.001, 0.002, 0.003], [0.998, 0.999]],
    ids=str,
)
def test_it_is_wilson_s_with_half_a_row_at_each_end_and_student_s_t(values: list[float]) -> None:
    """Written out row by row; the half rows come to no more than all figures do from the nearer end."""
    assert interval(values) == pytest.approx(by_the_docstring(values), rel=1e-9)
    mean, squares = float(np.mean(values)), float(np.var(values) * len(values))
    expected = by_the_docstring(values, groups=len(values) + 3)
    assert of_mean(mean, squares, len(values), len(values) + 3) == pytest.approx(expected, rel=1e-9)


def test_figures_that_vary_more_than_zeros_and_ones_are_told_as_those() -> None:
    """Of groups that pull together: as few as would tell so little, with z and without half rows."""
    n, mean, squares = 24, 0.25, 2 * 24 * 0.25 * 0.75
    assert of_mean(mean, squares, n, 12) == pytest.approx(wilson(mean, n / 2), rel=1e-12)


def test_no_bound_is_beyond_an_end_of_the_range() -> None:
    """Exactly, however many photographs; nor is one of a single group at an end, which has no t, unknown."""
    for n in range(1, 300):
        assert wilson(0.0, n)[0] == 0
        assert wilson(1.0, n)[1] <= 1
    assert of_mean(0.0, 0.0, 24, 1) == wilson(0.0, 24)
