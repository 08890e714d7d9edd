"""The bounds of a precision: beside brute force, and dealt so that all of them hold at once."""

import math

import numpy as np
import pytest

from pipeline.methods.precision import bounds, confidence, divergence, rows


def by_hand(p, q):
    """Of two coins, as the definition has it: the mean of the log ratio."""
    return sum(one * math.log(one / other) for one, other in ((p, q), (1 - p, 1 - q)) if one)


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (5, 5), (1, 2), (47, 48), (90, 100), (399, 400)])
@pytest.mark.parametrize("nats", [0.5, 2.3, 9.0])
def test_bounds_are_those_of_a_fine_grid(successes, n, nats):
    """The least and the largest bias on a grid of a million whose divergence from what was seen is small enough."""
    grid = np.linspace(0, 1, 1_000_001)[1:-1]
    share = successes / n
    with np.errstate(divide="ignore"):
        told = sum(one * (np.log(one) - np.log(other)) for one, other in ((share, grid), (1 - share, 1 - grid)) if one)
    within = grid[n * told <= nats]
    low, high = bounds(successes, n, nats)
    assert low == pytest.approx(within[0] if share else 0, abs=2e-6)
    assert high == pytest.approx(within[-1] if share < 1 else 1, abs=2e-6)


@pytest.mark.parametrize(("p", "q"), [(0.0, 0.3), (1.0, 0.9), (0.2, 0.7), (0.5, 0.5)])
def test_divergence_is_the_mean_log_ratio(p, q):
    """As the definition has it; infinite where the other coin can never do what was seen."""
    assert divergence(p, q) == pytest.approx(by_hand(p, q))
    assert divergence(0.5, 0.0) == math.inf


@pytest.mark.parametrize("bias", [0.5, 0.9, 0.95])
def test_a_bound_fails_no_more_often_than_it_may(bias):
    """Summed over all outcomes of 60 trials: the lower bound is above the bias with at most the chance allowed."""
    n, nats = 60, -math.log(0.05)
    chance = [math.comb(n, s) * bias**s * (1 - bias) ** (n - s) for s in range(n + 1)]
    assert sum(one for s, one in enumerate(chance) if bounds(s, n, nats)[0] > bias) <= 0.05
    assert sum(one for s, one in enumerate(chance) if bounds(s, n, nats)[1] < bias) <= 0.05


def test_the_parts_of_delta_add_up_to_it():
    """Over all candidates and looks: nearly all of it over the first thousand, and never more."""
    parts = [math.exp(-confidence(candidate, look, 0.1)) for candidate in range(1, 1001) for look in range(1, 40)]
    assert 0.0998 < sum(parts) <= 0.1 + 1e-12


@pytest.mark.parametrize("candidate", [1, 2, 20])
@pytest.mark.parametrize("threshold", [0.5, 0.95, 0.99])
def test_the_first_look_proves_a_set_that_never_fails_and_no_shorter_one_would(candidate, threshold):
    """At the number of rows of the first look all successes are enough; one row fewer is not."""
    n, nats = rows(candidate, 1, threshold, 0.1), confidence(candidate, 1, 0.1)
    assert bounds(n, n, nats)[0] >= threshold > bounds(n - 1, n - 1, nats)[0]


def test_looks_and_candidates_are_counted_from_one():
    """A look at nothing is no look."""
    with pytest.raises(ValueError, match="both are counted from 1"):
        confidence(0, 1, 0.1)
