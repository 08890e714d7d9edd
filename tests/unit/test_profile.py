import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.model.profile import Profile

PROFILES = [Profile(32), Profile(32, "stretch"), Profile(32, "shorter-side", 40), Profile(32, "shorter-side", 32)]
PROFILES += [Profile((24, 40)), Profile((40, 24)), Profile((24, 40), "stretch"), Profile((24, 40), "shorter-side", 48)]
sizes = st.integers(60, 200)


def photograph(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def resized(image, wide, high):
    return image.resize((wide, high), Image.Resampling.BILINEAR)


@settings(max_examples=30, deadline=None)
@given(sizes, sizes)
def test_center_is_the_largest_centred_square_resized(height, width):
    """By hand with Pillow: cut the centred square, resize it bilinear."""
    picture, side = photograph(height, width), min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(picture[top : top + side, left : left + side])
    assert np.array_equal(Profile(32).canvas(picture), np.asarray(resized(square, 32, 32)))


@settings(max_examples=30, deadline=None)
@given(sizes, sizes)
def test_stretch_is_the_whole_photograph_resized(height, width):
    """By hand with Pillow: resize all of it, whatever its shape."""
    picture = photograph(height, width)
    assert np.array_equal(Profile(32, "stretch").canvas(picture), np.asarray(resized(Image.fromarray(picture), 32, 32)))


@settings(max_examples=30, deadline=None)
@given(sizes, sizes, st.integers(32, 60))
def test_shorter_side_is_resized_then_cut(height, width, resize):
    """By hand with Pillow: shorter side to `resize`, the other in proportion, the centred square out of it."""
    picture = photograph(height, width)
    wide, high = (width * resize // min(height, width), height * resize // min(height, width))
    whole = np.asarray(resized(Image.fromarray(picture), wide, high))
    top, left = (high - 32) // 2, (wide - 32) // 2
    assert min(wide, high) == resize
    expected = whole[top : top + 32, left : left + 32]
    assert np.array_equal(Profile(32, "shorter-side", resize).canvas(picture), expected)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 90), (90, 1), (7, 300), (32, 32), (31, 33), (500, 20)])
def test_any_photograph_has_a_canvas(profile, height, width):
    """Tiny, thin and square photographs all come to the canvas's size, uint8, in an array of its own."""
    canvas = profile.canvas(photograph(height, width))
    assert canvas.shape == (profile.height, profile.width, 3)
    assert canvas.dtype == np.uint8


def test_a_square_of_the_right_size_is_left_alone():
    """No resampling where none is needed."""
    picture = photograph(32, 32)
    for profile in (Profile(32), Profile(32, "stretch"), Profile(32, "shorter-side", 32)):
        assert np.array_equal(profile.canvas(picture), picture)


def test_a_photograph_narrow_as_a_thread_is_refused_by_shorter_side():
    """A picture whose longer side would be resized to millions of pixels is refused, not allocated."""
    with pytest.raises(ValueError, match="photograph is 400000x1 pixels, too long and narrow for crop shorter-side"):
        Profile(32, "shorter-side", 40).canvas(photograph(1, 400_000))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: f"{profile.size}-{profile.crop}-{profile.resize}")
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_is_painted_on_the_photograph_is_found_at_its_place_on_the_canvas(profile, data):
    """A rectangle of the photograph appears on the canvas where the placement says, to within two pixels."""
    height, width = data.draw(sizes), data.draw(sizes)
    place = profile.placement(width, height)
    # A rectangle inside the part that the canvas shows, a quarter to a half of it wide and high.
    left = place.left + (place.right - place.left) * data.draw(st.floats(0.1, 0.4))
    top = place.top + (place.bottom - place.top) * data.draw(st.floats(0.1, 0.4))
    right = left + (place.right - place.left) * data.draw(st.floats(0.25, 0.5))
    bottom = top + (place.bottom - place.top) * data.draw(st.floats(0.25, 0.5))
    picture = np.zeros((height, width, 3), np.uint8)
    picture[round(top) : round(bottom), round(left) : round(right)] = 255
    ys, xs = np.nonzero(profile.canvas(picture)[..., 0] > 127)
    across, down = profile.width / (place.right - place.left), profile.height / (place.bottom - place.top)
    found = (xs.min(), xs.max() + 1, ys.min(), ys.max() + 1)
    expected = (
        (round(left) - place.left) * across,
        (round(right) - place.left) * across,
        (round(top) - place.top) * down,
        (round(bottom) - place.top) * down,
    )
    assert np.abs(np.subtract(found, expected)).max() <= 2


@pytest.mark.parametrize("profile", PROFILES)
@given(width=st.integers(1, 5000), height=st.integers(1, 5000))
def test_the_canvas_lies_within_the_photograph(profile, width, height):
    """A placement never reaches outside the photograph, and touches two opposite sides where the crop allows."""
    place = profile.placement(width, height)
    assert -1e-6 <= place.left < place.right <= width + 1e-6
    assert -1e-6 <= place.top < place.bottom <= height + 1e-6
    if profile.crop == "center":
        assert width == place.right - place.left or height == place.bottom - place.top
        wide = (place.bottom - place.top) * profile.width / profile.height
        assert abs(place.right - place.left - wide) <= max(1, profile.width / profile.height)
    if profile.crop == "center" and isinstance(profile.size, int):
        assert place.right - place.left == place.bottom - place.top == min(width, height)
    if profile.crop == "stretch":
        assert (place.right, place.bottom) == (width, height)


def test_the_tensor_is_value_less_mean_over_scale_channels_first():
    """(value - mean) / scale on 0..255, float32 [3, h, w], element by element."""
    canvas = photograph(8, 8)
    mean, scale = (103.5, 116.25, 123.0), (57.0, 58.5, 1.0)
    tensor = Profile(8, mean=mean, scale=scale).tensor(canvas)
    assert tensor.shape == (3, 8, 8)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    for c in range(3):
        expected = (canvas[..., c].astype(float) - mean[c]) / scale[c]
        assert np.abs(tensor[c] - expected).max() < 1e-4


def test_bgr_turns_the_channels_round_and_mean_follows_the_network():
    """With bgr the network's first channel is blue, and mean and scale are in the network's order."""
    canvas = np.zeros((8, 8, 3), np.uint8)
    canvas[...] = (10, 20, 30)
    tensor = Profile(8, color="bgr", mean=(1, 2, 3), scale=(1, 2, 4)).tensor(canvas)
    assert tensor[:, 0, 0].tolist() == [(30 - 1) / 1, (20 - 2) / 2, (10 - 3) / 4]


def test_only_geometry_decides_the_canvas():
    """Profiles that differ in colour order and normalisation make the same canvas and say so."""
    ours, theirs = Profile(32, "shorter-side", 40), Profile(32, "shorter-side", 40, "bgr", (1, 2, 3), (4, 5, 6))
    picture = photograph(70, 90)
    assert ours.geometry() == theirs.geometry() == {"size": 32, "crop": "shorter-side", "resize": 40}
    assert np.array_equal(ours.canvas(picture), theirs.canvas(picture))
    assert Profile(32).geometry() != Profile(33).geometry()


@pytest.mark.parametrize("profile", [*PROFILES, Profile(224, color="bgr", mean=(127, 1, 0.5), scale=(128, 0.5, -1))])
def test_a_profile_survives_json(profile):
    """A profile comes back from its JSON text equal."""
    assert Profile.from_json(json.loads(json.dumps(profile.to_json()))) == profile


def test_one_number_stands_for_three():
    """Mean and scale may be one number for all channels; left out they change nothing."""
    profile = Profile.from_json({"size": 224, "mean": 127, "scale": 128.5})
    assert (profile.mean, profile.scale) == ((127.0,) * 3, (128.5,) * 3)
    assert Profile.from_json({"size": 224}) == Profile(224, "center", None, "rgb", (0.0,) * 3, (1.0,) * 3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "size is missing"),
        ({"size": "224"}, "size is missing or not a whole number"),
        ({"size": 224.0}, "size is missing or not a whole number"),
        ({"size": 7}, "size is 7, expected 8..4096"),
        ({"size": 5000}, "size is 5000"),
        ({"size": 224, "crop": "middle"}, "crop is 'middle', expected one of center, stretch, shorter-side"),
        ({"size": 224, "crop": "shorter-side"}, r"resize of at least size \(224\), got None"),
        ({"size": 224, "crop": "shorter-side", "resize": 200}, "resize of at least size"),
        ({"size": 224, "crop": "shorter-side", "resize": 256.5}, "resize of at least size .*256.5"),
        ({"size": 224, "crop": "shorter-side", "resize": "256"}, "resize of at least size .*256"),
        ({"size": 224, "color": "cmyk"}, "color is 'cmyk', expected rgb, bgr or gray"),
        ({"size": 224, "color": "gray", "mean": [1, 2, 3]}, "one number each for gray"),
        ({"size": [224]}, r"size is missing or not a whole number"),
        ({"size": [224, 7]}, r"size is \(224, 7\), expected 8..4096"),
        ({"size": [224, 320.0]}, "size is missing or not a whole number"),
        ({"size": [224, 320], "crop": "shorter-side", "resize": 256}, r"resize of at least size \(320\)"),
        ({"size": 224, "activation": "tanh"}, "activation is 'tanh', expected none, softmax or sigmoid"),
        ({"size": 224, "colour": "rgb"}, r"unknown field colour \(did you mean color\?\)"),
        ({"size": 224, "mean": [1, 2]}, r"mean is \[1, 2\], expected a number or three"),
        ({"size": 224, "mean": "127"}, "mean is '127'"),
        ({"size": 224, "scale": [1, 2, None]}, "scale is .*expected a number or three"),
        ({"size": 224, "scale": 0}, "scale not 0"),
        ({"size": 224, "scale": [1, 0, 1]}, "scale not 0"),
        ({"size": 224, "scale": float("nan")}, "must be finite"),
        ({"size": 224, "mean": float("inf")}, "must be finite"),
        ({"size": 224, "std": 1}, "unknown field std"),
    ],
)
def test_a_bad_profile_is_refused_by_its_field(value, message):
    """Each bad value is refused, naming profile and field."""
    with pytest.raises(ValueError, match=f"profile: .*{message}|profile: {message}"):
        Profile.from_json(value)


@pytest.mark.parametrize("transparent", ["white", "black", "stored"])
def test_what_a_transparent_pixel_shows_is_part_of_the_profile_where_it_is_said(transparent):
    """Left at its default it is in no JSON, so that no model's digest and no scene's changes; else in all of them."""
    profile = Profile(32, transparent=transparent)
    assert Profile.from_json(profile.to_json()) == profile
    assert profile.to_json().get("transparent", "white") == transparent
    assert ("transparent" in profile.to_json()) == (transparent != "white")
    assert (profile.geometry() == Profile(32).geometry()) == (transparent == "white")
    with pytest.raises(ValueError, match="transparent is 'green', expected white, black or stored"):
        Profile.from_json({"size": 32, "transparent": "green"})
