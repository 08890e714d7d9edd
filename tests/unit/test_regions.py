"""Regions at several scales, and their ranking: the same as by going through every region, pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data
from skimage.morphology import dilation, disk

from pipeline.methods.region_ranking import ranked
from pipeline.scene.regions import SCALES, apart, grown, regions
from pipeline.scene.segments import grid

ROCKET = data.rocket()[::4, ::5]  # neither square nor the size that is cut


def naive(attribution, masks, least):
    """Algorithm 1 of the paper, with density in the place of the sum: [(pixels added, density)], densest first."""
    shown, added, left = np.zeros(attribution.shape, bool), [], list(masks)
    while left := [mask for mask in left if (mask & ~shown).sum() >= least]:
        best = max(left, key=lambda mask: attribution[mask & ~shown].mean())
        added.append((best & ~shown, attribution[best & ~shown].mean()))
        shown |= best
    return sorted(added, key=lambda one: -one[1]) + ([(~shown, attribution[~shown].mean())] if not shown.all() else [])


def naive_fast(attribution, masks, least):
    """The same with the regions put in order once."""
    shown, added = np.zeros(attribution.shape, bool), []
    for mask in sorted((mask for mask in masks if mask.any()), key=lambda mask: -attribution[mask].mean()):
        if (mask & ~shown).sum() >= least:
            added.append((mask & ~shown, attribution[mask & ~shown].mean()))
            shown |= mask
    return sorted(added, key=lambda one: -one[1]) + ([(~shown, attribution[~shown].mean())] if not shown.all() else [])


@given(st.integers(0, 10_000), st.booleans(), st.integers(1, 6))
def test_the_ranking_is_that_of_going_through_all_regions(seed, fast, least):
    """Full and fast: the pixels of each rank, and their density, are those of the naive algorithm."""
    rng = np.random.default_rng(seed)
    attribution, masks = rng.normal(size=(6, 7)), rng.random((rng.integers(1, 9), 6, 7)) < rng.uniform(0.05, 0.6)
    found = ranked(attribution, masks, fast=fast, least=least)
    expected = (naive_fast if fast else naive)(attribution, masks, least)
    assert len(found.density) == len(expected)
    for place, (pixels, density) in enumerate(expected):
        np.testing.assert_array_equal(found.rank == place, pixels)
        assert found.density[place] == pytest.approx(density)
    assert fast or (ranked(attribution, masks, least=least).rank == found.rank).all()  # unless told


@given(st.integers(0, 10_000), st.booleans())
def test_what_the_map_says_in_all_is_what_the_attribution_said(seed, fast):
    """The map's sum is the attribution's, whatever the regions: completeness is kept."""
    rng = np.random.default_rng(seed)
    attribution, masks = rng.normal(size=(9, 5)), rng.random((4, 9, 5)) < 0.3
    heat = ranked(attribution, masks, fast=fast, least=3).heat
    assert heat.sum() == pytest.approx(attribution.sum(), abs=1e-4)


def test_of_superpixels_the_ranking_is_by_density():
    """Regions that do not overlap come in order of their mean attribution, full and fast."""
    segments = grid(np.zeros((20, 30, 3), np.uint8), 12)
    attribution = np.random.default_rng(0).normal(size=segments.shape)
    k = segments.max() + 1
    means = np.bincount(segments.ravel(), attribution.ravel()) / np.bincount(segments.ravel())
    order = np.empty(k, int)
    order[np.argsort(-means)] = np.arange(k)
    for fast in (False, True):
        np.testing.assert_array_equal(ranked(attribution, apart(segments), fast=fast, least=1).rank, order[segments])


def test_the_region_of_a_planted_object_comes_first():
    """Attribution inside one superpixel alone: it has rank 0, and the others nothing."""
    segments = grid(np.zeros((20, 30, 3), np.uint8), 12)
    found = ranked(np.where(segments == 5, 2.0, 0.0), apart(segments), least=1)
    np.testing.assert_array_equal(found.rank == 0, segments == 5)
    np.testing.assert_array_equal(found.heat, np.where(segments == 5, np.float32(2), np.float32(0)))


def test_a_piece_grows_as_under_dilation_by_a_disk():
    """`grown` is morphological dilation by a disk, at the borders too."""
    pieces = np.random.default_rng(1).integers(0, 6, (4, 5)).repeat(6, 0).repeat(7, 1)
    for reach in (1, 5):
        expected = [dilation(pieces == piece, footprint=disk(reach)) for piece in range(6)]
        np.testing.assert_array_equal(grown(pieces, reach), expected)


def test_regions_cover_the_canvas_at_each_scale():
    """Every pixel lies in at least as many regions as there are scales, and none of them is empty."""
    masks = regions(ROCKET)
    assert masks.shape[1:] == ROCKET.shape[:2]
    assert (masks.sum(axis=0) >= len(SCALES)).all()
    assert masks.any(axis=(1, 2)).all()


def test_a_canvas_of_one_color_is_one_region_at_each_scale():
    """There is nothing to cut, and nothing is divided by zero."""
    assert regions(np.full((40, 30, 3), 7, np.uint8)).all(axis=(1, 2)).tolist() == [True] * len(SCALES)


def test_regions_do_not_depend_on_contrast():
    """A photograph of half the contrast, and darker, has the same regions."""
    dim = ROCKET // 2
    np.testing.assert_array_equal(regions(dim + 60), regions(2 * dim))


@pytest.mark.parametrize("fast", [False, True])
def test_of_regions_as_dense_the_first_comes_first(fast):
    """However many there are; densities are float64, whatever the attribution was."""
    attribution = np.repeat([[1.0, 0.0]], 6, axis=1).repeat(12, axis=0)  # on the left, and on the right
    masks = np.random.default_rng(2).random((60, 12, 12)) < 0.06
    masks &= np.where(np.arange(60)[:, None, None] % 2, attribution, 1 - attribution).astype(bool)
    found = ranked(attribution.astype(np.float32), masks, fast=fast, least=1)
    for place, (pixels, density) in enumerate((naive_fast if fast else naive)(attribution, masks, 1)):
        np.testing.assert_array_equal(found.rank == place, pixels)
        assert density == found.density[place]
    assert (found.density.dtype, found.rank.dtype) == (np.float64, np.int32)
