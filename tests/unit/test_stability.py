import math
from dataclasses import asdict
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import kendalltau, spearmanr

from pipeline.judge.stability import (
    NEGLIGIBLE,
    csi,
    kendall,
    rerun,
    sign_agreement,
    spearman,
    stability,
    top_jaccard,
    top_jaccard_chance,
    top_sets,
    vsi,
)

shapes = st.tuples(st.integers(2, 6), st.integers(2, 14))
whole = hnp.arrays(np.float64, shapes, elements=st.integers(-5, 5).map(float))  # with ties, zeros and constant rows


def naive_top(row, top):
    """The `top` largest in absolute weight by sorting, equal ones by their number, zeros never."""
    order = sorted(range(len(row)), key=lambda j: (-abs(row[j]), j))
    return {j for j in order[:top] if row[j] != 0}


def mean_pair(rows, figure):
    return float(np.mean([figure(a, b) for a, b in combinations(rows, 2)]))


@settings(max_examples=80, deadline=None)
@given(whole)
def test_rank_correlations_are_scipy_s_averaged_over_pairs(weights):
    """Spearman and Kendall's tau-b, ties and all, equal scipy's for each pair of seeds, averaged."""
    assume((np.ptp(weights, axis=1) > 0).all())
    assert spearman(weights) == pytest.approx(mean_pair(weights, lambda a, b: spearmanr(a, b)[0]), abs=1e-9)
    assert kendall(weights) == pytest.approx(mean_pair(weights, lambda a, b: kendalltau(a, b)[0]), abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(whole, st.integers(1, 12))
def test_top_sets_agree_as_the_definitions_say(weights, top):
    """Jaccard and VSI by naive loops over pairs of sets of the largest in absolute weight."""
    sets = [naive_top(row, top) for row in weights]
    jaccard = mean_pair(sets, lambda a, b: len(a & b) / len(a | b) if a | b else 1)
    selected = mean_pair(sets, lambda a, b: len(a & b) / max(len(a), len(b)) if a | b else 1)
    assert top_jaccard(weights, top) == pytest.approx(jaccard, abs=1e-12)
    assert vsi(weights, top) == pytest.approx(100 * selected, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(10, 14)), elements=st.floats(0.01, 1)))
def test_vsi_is_visani_s_sum(weights):
    """Where every seed selects p, VSI is 100 sum |F_i & F_j| / (pairs p), as Visani et al. write it."""
    sets = [naive_top(row, 10) for row in weights]
    shared = [len(a & b) for a, b in combinations(sets, 2)]
    assert vsi(weights) == pytest.approx(100 * sum(shared) / (len(shared) * 10), abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(shapes, st.integers(0, 10**6))
def test_csi_is_the_share_of_overlapping_intervals(shape, seed):
    """CSI by a naive loop: for each superpixel the pairs of 95 % intervals that overlap, averaged over superpixels."""
    generator = np.random.default_rng(seed)
    weights, errors = generator.normal(size=shape), generator.random(shape)
    shares = []
    for j in range(shape[1]):
        spans = [(w - 1.959964 * e, w + 1.959964 * e) for w, e in zip(weights[:, j], errors[:, j], strict=True)]
        shares.append(np.mean([max(a[0], b[0]) < min(a[1], b[1]) for a, b in combinations(spans, 2)]))
    assert csi(weights, errors) == pytest.approx(100 * np.mean(shares), abs=1e-9)


def test_csi_rewards_wide_intervals_and_is_unknown_without_them():
    """The warning in its docstring: errors large enough make any seeds agree; without errors there is no CSI."""
    weights = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert csi(weights, np.full((2, 2), 0.1)) == 0
    assert csi(weights, np.full((2, 2), 10.0)) == 100
    assert math.isnan(csi(weights, np.array([[0.1, 0.1], [0.1, np.nan]])))


@pytest.mark.parametrize(("k", "top"), [(k, top) for k in (1, 2, 5, 7) for top in (1, 3, 5, 10)])
def test_chance_is_the_mean_over_all_pairs_of_sets(k, top):
    """The chance of a Jaccard index is its mean over all pairs of sets of that size, counted out one by one."""
    sets = [set(chosen) for chosen in combinations(range(k), min(top, k))]
    expected = np.mean([len(a & b) / len(a | b) for a in sets for b in sets])
    assert top_jaccard_chance(k, top) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("figure", [spearman, kendall, lambda w: top_jaccard(w, 3), sign_agreement, vsi])
@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(st.integers(2, 5), st.integers(2, 14)), seed=st.integers(0, 10**6))
def test_agreement_knows_neither_the_seeds_order_nor_the_superpixels_numbers(figure, shape, seed):
    """Every figure stays when seeds or superpixels are renumbered, zeros among the weights too."""
    generator = np.random.default_rng(seed)
    weights = generator.normal(size=shape) * (generator.random(shape[1]) < 0.5)
    weights[:, 0] = 1 + generator.random(shape[0])
    shuffled = weights[generator.permutation(shape[0])][:, generator.permutation(shape[1])]
    assert figure(shuffled) == pytest.approx(figure(weights), abs=1e-9, nan_ok=True)


def test_seeds_that_agree_have_every_figure_at_its_top():
    """The same weights under every seed: correlation and overlap 1, indices 100."""
    weights = np.tile(np.linspace(-1, 1.3, 12), (4, 1))
    found = stability(weights, np.full_like(weights, 0.01))
    assert (found.spearman, found.kendall) == pytest.approx((1, 1))
    assert (found.top3_jaccard, found.top5_jaccard, found.top10_jaccard, found.sign_agreement) == (1, 1, 1, 1)
    assert (found.vsi, found.csi, found.seeds) == (100, 100, 4)


def test_seeds_that_contradict_each_other():
    """Two seeds with opposite weights: correlation -1, no common sign, but the same superpixels stand out."""
    weights = np.array([[3.0, 2, 1, -1], [-3.0, -2, -1, 1]])
    found = stability(weights, np.full_like(weights, 0.01))
    assert (found.spearman, found.kendall) == pytest.approx((-1, -1))
    assert (found.sign_agreement, found.csi, found.top3_jaccard) == (0, 0, 1)


def test_a_case_worked_by_hand():
    """Three superpixels of five shared in the top; two signs of six alike."""
    weights = np.array([[9.0, 8, 7, 6, 5, -1], [9.0, 8, 7, -5, -5.5, 6]])
    assert top_jaccard(weights, 3) == 1
    assert top_jaccard(weights, 4) == pytest.approx(3 / 5)
    assert vsi(weights, 4) == 75
    assert sign_agreement(weights) == pytest.approx(3 / 6)


def test_what_weighs_next_to_nothing_has_no_order_and_no_place_among_the_top():
    """Superpixels below a thousandth of the largest weight are shrinkage and rounding: seeds need not agree on them."""
    generator = np.random.default_rng(0)
    weights = generator.normal(size=(5, 30)) * NEGLIGIBLE / 10
    weights[:, :3] = [0.5, 0.3, -0.2]
    found = stability(weights, np.full_like(weights, 0.01))
    assert (found.spearman, found.kendall) == pytest.approx((1, 1))
    assert (found.top5_jaccard, found.top10_jaccard, found.vsi) == (1, 1, 100)


def test_a_superpixel_of_no_weight_agrees_on_no_sign():
    """Zero is no sign: a superpixel at exactly zero under any seed is not counted as agreed."""
    assert sign_agreement(np.array([[1.0, 0, -1], [1.0, 0, 0]])) == pytest.approx(1 / 3)


@pytest.mark.parametrize("weights", [np.ones((1, 6)), np.zeros((9, 6))])
def test_one_seed_or_no_weight_at_all_has_no_stability(weights):
    """With one seed, or a model that does not react, agreement is unknown, not perfect."""
    found = asdict(stability(weights, np.zeros_like(weights)))
    assert (found.pop("seeds"), found.pop("stopped")) == (len(weights), None)
    assert all(math.isnan(value) for value in found.values())


@pytest.mark.parametrize("nothing", [[0.0, 0, 0], [0.5, 0.5, 0.5]], ids=["zeros", "all alike"])
def test_a_seed_that_finds_nothing_disagrees_with_those_that_do(nothing):
    """Its ranks agree with nobody's, not even with another's that finds nothing: a pair that has it counts as zero."""
    finds = [0.1, 0.2, 0.3]
    for rows, share in (([nothing, finds], 0), ([nothing, finds, finds], 1 / 3), ([nothing, nothing, finds], 0)):
        found = stability(np.array(rows), np.zeros((len(rows), 3)))
        assert (found.spearman, found.kendall) == pytest.approx((share, share))


def test_a_seed_of_zeros_shares_no_superpixel():
    """It has no top and no sign."""
    found = stability(np.array([[0.0, 0, 0], [1.0, 2, 3]]), np.zeros((2, 3)))
    assert (found.top3_jaccard, found.vsi, found.sign_agreement) == (0, 0, 0)


def test_where_no_seed_tells_superpixels_apart_there_are_no_ranks():
    """All weigh alike under every seed: agreement of ranks is unknown, not none and not perfect."""
    found = stability(np.full((3, 6), 0.2), np.zeros((3, 6)))
    assert math.isnan(found.spearman)
    assert math.isnan(found.kendall)


def test_one_superpixel_alone_has_no_rank():
    """With k = 1 there is nothing to rank, and no warning."""
    found = stability(np.array([[0.5], [0.6]]), np.full((2, 1), 0.1))
    assert math.isnan(found.spearman)
    assert math.isnan(found.kendall)
    assert (found.sign_agreement, found.csi, found.top3_jaccard_chance) == (1, 100, 1)


def test_all_figures_are_those_of_their_functions():
    """Each under its own name, with its own number of superpixels."""
    weights = np.random.default_rng(4).normal(size=(3, 14))
    errors = np.full_like(weights, 0.3)
    found = stability(weights, errors)
    assert (found.spearman, found.kendall) == (spearman(weights), kendall(weights))
    for top in (3, 5, 10):
        assert getattr(found, f"top{top}_jaccard") == top_jaccard(weights, top)
        assert getattr(found, f"top{top}_jaccard_chance") == top_jaccard_chance(14, top)
    assert (found.sign_agreement, found.vsi, found.csi) == (sign_agreement(weights), vsi(weights), csi(weights, errors))


@pytest.mark.parametrize(("size", "counted"), [(NEGLIGIBLE, True), (0.99 * NEGLIGIBLE, False)])
def test_a_thousandth_of_the_largest_counts(size, counted):
    """Of each seed's own largest, whatever its sign; less is nothing."""
    assert top_sets(np.array([[-1.0, size, 0], [size, 2.0, 0]]), 3) == [{0, 1} if counted else {0}, {1}]


@pytest.mark.parametrize("figure", [spearman, kendall])
def test_no_correlation_is_beyond_one(figure):
    """Exactly, whatever rounding makes of the lengths of so many ranks."""
    for k in range(2, 60):
        rows = np.arange(k) * np.array([[1.0], [2.0], [-1.0]])
        assert figure(rows[:2]) <= 1
        assert figure(rows[1:]) >= -1


def test_intervals_that_touch_overlap():
    """They hold their ends: two of no width overlap where they are one point."""
    assert csi(np.array([[1.0, 2.0], [1.0, 3.0]]), np.zeros((2, 2))) == 50


def test_of_equal_weights_the_first_superpixels_are_the_top():
    """However many there are, so that every machine names the same."""
    weights = np.random.default_rng(0).integers(1, 4, (2, 300)).astype(float)
    assert top_sets(weights, 50) == [naive_top(row, 50) for row in weights]


@pytest.mark.parametrize(("of_two", "seeds"), [(0.5, 9), (0.2, 3), (0.9, 2), (0.7, 1)])
def test_the_correlation_of_two_reruns_is_spearman_s_and_brown_s(of_two, seeds):
    """That of means of n values which correlate by `of_two`: their covariance over their variance, item by item."""
    variance = (seeds + seeds * (seeds - 1) * of_two) / seeds**2  # of each mean, items of variance 1
    assert rerun(of_two, seeds) == pytest.approx(of_two / variance)


def test_seeds_that_contradict_each_other_promise_no_agreement_of_reruns():
    """No negative one either; and of what is unknown nothing is known."""
    assert (rerun(-0.4, 9), rerun(0.0, 9), rerun(1.0, 9)) == (0, 0, 1)
    assert math.isnan(rerun(math.nan, 9))
