"""Comparison: what changed on one photograph, and on how many of an archive."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from pipeline.change.alignment import GRID, Seen, spread
from pipeline.change.comparison import FALSE_ALARMS, comparable, compare
from pipeline.change.outcome import Moments, Tally, has_changed
from pipeline.change.permutation import discoveries
from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.model.profile import Profile
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene
from pipeline.scene.segments import grid

K = 16
RECIPE = recipe("default").override({"judge": False, "samples": 32, "labels": ["yes"]})
ADAPTIVE = recipe("adaptive").override({"judge": False, "samples": 32, "labels": ["yes"]})
CANVAS = np.full((32, 32, 3), 200, dtype=np.uint8)
SCENE = Scene(CANVAS, grid(CANVAS, K), np.zeros_like(CANVAS))


def black_box(number, main=1.0):
    """A model of masks with interactions, so that seeds differ: its weights and pairs come from a number."""
    generator = np.random.Generator(np.random.Philox(number))
    weights, pairs = main * generator.normal(size=K), generator.normal(size=(K, K)) * 0.6

    def predict(_, masks):
        on = masks.astype(float)
        yes = 1 / (1 + np.exp(-(on @ weights + np.einsum("ni,ij,nj->n", on - 0.5, pairs, on - 0.5))))
        return np.stack([yes, 1 - yes], axis=1).astype(np.float32)

    return predict


def explained(predict, first_seed=1, made=RECIPE):
    """The attribution of a model under nine seeds, the first of which is given."""
    return explain(SCENE, explainer(made.reseed(first_seed), ("yes", "no")), predict)


def grounded(change, before, after):
    """The change, had the photograph a mask."""
    return replace(change, reliance_before=before, reliance_after=after)


def test_a_model_against_itself_is_no_change():
    """With the same seeds everything is alike."""
    predict = black_box(1)
    found = compare(explained(predict), explained(predict))
    assert (found.p_value, found.distance) == (1, 0)
    assert found.spearman == pytest.approx(1)
    assert found.top5_jaccard == 1
    assert found.overlap == pytest.approx(1)
    assert found.label_before == found.label_after
    assert found.noise > 0


@pytest.mark.parametrize(("made", "n"), [(RECIPE, 80), (ADAPTIVE, 40)], ids=["default", "adaptive"])
def test_a_model_against_itself_under_other_seeds_raises_few_alarms(made, n):
    """No more than the stated share, with what chance adds, pass for changed, each photograph judged alone; judged
    together, as an archive's are, hardly any does. So too where the answers decide how many seeds are asked."""
    found = [compare(explained(black_box(i), 1, made), explained(black_box(i), 2 + i % 8, made)) for i in range(n)]
    p_values = np.array([one.p_value for one in found])
    assert (p_values <= FALSE_ALARMS).sum() <= n * FALSE_ALARMS + 3 * math.sqrt(n * FALSE_ALARMS)
    assert (p_values < 0.5).sum() > n / 4  # the test listens
    believed = discoveries(p_values[np.isfinite(p_values)], FALSE_ALARMS)
    assert sum(has_changed(one, believed) for one in found) <= 1


def test_another_model_is_a_change():
    """Models that weigh superpixels otherwise are told apart, and the figures say how far they are."""
    found = compare(explained(black_box(1)), explained(black_box(2), 2))
    assert found.p_value < 0.001
    assert found.distance > 2 * found.noise
    assert found.spearman < 0.9 * found.seeds_spearman
    assert found.overlap < 0.9


def test_a_difference_below_the_seeds_own_is_none():
    """A model that is a little retrained is another one, but by less than seeds differ among themselves."""
    first, second = black_box(1), black_box(2)
    found = compare(explained(first), explained(lambda s, m: 0.99 * first(s, m) + 0.01 * second(s, m), 2))
    assert found.p_value > FALSE_ALARMS


def test_confidence_alone_is_no_other_explanation():
    """A model that is half as sure of the same has the same attribution, and its own confidence."""
    first = black_box(1)
    found = compare(explained(first), explained(lambda s, m: first(s, m) / 2))
    assert found.distance < 1e-3
    assert found.p_value == 1
    assert found.confidence_after == pytest.approx(found.confidence_before / 2)


def test_three_seeds_cannot_tell():
    """20 relabelings cannot show what happens once in 20: nothing is said, and no change is counted."""
    few = RECIPE.override({"seeds": [1, 11, 21]})
    found = compare(explained(black_box(1), made=few), explained(black_box(2), made=few))
    assert math.isnan(found.p_value)
    tally = Tally(0.05)
    tally.add(found)
    assert "cannot be told, for want of seeds" in tally.outcome("poles@1", "poles@2").sentence


def test_a_constant_model_has_nothing_to_compare():
    """No weights: unknown correlations rather than perfect ones, and no change between two of the kind."""
    found = compare(*(explained(lambda _, m: np.full((len(m), 2), 0.5, np.float32)) for _ in range(2)))
    assert math.isnan(found.spearman)
    assert math.isnan(found.overlap)
    assert found.p_value == 1


def test_recipes_may_differ_in_seeds_only():
    """What else differs is named."""
    comparable(RECIPE, RECIPE.reseed(5))
    comparable(RECIPE, replace(RECIPE, name="other"))
    with pytest.raises(ValueError, match=r"recipes differ in fill, samples"):
        comparable(RECIPE, RECIPE.override({"fill": "black", "samples": 64}))


def test_other_superpixels_are_compared_on_the_photograph():
    """The same map over finer superpixels, seen through another crop, is the same; another place is not."""
    wide, stretched = Profile(32), Profile(64, crop="stretch")
    coarse = Seen(grid(np.zeros((32, 32, 3), np.uint8), 16), wide.placement(96, 48), 96, 48)
    fine = Seen(grid(np.zeros((64, 64, 3), np.uint8), 1024), stretched.placement(96, 48), 96, 48)
    weights = np.zeros(16)
    weights[5] = 1.0
    place = spread(coarse, weights).reshape(GRID, GRID)
    assert place.sum() == pytest.approx(1)
    rows, columns = np.nonzero(place)
    assert (rows.min(), rows.max()) == (16, 31)  # the second of four rows
    assert (columns.min() / GRID * 96, (columns.max() + 1) / GRID * 96) == (36, 48)  # of the middle 48 pixels
    on = np.zeros(fine.segments.max() + 1)
    on[np.unique(fine.segments[16:32, 24:32])] = 1 / 32
    np.testing.assert_allclose(spread(fine, on).sum(), 1, atol=0.01)
    assert np.minimum(spread(fine, on), spread(coarse, weights)).sum() > 0.95
    seen = (coarse, coarse)
    first, second = explained(black_box(1)), explained(black_box(2))
    assert compare(first, second, seen).overlap == pytest.approx(compare(first, second).overlap)
    assert compare(first, second, seen).distance > 0.1
    assert math.isnan(compare(first, second, seen).p_value)


def test_an_archive_s_outcome_counts_and_says_which_way():
    """Better, worse and moved by less than a tenth; by label; predictions mended and broken."""
    change = compare(explained(black_box(1)), explained(black_box(2)))
    tally = Tally(believed=0.05)
    calm = replace(change, p_value=0.9)
    other = "no" if change.label_before == "yes" else "yes"
    for one, label in (
        (grounded(change, 0.9, 0.2), "TRE"),
        (grounded(change, 0.8, 0.3), "TRE"),
        (grounded(change, 0.1, 0.4), "STAAL"),
        (grounded(change, 0.5, 0.45), None),
        (grounded(calm, 0.9, 0.1), None),
        (grounded(replace(change, p_value=math.nan), 0.9, 0.1), None),
        (replace(change, label_after=other), other),
        (replace(change, label_after=other), change.label_before),
    ):
        tally.add(one, label)
    found = tally.outcome("poles@1", "poles@2")
    assert (found.counts.compared, found.counts.changed, found.counts.better, found.counts.worse) == (8, 6, 3, 1)
    assert (found.counts.relabelled, found.counts.mended, found.counts.broken) == (2, 1, 1)
    assert (found.by_label["TRE"].better, found.by_label["STAAL"].worse) == (2, 1)
    assert found.reliance.difference.n == 6
    assert found.to_json()["reliance"]["before"]["mean"] == pytest.approx(4.1 / 6)


@pytest.mark.parametrize(
    ("steps", "word"),
    [
        ([-0.5, -0.4, -0.6] * 2, "better"),
        ([0.5, 0.4, 0.3] * 2, "worse"),
        ([0.4, -0.4, 0.1, -0.3, 0.1, 0.1], "same"),
        ([0.0] * 6, "same"),
        ([-0.001] * 6, "same"),
        ([-0.5] * 5, "unknown"),
        ([], "unknown"),
    ],
)
def test_the_verdict_is_the_interval_s(steps, word):
    """It needs an interval that leaves out zero and a mean that two decimals show; without masks it says so."""
    change, tally = compare(explained(black_box(1)), explained(black_box(1))), Tally(0)
    for step in steps:
        tally.add(grounded(change, 0.6, 0.6 + step))
    if not steps:
        tally.add(change)
    found = tally.outcome("poles@1", "poles@2")
    assert found.word == word
    assert found.sentence.startswith(
        {"better": "Better", "worse": "Worse", "same": "No change", "unknown": "Grounding cannot"}[word]
    )


def test_the_interval_holds_the_mean_as_often_as_it_says():
    """95 % of samples of 24 bounded differences have an interval that holds their true mean, give or take chance."""
    generator = np.random.Generator(np.random.Philox(9))
    hits = 0
    for _ in range(2000):
        moments = Moments()
        for value in generator.beta(2, 3, 24) - generator.beta(2, 2, 24):
            moments.add(float(value))
        found = moments.student()
        hits += found.low <= 0.4 - 0.5 <= found.high
    assert 0.935 <= hits / 2000 <= 0.965


def test_audits_with_nothing_in_common_say_so() -> None:
    """Rather than that a mask is missing."""
    assert Tally(0).outcome("poles@1", "poles@2").sentence.startswith("Nothing to compare")


def test_the_interval_of_a_mean_is_wilson_s() -> None:
    """scipy's for a proportion, of any mean in 0..1; unknown for one photograph."""
    for n, k in ((2, 0), (9, 8), (24, 24), (40, 13)):
        moments = Moments()
        for value in [1.0] * k + [0.0] * (n - k):
            moments.add(value)
        expected = binomtest(k, n).proportion_ci(method="wilson")
        found = moments.wilson()
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    alone = Moments()
    alone.add(0.3)
    assert math.isnan(alone.wilson().low)
    assert math.isnan(alone.student().low)
