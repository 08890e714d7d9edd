import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.conversation.designs import DESIGNS, coin, hadamard_fold, paired, shapley

superpixels = st.integers(1, 200)
seeds = st.integers(0, 2**32 - 1)
names = st.sampled_from(sorted(DESIGNS))

# SHA-256 of the packed rows of k 7, n 40, seed 3. Scores are kept beside the seed that made their masks: were a new
# NumPy to draw other rows, every score kept would belong to the wrong mask, and nothing else would say so.
GOLDEN = {
    "coin": "36e07bcae9ebf407",
    "bernoulli": "d79f3921baef73ff",
    "paired": "e3a04920a9220a60",
    "hadamard": "1c91797db69fe095",
    "shapley": "50dbc1dff708a368",
}


@settings(max_examples=60, deadline=None)
@given(names, superpixels, st.integers(1, 300), seeds)
def test_a_design_yields_n_masks_over_k_superpixels(name, k, n, seed):
    """A design yields n masks over k superpixels, the same each time."""
    masks = DESIGNS[name](k, n, seed)
    assert masks.shape == (n, k)
    assert masks.dtype == bool
    assert np.array_equal(masks, DESIGNS[name](k, n, seed))


@settings(max_examples=60, deadline=None)
@given(names, superpixels, st.integers(1, 200), st.integers(1, 300), seeds)
def test_more_samples_only_add_rows(name, k, n, more, seed):
    """The first n rows are the same however many are drawn, so that a probe can be lengthened."""
    assert np.array_equal(DESIGNS[name](k, n + more, seed)[:n], DESIGNS[name](k, n, seed))


@pytest.mark.parametrize("name", sorted(DESIGNS))
def test_seeds_and_neighbouring_keys_draw_different_masks(name):
    """Another seed draws other masks; so does another k (a replicate must be independent of its fellows)."""
    drawn = [DESIGNS[name](20, 64, seed)[1:].tobytes() for seed in range(30)]
    assert len(set(drawn)) == 30
    assert not np.array_equal(DESIGNS[name](20, 64, 1)[:, :19], DESIGNS[name](19, 64, 1))


@pytest.mark.parametrize("name", sorted(DESIGNS))
def test_the_rows_of_a_seed_never_change(name):
    """The same k, n and seed give the same rows on every machine and under every version of NumPy."""
    packed = np.packbits(DESIGNS[name](7, 40, 3)).tobytes()
    assert hashlib.sha256(packed).hexdigest().startswith(GOLDEN[name])


@settings(max_examples=40, deadline=None)
@given(superpixels, seeds, st.integers(0, 1))
def test_within_a_block_superpixels_are_balanced_and_orthogonal(k, seed, block):
    """In a whole Hadamard block each superpixel is on in half the rows, each pair together in a quarter."""
    order = 1 << k.bit_length()
    rows = hadamard_fold(k, 4 * order, seed)[block * 2 * order : (block + 1) * 2 * order].astype(int)
    together = rows.T @ rows
    assert (np.diag(together) == order).all()
    assert (together[~np.eye(k, dtype=bool)] == order // 2).all()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([hadamard_fold, paired, shapley]), superpixels, st.integers(1, 150), seeds)
def test_each_row_is_followed_by_its_complement(design, k, pairs, seed):
    """Rows come in fold-over pairs: a mask, then its complement."""
    masks = design(k, 2 * pairs, seed)
    assert np.array_equal(masks[0::2], ~masks[1::2])


def test_a_fold_over_clears_main_effects_of_two_way_interactions():
    """Without kernel weights, products of two superpixels do not move any main effect of the Hadamard design."""
    signs = 2.0 * hadamard_fold(12, 32, 8) - 1
    products = np.stack([signs[:, i] * signs[:, j] for i in range(12) for j in range(i)], axis=1)
    assert np.abs(signs.T @ products).max() == 0


def test_a_single_row_of_a_design_of_coins_is_a_fair_coin():
    """Over seeds, each entry of the second row is on about half the time, whatever its neighbours are."""
    for design in (coin, paired, hadamard_fold):
        rows = np.stack([design(9, 2, seed)[1] for seed in range(600)]).astype(float)
        assert np.abs(rows.mean(axis=0) - 0.5).max() < 0.1  # five standard errors
        assert np.abs(np.corrcoef(rows.T) - np.eye(9)).max() < 0.21


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(1, 4), seeds)
def test_every_size_between_none_and_all_is_alike_often(k, decks, seed):
    """In whole decks of sizes; of few superpixels until a size is used up."""
    sizes = shapley(k, 2 * decks * (k - 1), seed).sum(axis=1)
    if k > 2 * decks:
        assert (np.bincount(sizes, minlength=k + 1) == [0, *[2 * decks] * (k - 1), 0]).all()
    assert sizes.min() >= 1 and sizes.max() <= k - 1


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 9), seeds)
def test_every_mask_comes_once_before_any_comes_again(k, seed):
    """Of few superpixels all masks but the two ends, each once, and then each once more."""
    masks = shapley(k, 2 * (2**k - 2), seed)
    for half in np.split(masks, 2):
        assert len(np.unique(half, axis=0)) == 2**k - 2


def test_superpixels_of_a_size_are_drawn_alike():
    """Over seeds each of twelve is on in a row of size s with the probability s/12, whatever its place."""
    rows = np.concatenate([shapley(12, 22, seed) for seed in range(400)])
    of_size = rows[rows.sum(axis=1) == 3]
    assert of_size.mean(axis=0) == pytest.approx(np.full(12, 0.25), abs=0.08)  # five standard errors


@settings(max_examples=30, deadline=None)
@given(superpixels, st.integers(1, 100), seeds)
def test_coin_is_the_stream_of_the_lime_package(k, n, seed):
    """The coin design is lime's: one number drawn for the segmenter, then n k flips, then the first row all ones."""
    random = np.random.RandomState(seed)
    random.randint(0, high=1000)
    expected = random.randint(0, 2, n * k).reshape((n, k))
    expected[0, :] = 1
    assert np.array_equal(coin(k, n, seed), expected.astype(bool))


def test_many_superpixels_do_not_fill_the_memory():
    """A segmentation of thousands of superpixels is drawn in megabytes, not gigabytes."""
    assert hadamard_fold(3000, 16, 1).shape == (16, 3000)
