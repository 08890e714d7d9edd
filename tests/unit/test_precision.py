"""The bounds of a precision: beside brute force, at all looks at once, and with delta dealt to all candidates."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from pipeline.methods.precision import Bounds, bounds, divergence, part


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


def _once_beyond(bias, sought, side, longest):
    """The chance that a bound is ever beyond the bias within so many trials: over all courses that have not been so."""
    chance, ever = {0: 1.0}, 0.0
    for n in range(1, longest + 1):
        further: dict[int, float] = {}
        for successes, course in chance.items():
            further[successes] = further.get(successes, 0) + course * (1 - bias)
            further[successes + 1] = further.get(successes + 1, 0) + course * bias
        beyond = {s for s in further if side(sought.at(s, n), bias)}
        ever += sum(further.pop(s) for s in beyond)
        chance = further
    return ever


@pytest.mark.parametrize("bias", [0.6, 0.9, 0.95, 0.99])
def test_a_bound_that_is_looked_at_after_every_trial_fails_no_more_often_than_it_may(bias):
    """Summed over all courses of 150 trials: either bound is ever beyond the bias with at most the chance allowed."""
    sought = Bounds(0.95, 0.05)
    assert _once_beyond(bias, sought, lambda told, true: told[0] > true, 150) <= 0.05
    assert _once_beyond(bias, sought, lambda told, true: told[1] < true, 150) <= 0.05


@pytest.mark.parametrize("successes", [0, 7, 30, 39, 40])
@pytest.mark.parametrize("threshold", [0.5, 0.95])
def test_bounds_are_where_a_spread_stake_has_grown_enough(successes, threshold):
    """The stake's growth by numerical integration over Beta(4 / (1 - threshold), 1) and over all biases alike."""
    n, sought = 40, Bounds(threshold, 0.05)
    for bound, hoped in zip(sought.at(successes, n), (4 / (1 - threshold), 1), strict=True):

        def density(q, hoped=hoped):
            return hoped * q ** (hoped - 1) * q**successes * (1 - q) ** (n - successes)

        grown = quad(density, 0, 1, epsabs=0)[0] / (bound**successes * (1 - bound) ** (n - successes) or 1)
        assert grown == pytest.approx(1 / 0.05, rel=1e-5) or bound in (0, 1)


@pytest.mark.parametrize("failures", [0, 1, 5])
@pytest.mark.parametrize("threshold", [0.5, 0.95, 0.99])
def test_so_many_trials_prove_and_one_fewer_does_not(failures, threshold):
    """After them nothing is left to be surer by, and the lower bound is at the threshold."""
    sought = Bounds(threshold, 0.05)
    n = sought.proving(failures)
    assert sought.at(n - failures, n)[0] >= threshold > sought.at(n - failures - 1, n - 1)[0]
    assert sought.nats_left(n - failures, n) <= 0 < sought.nats_left(n - failures - 1, n - 1)


def test_what_is_not_seen_or_below_the_threshold_has_all_of_the_way_to_go():
    """As sure as the chance allowed says, and more by what was lost."""
    sought = Bounds(0.95, 0.05)
    assert sought.nats_left(0, 0) == pytest.approx(-math.log(0.05))
    assert sought.nats_left(8, 10) == pytest.approx(-math.log(0.05))
    assert Bounds(0.5, 0.05).nats_left(5, 10) == pytest.approx(-math.log(0.05))  # just at it


def test_the_parts_of_delta_add_up_to_it():
    """Over all candidates: nearly all of it over the first thousand, and never more."""
    assert 0.999 < sum(part(place) for place in range(1, 1001)) <= 1 + 1e-12


def test_candidates_are_counted_from_one():
    """There is none before the first."""
    with pytest.raises(ValueError, match="place is 0, expected at least 1"):
        part(0)
