import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scene.fills import color, fill, mean_fill
from pipeline.scene.segments import relabel


def pictured(seed, h=12, w=9, k=5):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (h, w, 3), dtype=np.uint8), relabel(generator.integers(0, k, (h, w)))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_mean_fill_is_what_the_lime_package_paints(seed):
    """Each superpixel becomes its own mean colour, cut to a whole number, exactly as lime's loop does it."""
    canvas, segments = pictured(seed)
    fudged = canvas.copy()
    for x in np.unique(segments):
        fudged[segments == x] = [np.mean(canvas[segments == x][:, channel]) for channel in range(3)]
    assert np.array_equal(mean_fill(canvas, segments), fudged)
    assert np.array_equal(fill(canvas, segments, "mean"), fudged)


@pytest.mark.parametrize(
    ("name", "rgb"), [("black", (0, 0, 0)), ("#808080", (128,) * 3), ("grey", (128,) * 3), ("#Ff8001", (255, 128, 1))]
)
def test_a_colour_covers_the_canvas(name, rgb):
    """A colour's fill is that colour everywhere, red first, in an array that may be written."""
    canvas, segments = pictured(0)
    filled = fill(canvas, segments, name)
    assert filled.dtype == np.uint8
    assert filled.shape == canvas.shape
    assert (filled == rgb).all()
    assert filled.flags.writeable
    assert tuple(color(name)) == rgb


def test_blur_keeps_the_light_and_loses_the_detail():
    """A blur leaves a flat picture as it is, keeps the mean of any picture, and takes its contrast away."""
    canvas, segments = pictured(1, 64, 64)
    flat = np.full_like(canvas, 101)
    assert (fill(flat, segments, "blur") == 101).all()
    blurred = fill(canvas, segments, "blur").astype(float)
    assert np.abs(blurred.mean(axis=(0, 1)) - canvas.mean(axis=(0, 1))).max() < 2
    assert blurred.std() < canvas.std() / 5


def test_blur_does_not_mix_channels():
    """A red picture blurs to red alone."""
    canvas, segments = pictured(2, 32, 32)
    canvas[..., 1:] = 0
    assert not fill(canvas, segments, "blur")[..., 1:].any()


def test_noise_is_of_all_values_and_the_same_for_everyone():
    """Each value of each pixel by itself; who makes it again, of whatever picture of the size, makes the same."""
    canvas, segments = pictured(3, 64, 64)
    noise = fill(canvas, segments, "noise")
    assert np.array_equal(noise, fill(np.zeros_like(canvas), segments, "noise"))
    assert (noise.min(), noise.max()) == (0, 255)
    assert np.abs(np.corrcoef(noise.reshape(-1, 3).T) - np.eye(3)).max() < 0.1


def test_auto_is_the_mean_until_the_model_was_asked():
    """Which nobody can who only prepares."""
    assert np.array_equal(fill(*pictured(4), "auto"), fill(*pictured(4), "mean"))


@pytest.mark.parametrize("name", ["", "white", "#12345", "#1234567", "808080", "#80 80 ", "##80808", "#80808g", None])
def test_what_is_no_fill_is_refused_by_name(name):
    """Anything but the named ones and #rrggbb is refused, naming it."""
    expected = "mean, black, grey, blur, noise, surroundings, auto or a colour like #808080"
    with pytest.raises(ValueError, match=f"fill is .*expected {expected}"):
        fill(*pictured(0), name)
