import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import segmentation

from pipeline.model.profile import Profile
from pipeline.recipes import RECIPES
from pipeline.scene.choice import own_options
from pipeline.scene.segments import FEWER, MOST, SEGMENTERS, check, grid, known_options, relabel, segment

DEFAULT = own_options(RECIPES["default"].segmenter)


def noise(size=48, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(-50, 50)))
def test_relabel_keeps_the_regions_and_numbers_them_from_zero(labels):
    """Regions stay what they were, labels become 0..k-1 with none missing, in the order they had."""
    renamed = relabel(labels)
    assert renamed.dtype == np.int32
    assert sorted(set(renamed.ravel())) == list(range(len(np.unique(labels))))
    flat, new = labels.ravel(), renamed.ravel()
    assert np.array_equal(np.sign(np.subtract.outer(flat, flat)), np.sign(np.subtract.outer(new, new)))


@pytest.mark.parametrize("name", sorted(SEGMENTERS))
@pytest.mark.parametrize(
    "canvas", [noise(32), np.full((48, 48, 3), 77, np.uint8), skimage.data.coffee()[100:148, 200:260]]
)
def test_every_segmenter_labels_every_pixel_from_zero(name, canvas):
    """Whatever the picture, labels are 0..k-1, none missing, each pixel in one of them, the same each time."""
    segments = segment(canvas, name, {})
    assert segments.shape == canvas.shape[:2]
    assert segments.dtype == np.int32
    assert np.bincount(segments.ravel()).all()
    assert np.array_equal(segments, segment(canvas, name, {}))


def test_quickshift_breaks_ties_as_lime_does():
    """On a flat picture, all ties, quickshift's noise decides: scikit-image's own, as lime gets it."""
    flat = np.full((48, 48, 3), 77, np.uint8)
    assert np.array_equal(segment(flat, "quickshift", {}), relabel(segmentation.quickshift(flat)))
    assert not np.array_equal(segment(flat, "quickshift", {}), relabel(segmentation.quickshift(flat, rng=7)))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 400))
def test_grid_is_rectangles_of_equal_size(h, w, n):
    """A grid has a square number of rectangles near n, their sides equal to within a pixel."""
    segments = grid(np.zeros((h, w, 3), np.uint8), n)
    rows, columns = min(h, round(n**0.5)), min(w, round(n**0.5))
    assert segments.max() + 1 == rows * columns
    heights, widths = np.bincount(segments[:, 0]), np.bincount(segments[0])
    assert np.ptp(heights[heights > 0]) <= 1
    assert np.ptp(widths[widths > 0]) <= 1


@pytest.mark.parametrize(
    "picture", ["chelsea", "coffee", "rocket", "astronaut", "camera", "coins", "grass", "brick", "gravel"]
)
def test_the_default_recipe_cuts_any_photograph_into_about_fifty(picture):
    """The default superpixels are 25 to 63: enough to point, and no more than 128 masks of the design can tell apart.

    Textures too: at lower compactness and without smoothing, SLIC makes one superpixel of `gravel`.
    """
    photograph = getattr(skimage.data, picture)()
    photograph = photograph if photograph.ndim == 3 else np.repeat(photograph[..., None], 3, axis=2)
    segments = segment(Profile(224).canvas(photograph), "slic", DEFAULT)
    assert 25 <= segments.max() + 1 <= 63


@pytest.mark.parametrize("sigma", [10, 20, 40])
def test_the_default_recipe_bears_camera_noise(sigma):
    """Grain does not shatter the default superpixels: a photograph taken at dusk has about as many."""
    clean = Profile(224).canvas(skimage.data.chelsea())
    grain = np.random.default_rng(0).normal(0, sigma, clean.shape)
    noisy = np.clip(clean + grain, 0, 255).astype(np.uint8)
    assert 40 <= segment(noisy, "slic", DEFAULT).max() + 1 <= 63


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("watershed", {}, "segmenter is 'watershed', expected one of slic"),
        ("slic", {"segments": 9}, "segmenter slic: .*'segments'"),
        ("slic", {"n_segments": "many"}, "segmenter slic: "),
        ("slic", {"n_segments": 0}, "segmenter slic: "),
        ("slic", {"start_label": 1}, "segmenter slic: .*start_label"),
        ("quickshift", {"rng": 1}, "segmenter quickshift: .*rng"),
        ("grid", {"n_segments": -4}, "segmenter grid: "),
    ],
)
def test_what_a_segmenter_does_not_know_is_refused(name, options, message):
    """An unknown segmenter, option or value is a ValueError that names the segmenter, never a crash."""
    with pytest.raises(ValueError, match=message):
        segment(noise(), name, options)


def test_an_option_that_is_not_there_is_named_with_the_nearest():
    """For every segmenter; what it has is listed, and nothing that is not for a recipe to say."""
    for name in SEGMENTERS:
        known = known_options(name)
        assert not {"image", "canvas", "start_label", "rng"} & set(known)
        with pytest.raises(ValueError, match=rf"segmenter {name} has no option '{known[0]}s'") as refused:
            check(name, {f"{known[0]}s": 1})
        assert f"(did you mean {known[0]}?); it has {', '.join(known)}" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [("slic", {"sgima": 1}), ("voronoi", {}), ("slic", {"n_segments": 0}), ("quickshift", {"kernel_size": "wide"})],
)
def test_a_wrong_segmenter_is_refused_before_any_photograph(name, options):
    """A name or option that would fail in every photograph is refused when the audit is started."""
    with pytest.raises(ValueError, match=r"segmenter|n_segments"):
        check(name, options)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_segmenter_with_its_own_defaults_passes_the_check(name):
    """What is right is not refused."""
    check(name, {})


@pytest.mark.parametrize("n_segments", [MOST, 1000, MOST - 1])
def test_a_grid_of_as_many_superpixels_as_may_be_goes(n_segments):
    """What passes the check is cut on any canvas: no number of them rounds up beyond the bound."""
    check("grid", {"n_segments": n_segments})
    assert segment(noise(64), "grid", {"n_segments": n_segments}).max() + 1 <= MOST


@pytest.mark.parametrize("name", ["grid", "slic"])
@pytest.mark.parametrize("n_segments", [MOST + 1, 50_000, 1e9])
def test_more_superpixels_than_may_be_are_refused_before_any_photograph(name, n_segments):
    """One above the bound and far beyond it, with the option, its value and what is allowed."""
    with pytest.raises(ValueError, match=rf"{name}: n_segments is {n_segments:,}, expected at most 1,024; lower it"):
        check(name, {"n_segments": n_segments})


@pytest.mark.parametrize(
    ("name", "options", "k"),
    [
        ("grid", {"n_segments": 33**2}, "1,089"),
        ("slic", {"n_segments": 2000, "compactness": 100}, r"[\d,]+"),
        ("quickshift", {"kernel_size": 1, "max_dist": 0}, "4,096"),
        ("felzenszwalb", {"scale": 0.01, "sigma": 0, "min_size": 1}, "4,096"),
    ],
)
def test_a_canvas_in_more_superpixels_than_may_be_is_refused(name, options, k):
    """Whichever segmenter and canvas gives so many: options, how many they give, and which of them to change."""
    told = ", ".join(f"{option}={value}" for option, value in options.items())
    message = rf"segmenter {name}: {told} gives {k} superpixels, at most 1,024 go; {FEWER[name]}$"
    with pytest.raises(ValueError, match=message):
        segment(noise(64), name, options)


def test_the_remedies_are_options_there_are():
    """Every segmenter has one, and each option that it names makes fewer superpixels of the same canvas."""
    few = {
        "slic": {"n_segments": 9},
        "quickshift": {"max_dist": 100},
        "felzenszwalb": {"scale": 1000, "min_size": 200},
        "grid": {"n_segments": 9},
    }
    assert few.keys() == FEWER.keys() == SEGMENTERS.keys()
    for name, options in few.items():
        plenty = segment(noise(24), name, {}).max()
        for option, value in options.items():
            assert option in FEWER[name]
            assert segment(noise(24), name, {option: value}).max() < plenty
