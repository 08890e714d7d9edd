"""Two attributions of one photograph: which test is asked, how it is scaled, and what noise does to it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.change import permutation
from pipeline.change.difference import Replicates, apart, differ
from pipeline.judge.stability import NEGLIGIBLE

K, NINE = 30, tuple(range(1, 82, 10))
OTHERS = tuple(range(2, 83, 10))


def weights(seed):
    return np.random.Generator(np.random.Philox(seed)).normal(size=K)


def replicates(true, noise, stream, seeds=NINE, common=0.0):
    """The rows of a model with these weights; the part `common` of the noise is the seed's, for any model alike."""
    shared = np.stack([np.random.Generator(np.random.Philox([7, seed])).normal(size=K) for seed in seeds])
    alone = np.random.Generator(np.random.Philox([8, stream])).normal(size=(len(seeds), K))
    by_seed = true + noise * (common * shared + math.sqrt(1 - common**2) * alone)
    return Replicates(by_seed.mean(axis=0), by_seed, seeds)


@pytest.mark.parametrize(("seeds", "test"), [(NINE, "paired"), (OTHERS, "permutation")])
def test_the_same_rows_are_no_difference(seeds, test):
    """Exactly, whichever test."""
    one = replicates(weights(1), 0.3, 1)
    found = differ(one, replace(one, seeds=seeds))
    assert (found.distance, found.p_value, found.test) == (0, 1, test)


@pytest.mark.parametrize("seeds", [NINE, OTHERS])
@pytest.mark.parametrize(("noise", "trials"), [(0.3, 150), (0.6, 150)])
def test_more_noise_alone_is_no_difference(noise, trials, seeds):
    """Models of the same expected weights, one of which has three or six times the other's noise: as many alarms as
    asked for, with what chance adds. Rows of length 1 each gave 20 % and 99 %."""
    true = weights(2)
    found = [
        differ(replicates(true, 0.1, 2 * i), replicates(true, noise, 2 * i + 1, seeds)).p_value for i in range(trials)
    ]
    assert np.mean(np.array(found) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_the_scale_of_either_does_not_matter():
    """How sure a model is, is no part of it."""
    one, other = replicates(weights(1), 0.3, 1), replicates(weights(2), 0.3, 2)
    found = differ(one, other)
    larger = differ(replace(one, pooled=9 * one.pooled, by_seed=9 * one.by_seed), other)
    for name in ("distance", "noise", "p_value"):
        assert getattr(larger, name) == pytest.approx(getattr(found, name), rel=1e-9)


@pytest.mark.parametrize("seeds", [NINE, OTHERS])
def test_the_order_of_seeds_and_places_does_not_matter(seeds):
    """Rows are paired by their seeds; a place is one place in both."""
    one, other = replicates(weights(1), 1.0, 1), replicates(weights(1) + 0.2, 1.0, 2, seeds)
    found = differ(one, other)
    assert 0 < found.p_value < 1
    moved = differ(one, replace(other, by_seed=other.by_seed[::-1], seeds=other.seeds[::-1]))
    turned = differ(*(replace(each, pooled=each.pooled[::-1], by_seed=each.by_seed[:, ::-1]) for each in (one, other)))
    for again in (moved, turned):
        assert again.p_value == pytest.approx(found.p_value, rel=1e-9)
        assert again.noise == pytest.approx(found.noise, rel=1e-9)


def test_what_a_seed_does_to_both_is_taken_out():
    """A shift far below the seeds' own noise, which is common to both models, is found under common seeds only."""
    true, shifted = weights(1), weights(1) + 0.1 * weights(2)
    before = replicates(true, 1.0, 1, common=0.999)
    after = {seeds: replicates(shifted, 1.0, 2, seeds, common=0.999) for seeds in (NINE, OTHERS)}
    assert differ(before, after[NINE]).p_value < 0.001
    assert differ(before, after[OTHERS]).p_value > 0.05


def test_three_pairs_of_nine_tell_more_than_all_rows():
    """And the distance is theirs: what the six other seeds make of it is no change."""
    true, shifted, seeds = weights(1), weights(1) + 0.1 * weights(2), (*NINE[:3], *OTHERS[:6])
    one, other = replicates(true, 1.0, 1, common=0.999), replicates(shifted, 1.0, 2, seeds, common=0.999)
    found = differ(one, other)
    assert found.test == "paired"
    assert found.p_value < 0.05 < permutation.p_value(one.scaled().by_seed, other.scaled().by_seed)
    assert found.distance < apart(one, other).distance / 2


@pytest.mark.parametrize(
    ("first", "second", "test"),
    [
        (NINE, NINE, "paired"),
        (NINE, NINE[:3], "paired"),
        (NINE[:3], NINE[:3], "paired"),
        (NINE, (*NINE[:3], *OTHERS[:6]), "paired"),
        (NINE, (*NINE[:2], *OTHERS[:7]), "permutation"),
        (NINE, OTHERS[:2], "permutation"),
        (NINE[:2], NINE[:2], None),
        (NINE[:1], NINE[:1], None),
        (NINE[:3], OTHERS[:3], None),
        (NINE[:1], tuple(range(2, 21)), "permutation"),  # 20 relabelings, the clearest of which is one in 20
        (NINE[:1], tuple(range(2, 20)), None),
        (NINE, (), None),
        ((), (), None),
    ],
)
def test_which_test_is_asked(first, second, test):
    """Pairs where three or more seeds are common, all rows where fewer are, none where the clearest would not tell."""
    many = tuple(range(20))
    one, other = replicates(weights(1), 0.1, 1, many), replicates(weights(2), 0.1, 2, many)
    one, other = (
        replace(each, by_seed=each.by_seed[: len(seeds)], seeds=seeds)
        for each, seeds in ((one, first), (other, second))
    )
    found = differ(one, other)
    assert found.test == test
    assert math.isnan(found.p_value) == (test is None)
    assert found.distance > 0.5


@pytest.mark.parametrize("seeds", [NINE, OTHERS])
def test_a_weight_that_is_no_number_leaves_it_untold(seeds):
    """Rather than that it changed."""
    one, other = replicates(weights(1), 0.1, 1), replicates(weights(2), 0.1, 2, seeds)
    other.by_seed[2, 3] = math.nan
    found = differ(one, other)
    assert math.isnan(found.p_value)
    assert found.test is None


@pytest.mark.parametrize(("seeds", "common"), [(NINE, 0.9), (OTHERS, 0.0)])
def test_noise_is_what_the_distance_would_be(seeds, common):
    """Squared and on average over models without a difference; what is along the weights changes no angle, so it is a
    little more."""
    found = [
        differ(replicates(weights(3), 0.3, 2 * i, common=common), replicates(weights(3), 0.3, 2 * i + 1, seeds, common))
        for i in range(150)
    ]
    squares = np.mean([[one.distance**2, one.noise**2] for one in found], axis=0)
    assert 0.85 < squares[0] / squares[1] < 1.05


def test_weights_of_nothing_are_at_no_distance():
    """Zero has no direction: no division by it, and no difference from itself."""
    nothing = Replicates(np.zeros(K), np.zeros((9, K)), NINE)
    found = differ(nothing, nothing)
    assert (found.distance, found.noise, found.p_value) == (0, 0, 1)
    assert apart(nothing, replicates(weights(1), 0.1, 1)).distance == pytest.approx(1)


def plain(pooled, by_seed, seeds):
    """Replicates of these numbers."""
    return Replicates(np.array(pooled, dtype=float), np.array(by_seed, dtype=float), seeds)


def test_distance_and_noise_by_hand():
    """Of weights over their length: 3-4-5 against 4-3-5. Noise is the variance of each row's mean, summed over places;
    under common seeds that of the differences."""
    one = plain([3, 4], [[3, 4], [3, 5], [3, 3]], (1, 2, 3))
    other = plain([8, 6], [[8, 6], [10, 6], [6, 6]], (1, 2, 3))
    free = apart(one, other)
    assert free.distance == pytest.approx(math.hypot(0.2, 0.2))
    assert free.noise == pytest.approx(math.sqrt(1 / 25 / 3 + 4 / 100 / 3))
    assert (math.isnan(free.p_value), free.test) == (True, None)
    assert differ(one, other).noise == pytest.approx(math.sqrt((4 / 100 + 1 / 25) / 3))
    assert differ(one, other).distance == free.distance
    assert math.isnan(apart(one, plain([8, 6], [[8, 6]], (1,))).noise)
    two = plain([8, 6], [[8, 6], [10, 6]], (4, 5))
    assert apart(one, two).noise == pytest.approx(math.sqrt(1 / 25 / 3 + 2 / 100 / 2))


def test_rows_of_weights_that_cancel_keep_their_length():
    """There is no length to take them over."""
    nothing = plain([0, 0], [[1, 0], [-1, 0]], (1, 2)).scaled()
    np.testing.assert_array_equal(nothing.by_seed, [[1, 0], [-1, 0]])
    assert nothing.seeds == (1, 2)


@pytest.mark.parametrize(("step", "p"), [(NEGLIGIBLE, 0), (0.99 * NEGLIGIBLE, 1)])
def test_from_a_thousandth_on_pairs_are_a_difference(step, p):
    """Less is rounding, however alike all pairs have it; some of the seeds are common, and those decide."""
    one = plain([1, 0], [[1, 0]] * 3, (1, 2, 3))
    found = differ(one, plain([1, 0], [[1, step]] * 3 + [[1, -3 * step]], (1, 2, 3, 4)))
    assert (found.p_value, found.test) == (p, "paired")
    assert found.distance == pytest.approx(step)


@pytest.mark.parametrize(("angle", "p"), [(1.01 * NEGLIGIBLE, 2 / 70), (0.99 * NEGLIGIBLE, 1)])
def test_from_a_thousandth_on_rows_are_a_difference(angle, p):
    """Under other seeds too: four rows against four, all alike within."""
    turned = [math.cos(angle), math.sin(angle)]
    found = differ(plain([1, 0], [[1, 0]] * 4, (1, 2, 3, 4)), plain(turned, [turned] * 4, (5, 6, 7, 8)))
    assert found.p_value == pytest.approx(p)
    assert found.test == "permutation"
