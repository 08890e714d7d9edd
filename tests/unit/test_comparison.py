"""Comparison: what changed on one photograph, and on how many of an archive."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from pipeline.answer.attribution import Errors
from pipeline.change.alignment import GRID, Seen, spread
from pipeline.change.comparison import compare
from pipeline.change.criteria import FALSE_ALARMS, LEAST_DISTANCE
from pipeline.change.moments import Moments
from pipeline.change.outcome import Tally, has_changed
from pipeline.change.permutation import discoveries
from pipeline.change.terms import Terms
from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.model.profile import Placement, Profile
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene
from pipeline.scene.segments import grid
from polelens.report.pages import environment
from polelens.report.sides import Card, Side, _told, _told_of_recipes
from storage.comparisons import Compared

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


def between(before, after, made=RECIPE, seen=None):
    """Two models compared, each given with the first of its nine seeds."""
    seeds = tuple(made.reseed(first_seed).seeds for _, first_seed in (before, after))
    return compare(explained(*before, made), explained(*after, made), seeds, seen)


def grounded(change, before, after):
    """The change, had the photograph a mask."""
    return replace(change, reliance_before=before, reliance_after=after)


def test_a_model_against_itself_is_no_change():
    """With the same seeds everything is alike."""
    predict = black_box(1)
    found = between((predict, 1), (predict, 1))
    assert (found.p_value, found.distance, found.noise, found.test) == (1, 0, 0, "paired")
    assert found.spearman == pytest.approx(1)
    assert found.top5_jaccard == 1
    assert found.overlap == pytest.approx(1)
    assert found.label_before == found.label_after
    assert not has_changed(found, 1)


@pytest.mark.parametrize(("made", "n"), [(RECIPE, 80), (ADAPTIVE, 40)], ids=["default", "adaptive"])
def test_a_model_against_itself_under_other_seeds_raises_few_alarms(made, n):
    """No more than the stated share, with what chance adds, pass for changed, each photograph judged alone; judged
    together, as an archive's are, hardly any does. So too where the answers decide how many seeds are asked."""
    found = [between((black_box(i), 1), (black_box(i), 2 + i % 8), made) for i in range(n)]
    p_values = np.array([one.p_value for one in found])
    assert (p_values <= FALSE_ALARMS).sum() <= n * FALSE_ALARMS + 3 * math.sqrt(n * FALSE_ALARMS)
    assert (p_values < 0.5).sum() > n / 4  # the test listens
    believed = discoveries(p_values[np.isfinite(p_values)], FALSE_ALARMS)
    assert sum(has_changed(one, believed) for one in found) <= 1


@pytest.mark.parametrize(("made", "n"), [(RECIPE, 40), (ADAPTIVE, 20)], ids=["default", "adaptive"])
def test_noise_of_its_own_is_no_change_under_the_same_seeds(made, n):
    """A model that answers a little otherwise each time is told from itself no more often than asked for, by the pairs
    of its seeds; so too where the answers decide how many seeds are asked."""

    def noisy(number, stream):
        steady, chance = black_box(number), np.random.Generator(np.random.Philox([number, stream]))
        return lambda s, m: (steady(s, m) + 0.05 * chance.normal(size=(len(m), 2))).astype(np.float32)

    found = [between((noisy(i, 1), 1), (noisy(i, 2), 1), made) for i in range(n)]
    assert {one.test for one in found} == {"paired"}
    p_values = np.array([one.p_value for one in found])
    assert (p_values <= FALSE_ALARMS).sum() <= n * FALSE_ALARMS + 3 * math.sqrt(n * FALSE_ALARMS)
    assert (p_values < 0.6).sum() > n / 5
    believed = discoveries(p_values, FALSE_ALARMS)
    assert sum(has_changed(one, believed) for one in found) <= 1


def test_another_model_is_a_change():
    """Models that weigh superpixels otherwise are told apart, and the figures say how far they are."""
    found = between((black_box(1), 1), (black_box(2), 2))
    assert found.p_value < 0.001
    assert found.test == "permutation"
    assert found.distance > 2 * found.noise
    assert found.spearman < 0.9 * found.seeds_spearman
    assert found.overlap < 0.9


def test_a_difference_below_the_seeds_own_is_none():
    """A model that is a little retrained is another one, but by less than seeds differ among themselves."""
    first, second = black_box(1), black_box(2)
    found = between((first, 1), (lambda s, m: 0.99 * first(s, m) + 0.01 * second(s, m), 2))
    assert found.p_value > FALSE_ALARMS


def test_the_same_seeds_find_what_other_seeds_cannot():
    """What the masks' choice does to both models alike is no noise between them: the same small change is found."""
    first, second = black_box(1), black_box(2)

    def retrained(scene, masks):
        return 0.98 * first(scene, masks) + 0.02 * second(scene, masks)

    paired, free = (between((first, 1), (retrained, first_seed)) for first_seed in (1, 2))
    assert (paired.test, free.test) == ("paired", "permutation")
    assert paired.noise < free.noise / 3
    assert paired.p_value < 0.001 < FALSE_ALARMS < free.p_value
    assert has_changed(paired, 0.001)


def test_a_change_too_small_to_matter_does_not_count():
    """However surely it is one."""
    first, second = black_box(1), black_box(2)
    found = between((first, 1), (lambda s, m: 0.998 * first(s, m) + 0.002 * second(s, m), 1))
    assert found.p_value < 0.001
    assert 0 < found.distance < LEAST_DISTANCE
    assert not has_changed(found, FALSE_ALARMS)
    assert has_changed(found, FALSE_ALARMS, found.distance)


def test_an_attribution_of_the_first_seeds_is_paired_with_those():
    """As the adaptive recipe leaves one that took fewer; it is the first seeds of the recipe that were used."""
    one, other = explained(black_box(1)), explained(black_box(2))
    [label] = other.labels
    fewer = replace(other, labels=(replace(label, errors=Errors(label.std_error, label.weights_by_seed[:4])),))
    found = compare(one, fewer, (RECIPE.seeds, RECIPE.seeds))
    assert found.test == "paired"
    whole = compare(one, other, (RECIPE.seeds, RECIPE.seeds[:4]))
    assert (found.p_value, found.noise) == (whole.p_value, whole.noise)


def test_confidence_alone_is_no_other_explanation():
    """A model that is half as sure of the same has the same attribution, and its own confidence."""
    first = black_box(1)
    found = between((first, 1), (lambda s, m: first(s, m) / 2, 1))
    assert found.distance < 1e-3
    assert found.p_value == 1
    assert found.confidence_after == pytest.approx(found.confidence_before / 2)


def test_three_seeds_tell_only_if_they_are_the_same():
    """20 relabelings cannot show what happens once in 20: nothing is said of other seeds, and no change is counted."""
    few = RECIPE.override({"seeds": [1, 11, 21], "samples": 256})
    same = between((black_box(1), 1), (black_box(2), 1), few)
    assert same.test == "paired"
    assert same.p_value <= 0.01
    found = between((black_box(1), 1), (black_box(2), 2), few)
    assert math.isnan(found.p_value)
    assert found.test is None
    tally = Tally(0.05)
    tally.add(found)
    assert "cannot be told, for want of seeds" in tally.outcome("poles@1", "poles@2").sentence


def test_an_outcome_says_by_which_test_and_from_which_distance():
    """As JSON, where it is kept; a photograph without a test counts under none."""
    tally = Tally(0.05, 0.25)
    change = between((black_box(1), 1), (black_box(2), 1))
    for test in ("paired", "paired", "permutation", None):
        tally.add(replace(change, test=test))
    tally.add(replace(change, distance=0.2))
    told = tally.outcome("poles@1", "poles@2").to_json()
    assert told["tests"] == {"paired": 3, "permutation": 1}
    assert told["least_distance"] == 0.25
    assert (told["counts"]["judged"], told["counts"]["changed"]) == (5, 4)


def test_a_constant_model_has_nothing_to_compare():
    """No weights: unknown correlations rather than perfect ones, and no change between two of the kind."""
    found = between(*((lambda _, m: np.full((len(m), 2), 0.5, np.float32), 1) for _ in range(2)))
    assert math.isnan(found.spearman)
    assert math.isnan(found.overlap)
    assert found.p_value == 1


def test_names_and_seeds_make_no_other_recipe():
    """What else differs is named, in order."""
    for same in (RECIPE, RECIPE.reseed(5), replace(RECIPE, name="other")):
        assert Terms.of(RECIPE, same, one_model=True).one_recipe
    other = Terms.of(RECIPE, RECIPE.override({"samples": 64, "fill": "black"}), one_model=True)
    assert (other.differing, other.one_recipe) == (("fill", "samples"), False)


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
    placed, plain = (between((black_box(1), 1), (black_box(2), 1), seen=one) for one in (seen, None))
    assert placed.overlap == pytest.approx(plain.overlap)
    assert placed.distance == pytest.approx(plain.distance)
    assert placed.noise > 0
    assert math.isnan(placed.p_value)
    assert placed.test is None


@pytest.mark.parametrize(
    "placement",
    [
        Placement(0, 0, 50, 30),  # the whole photograph
        Placement(10, 0, 40, 30),  # its middle
        Placement(-5, -7, 55, 44),  # more than there is of it
        Placement(12.5, 3.25, 33.3, 29.9),
        Placement(40, 20, 44, 24),  # a small part
        Placement(0.390625, 0.234375, 25.390625, 15.234375),  # from the middle of a cell to that of another
    ],
    ids=str,
)
def test_a_cell_is_of_the_superpixel_at_its_middle(placement):
    """Cell by cell, rows and columns apart; outside of what the network saw there is none."""
    segments = np.random.default_rng(0).integers(0, 9, (12, 17)).astype(np.int32)
    found = Seen(segments, placement, 50, 30).cells().reshape(GRID, GRID)
    for y in range(GRID):
        for x in range(GRID):
            down = ((y + 0.5) / GRID * 30 - placement.top) / (placement.bottom - placement.top)
            across = ((x + 0.5) / GRID * 50 - placement.left) / (placement.right - placement.left)
            seen = 0 <= down < 1 and 0 <= across < 1
            assert found[y, x] == (segments[int(down * 12), int(across * 17)] if seen else -1)
    assert found.dtype == np.int32


def test_weights_are_spread_evenly_over_the_cells_of_their_superpixels():
    """Row by row of many; one that holds no cell's middle is lost, and cells of none have nothing."""
    segments = np.zeros((128, 64), np.int32)
    segments[:, 32:] = 1
    segments[0, 0] = 2  # in the corner of a cell
    seen = Seen(segments, Placement(0, 0, 64, 32), 64, 64)  # the upper half
    weights = np.array([[1.0, 2.0, 9.0, 7.0], [-1.0, 0.0, 9.0, 7.0]])
    found = spread(seen, weights)
    expected = np.zeros((2, GRID, GRID))
    expected[:, :32, :32], expected[:, :32, 32:] = (weights[:, i, None, None] / (32 * 32) for i in (0, 1))
    np.testing.assert_allclose(found, expected.reshape(2, -1))
    np.testing.assert_array_equal(spread(seen, weights[0]), found[0])
    one = np.ones((GRID, GRID), np.int32)
    one[3, 4] = 0  # a superpixel of one cell
    assert spread(Seen(one, Placement(0, 0, 64, 64), 64, 64), weights[0, :2])[3 * GRID + 4] == 1


def test_an_archive_s_outcome_counts_and_says_which_way():
    """Better, worse and moved by less than a tenth; by label; predictions mended and broken."""
    change = between((black_box(1), 1), (black_box(2), 1))
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
    """It needs an interval that leaves out zero and a mean that two decimals show; without masks it says so. What
    alone leaves out zero is hardly a change, and its figures have no sign before zero."""
    change, tally = between((black_box(1), 1), (black_box(1), 1)), Tally(0)
    for step in steps:
        tally.add(grounded(change, 0.6, 0.6 + step))
    if not steps:
        tally.add(change)
    found = tally.outcome("poles@1", "poles@2")
    assert found.word == word
    same = "Hardly any change" if word == "same" and any(steps) and len(set(steps)) == 1 else "No change"
    assert found.sentence.startswith(
        {"better": "Better", "worse": "Worse", "same": same, "unknown": "Grounding cannot"}[word]
    )
    assert "-0.00" not in found.sentence


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


def test_a_method_without_seeds_is_compared_by_its_answers():
    """How far the answers lie apart is known, 0 where they are the same; that it is more than chance never is."""
    one, other = (without_seeds(explained(black_box(number))) for number in (1, 2))
    found, same = compare(one, other, (RECIPE.seeds, RECIPE.seeds)), compare(one, one, (RECIPE.seeds, RECIPE.seeds))
    assert 0 < found.distance <= 2
    assert same.distance == 0
    assert all(math.isnan(value) for value in (found.noise, found.p_value, found.seeds_spearman, same.p_value))


def without_seeds(attribution):
    """The same answer, as a method gives it that asks once."""
    labels = tuple(replace(label, errors=None, fit=None, stability=None) for label in attribution.labels)
    return replace(attribution, labels=labels)


def test_what_is_not_known_is_not_told():
    """The page says nothing of seeds where a method has none, nor of rank where an explanation has no order."""
    change = compare(*(without_seeds(explained(black_box(number))) for number in (1, 2)), (RECIPE.seeds, RECIPE.seeds))
    told = _told(Compared("ab", "a.jpg", None, "before", "after", False, False, None, change))
    assert any(line.startswith("Rank correlation") for line in told)
    assert not any("nan" in line or "seeds" in line for line in told)
    for no_order in (_told, _told_of_recipes):
        alike = Compared("ab", "a.jpg", None, "a", "b", False, False, None, replace(change, spearman=math.nan))
        assert no_order(alike)
        assert not any("nan" in line or "Rank" in line for line in no_order(alike))


def test_a_comparison_calls_the_object_by_the_audit_s_word():
    """In the answers under both; the colour stays that of the answer."""
    sides = [
        Side(when, when, "yes", 0.9, 0.1, words, None, None)
        for when, words in (("before", "sound, object"), ("after", "sound, background"))
    ]
    pair = environment().get_template("compared.html").module.pair
    html = str(pair(Card("a.jpg", None, sides, []), "pole"))
    assert '<span class="word good">sound, pole</span>' in html
    assert '<span class="word poor">sound, background</span>' in html
