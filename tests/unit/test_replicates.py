"""Replicates: the pool of the seeds, each alone, and all but each, for every label."""

from dataclasses import astuple
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.answer.attribution import Claim, Fit
from pipeline.judge.stability import stability
from pipeline.methods.replicates import Replicates, blocks, first, further
from pipeline.methods.stopping import stopped
from pipeline.methods.surrogate import Sample, jackknife, r2, r2_held_out, ridge
from pipeline.recipe import Recipe

ROWS, K = 12, 3


def drawn(seeds):
    """Masks under so many seeds, each mask with its own weight, and the scores of two labels, which no line fits."""
    generator = np.random.default_rng(seeds)
    masks = generator.random((seeds * ROWS, K)) < 0.5
    return Sample(masks, generator.random((len(masks), 2)), generator.random(len(masks)) + 0.5)


def fitted(sample):
    return ridge(sample, 0.1)


def claims(label):
    return (Claim("first", float(label.weights[0]), 0.5, label.label),)


def replicates(seeds):
    numbers = np.repeat(np.arange(seeds), ROWS)
    return Replicates.of(drawn(seeds), numbers, fitted), numbers


@pytest.mark.parametrize("seeds", [2, 3])
def test_the_pool_is_the_estimate_and_the_seeds_say_how_good_it_is(seeds):
    """By hand, label by label: weights of all rows, the error from all but each seed, and each seed's own weights,
    whose agreement is told with their own errors."""
    found, numbers = replicates(seeds)
    sample, made = drawn(seeds), Recipe("x", seeds=tuple(range(seeds)))
    pool, alone, others = (
        fitted(sample),
        [fitted(sample.at(numbers == seed)) for seed in range(seeds)],
        [fitted(sample.at(numbers != seed)) for seed in range(seeds)],
    )
    inside, outside = r2(sample, pool.predict(sample.masks)), r2_held_out(sample, numbers, others)
    assert found.asked == seeds
    for c, label in enumerate(found.explained(["a", "b"], made, claims)):
        own = np.array([one.coefficients[c] for one in alone])
        assert label.label == "ab"[c]
        np.testing.assert_array_equal(label.weights, pool.coefficients[c])
        np.testing.assert_array_equal(label.weights_by_seed, own)
        np.testing.assert_array_equal(label.std_error, jackknife(others)[c])
        assert label.fit == Fit(pool.intercepts[c], inside[c], outside[c])
        expected = stability(own, np.array([one.std_error[c] for one in alone]))
        np.testing.assert_equal(astuple(label.stability), astuple(expected))
        assert label.claims == (Claim("first", pool.coefficients[c, 0], 0.5, "ab"[c]),)


def test_one_seed_has_the_error_of_its_own_fit_and_is_held_out_in_folds():
    """There is no other seed that could tell either."""
    found, _ = replicates(1)
    sample, folds = drawn(1), np.repeat(np.arange(3), 4)
    np.testing.assert_array_equal(found.errors(), fitted(sample).std_error)
    [label, _] = found.explained(["a", "b"], Recipe("x", seeds=(1,)), claims)
    others = [fitted(sample.at(folds != fold)) for fold in range(3)]
    assert label.fit.r2_held_out == r2_held_out(sample, folds, others)[0]
    np.testing.assert_array_equal(label.std_error, fitted(sample).std_error[0])


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ([0, 0, 1, 1], [0, 0, 1, 1]),
        ([0, 0, 0, 1], [0, 0, 0, 1]),
        ([0] * 4, [0, 0, 1, 1]),
        ([0] * 11, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]),
        ([0] * 20, np.repeat(range(5), 4)),
    ],
)
def test_seeds_are_blocks_and_one_alone_is_cut(seeds, expected):
    """However few rows a seed has; the fewest even folds of one length that are no more than five."""
    found = blocks(np.array(seeds))
    assert found.dtype.kind == "i"
    np.testing.assert_array_equal(found, expected)


def test_why_there_are_no_more_seeds_is_told_of_every_label():
    """By the recipe's rule; nothing is told where all are asked at once."""
    found, _ = replicates(3)
    made = Recipe("x", seeds=(1, 2, 3), stopping={"first": 2, "precision": 0, "tie": 0})
    expected = stopped(made.rounds(), found.pooled, found.left_out, 3)
    assert [one.why for one in expected] == ["spent", "spent"]
    np.testing.assert_equal([astuple(one) for one in found.ends(made)], [astuple(one) for one in expected])
    told = [label.stability.stopped.why for label in found.explained(["a", "b"], made, claims)]
    assert told == ["spent", "spent"]
    assert found.ends(Recipe("x", seeds=(1, 2, 3))) == [None, None]
    more = Recipe("x", seeds=(1, 2, 3, 4), stopping={"first": 2, "precision": 0, "tie": 0})
    assert found.ends(more) == [None, None]


def test_the_next_seeds_are_asked_while_a_label_takes_more():
    """As many as the rule says, after those that were; all at once without a rule, and then no more."""
    made = Recipe("x", seeds=(9, 8, 7, 6, 5, 4, 3, 2), stopping={"first": 2, "step": 3})
    assert first(made) == (9, 8)
    assert first(Recipe("x", seeds=(9, 8, 7))) == (9, 8, 7)
    for ends, seeds in (([None, "parted"], (7, 6, 5)), (["parted", "futile"], ())):
        asked = SimpleNamespace(asked=2, ends=lambda told, ends=ends: ends if told is made else [])
        assert further(made, asked) == seeds
    at_once = Recipe("x", seeds=(9, 8, 7))
    assert further(at_once, SimpleNamespace(asked=2, ends=lambda _: [None])) == ()
