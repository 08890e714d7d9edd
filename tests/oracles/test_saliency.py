"""XRAI: the map of its authors' package, which `make oracles` installs."""

import numpy as np
import pytest
from skimage import data

from pipeline.methods.region_ranking import ranked
from pipeline.scene.regions import regions

saliency = pytest.importorskip("saliency.core", reason="saliency is not installed: `make oracles` runs this")
PHOTOGRAPHS = {
    "rocket": data.rocket()[::3, ::3],
    "cat": data.chelsea()[:224, 100:324],
    "coffee": data.coffee()[::2, ::2],
}


def noise(size, seed):
    """An attribution of noise that neighbours share, float64 [h, w]."""
    coarse = np.random.default_rng(seed).normal(size=[-(-length // 8) for length in size])
    return coarse.repeat(8, 0).repeat(8, 1)[: size[0], : size[1]] + np.random.default_rng(seed + 1).normal(size=size)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_regions_are_those_of_the_package(name):
    """The same masks, in the same order."""
    expected = saliency.xrai._get_segments_felzenszwalb(PHOTOGRAPHS[name])
    np.testing.assert_array_equal(regions(PHOTOGRAPHS[name]), expected)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("fast", [False, True])
def test_the_map_is_that_of_the_package(name, fast):
    """The same heat, of the same attribution, and the same order of regions."""
    canvas = PHOTOGRAPHS[name]
    attribution = noise(canvas.shape[:2], 3)
    asked = saliency.XRAIParameters(algorithm="fast" if fast else "full", return_xrai_segments=True)
    expected = saliency.XRAI().GetMaskWithDetails(
        canvas, None, base_attribution=np.repeat(attribution[..., None], 3, axis=2), extra_parameters=asked
    )
    found = ranked(attribution, regions(canvas), fast=fast)
    np.testing.assert_allclose(found.heat, expected.attribution_mask, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(found.rank + 1, expected.segments)
