import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from pipeline.model.profile import Profile
from pipeline.pictures import (
    BLUE_ORANGE,
    GREEN_RED,
    Backdrop,
    Said,
    Selection,
    disagreement,
    overlay,
    palette,
    png,
    segments_png,
    webp,
)
from pipeline.pictures import support as support_picture
from pipeline.pictures.disagreement import scatter
from pipeline.pictures.lettering import fit, font, percent
from pipeline.pictures.paint import CAPPED, edges, relative, relative_pixels
from pipeline.pictures.panel import bars
from pipeline.scene.segments import grid

CERTAIN = {"BETONG": 0.9, "STÅL": 0.08, "TRE": 0.02}


def flat(height: int, width: int, value: int = 120) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, dtype=np.uint8)


def gridded(photograph: NDArray[np.uint8], profile: Profile, cells: int = 16) -> Backdrop:
    height, width = photograph.shape[:2]
    return Backdrop(photograph, profile.placement(width, height), grid(flat(profile.size, profile.size), cells))


def one_of(k: int, index: int, weight: float = 1.0) -> NDArray[np.float64]:
    weights = np.zeros(k)
    weights[index] = weight
    return weights


def greenness(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    return picture[..., 1].astype(np.int64) - picture[..., 0].astype(np.int64)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.Generator(np.random.Philox(1)).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_superpixel_is_painted_exactly_where_it_lies_in_the_original() -> None:
    """A 600x400 photograph, its central square 400 wide cut four by four: cell (1, 2) is x 300..400, y 100..200."""
    picture = overlay(gridded(flat(400, 600), Profile(40)), one_of(16, 6), Said("BETONG", CERTAIN))
    expected = np.zeros((400, 600), dtype=bool)
    expected[100:200, 300:400] = True
    assert ((greenness(picture[:400, :600]) > 0) == expected).all()


@pytest.mark.parametrize("shape", [(300, 700), (900, 500), (256, 256), (2000, 1500)])
@pytest.mark.parametrize("profile", [Profile(224), Profile(224, "stretch"), Profile(224, "shorter-side", 256)])
def test_what_the_network_saw_and_what_is_painted_are_the_same_place(shape: tuple[int, int], profile: Profile) -> None:
    """A white patch of the photograph, found in the canvas by the profile, is painted back on itself."""
    height, width = shape
    photograph = flat(height, width, 20)
    photograph[height * 4 // 10 : height * 6 // 10, width * 4 // 10 : width * 7 // 10] = 220
    segments = (profile.canvas(photograph)[..., 0] > 120).astype(np.int32)
    backdrop = Backdrop(photograph, profile.placement(width, height), segments)
    picture = overlay(backdrop, np.array([0.0, 1.0]), Said("BETONG", CERTAIN))
    high, wide = (round(side * min(800, max(512, height, width)) / max(height, width)) for side in shape)
    shown = np.asarray(Image.fromarray(photograph).resize((wide, high), Image.Resampling.NEAREST))[..., 0] == 220
    painted = greenness(picture[:high, :wide]) > 40
    seen = np.zeros_like(shown)
    place = profile.placement(width, height)
    seen[:, round(place.left * wide / width) : round(place.right * wide / width)] = True
    assert (shown & seen & painted).sum() / ((shown & seen) | painted).sum() > 0.95


def test_without_evidence_the_photograph_keeps_its_colors() -> None:
    """Zero weights change only the borders of the superpixels."""
    photograph = noise(512, 512)
    backdrop = gridded(photograph, Profile(64, "stretch"))
    picture = overlay(backdrop, np.zeros(16), Said("BETONG", CERTAIN))[:512, :512]
    border = edges(np.kron(backdrop.segments, np.ones((8, 8), dtype=np.int32)))
    assert (picture[~border] == photograph[~border]).all()
    assert (picture[border] != photograph[border]).any(axis=1).all()


@pytest.mark.parametrize("color", [(200, 30, 40), (40, 170, 50)])
def test_a_photographs_own_red_and_green_are_no_evidence(color: tuple[int, int, int]) -> None:
    """Beside evidence, a red house or green grass without any keeps less than a third of its color."""
    photograph = np.full((512, 512, 3), color, dtype=np.uint8)
    backdrop = gridded(photograph, Profile(64, "stretch"), cells=4)
    picture = overlay(backdrop, np.array([1.0, -1.0, 0.0, 0.0]), Said("BETONG", CERTAIN))
    muted, supports, against = (int(greenness(picture)[y, x]) for y, x in ((384, 128), (128, 128), (128, 384)))
    assert abs(muted) < abs(color[1] - color[0]) / 3
    assert supports > abs(muted)
    assert against < -abs(muted)


def test_what_the_network_never_saw_is_dark_and_without_color() -> None:
    """Outside the placement, but for its frame, nothing is brighter than a third."""
    picture = overlay(gridded(noise(400, 600), Profile(40)), one_of(16, 6), Said("BETONG", CERTAIN))
    outside = picture[:400, :98]
    assert outside.max() < 255 / 3
    assert (outside == outside[..., :1]).all()
    assert (picture[:400, 98:100] == 255).all()


@given(order=st.permutations(range(16)))
@settings(max_examples=10, deadline=None)
def test_renumbering_superpixels_gives_the_same_pictures(order: list[int]) -> None:
    """The number of a superpixel is only a name."""
    weights = np.linspace(-1, 1, 16)
    backdrop = gridded(noise(150, 200), Profile(32))
    names = np.array(order, dtype=np.int32)
    renamed, moved = np.empty(16), Backdrop(backdrop.photograph, backdrop.placement, names[backdrop.segments])
    renamed[names] = weights
    assert (overlay(backdrop, weights, Said("TRE", CERTAIN)) == overlay(moved, renamed, Said("TRE", CERTAIN))).all()
    assert (support_picture(backdrop, weights) == support_picture(moved, renamed)).all()


@given(weights=arrays(np.float64, 16, elements=st.floats(-5, 5)), value=st.integers(0, 255))
@settings(max_examples=25, deadline=None)
def test_signs_never_swap(weights: NDArray[np.float64], value: int) -> None:
    """On any grey, what supports is greener and what speaks against is redder; what is neither stays grey."""
    backdrop = gridded(flat(512, 512, value), Profile(64, "stretch"))
    green = greenness(overlay(backdrop, weights, Said("BETONG", CERTAIN))[:512, :512])
    segments = np.kron(backdrop.segments, np.ones((8, 8), dtype=np.int32))
    for index, strength in enumerate(relative(weights)):
        cell = green[segments == index]
        if abs(strength) > 0.05:  # less is a fraction of one grey level
            assert (cell * np.sign(strength) > 0).all()
        if strength == 0:
            assert (cell == 0).all()


def test_opacity_is_in_proportion_to_weight() -> None:
    """Half the weight changes the photograph half as much, and the unit of the weights does not matter."""
    backdrop = gridded(flat(512, 512, 0), Profile(64, "stretch"), cells=4)
    picture = overlay(backdrop, np.array([0.4, 0.2, 0.1, 0.0]), Said("BETONG", CERTAIN))
    full, half, quarter, none = (int(picture[y, x, 1]) for y, x in ((128, 128), (128, 384), (384, 128), (384, 384)))
    assert full > 100
    assert half == pytest.approx(full / 2, abs=1)
    assert quarter == pytest.approx(full / 4, abs=1)
    assert none == 0
    scaled = overlay(backdrop, np.array([40, 20, 10, 0.0]), Said("BETONG", CERTAIN))
    assert (scaled == picture).all()


@pytest.mark.parametrize("colors", [GREEN_RED, BLUE_ORANGE])
def test_evidence_against_is_told_by_hatching_too(colors: object) -> None:
    """In black and white, evidence against is striped where support is smooth."""
    assert isinstance(colors, type(GREEN_RED))
    backdrop = gridded(flat(512, 512), Profile(64, "stretch"), cells=4)
    picture = overlay(backdrop, np.array([1.0, -1.0, 0.3, -0.3]), Said("BETONG", CERTAIN), colors)
    spread = [np.ptp(picture[y : y + 90, x : x + 90].mean(axis=2)) for y in (80, 336) for x in (80, 336)]
    assert spread[0] == spread[2] == 0
    assert min(spread[1], spread[3]) > 15


def test_palettes_are_chosen_by_name() -> None:
    """Both palettes answer to their names; another name is refused with those that exist."""
    assert palette("green-red") is GREEN_RED
    assert palette("blue-orange") is BLUE_ORANGE
    with pytest.raises(ValueError, match=r"'pink', expected one of green-red, blue-orange"):
        palette("pink")


def test_the_support_picture_shows_the_supporting_superpixels_alone() -> None:
    """Chosen superpixels keep every color; all else is grey and darker."""
    photograph = noise(512, 512)
    backdrop = gridded(photograph, Profile(64, "stretch"), cells=4)
    picture = support_picture(backdrop, np.array([-1.0, 0.5, 0.0, 0.01]))
    assert (picture[1:256, 257:] == photograph[1:256, 257:]).all()
    for rest in (picture[:255, :255], picture[258:, :255], picture[258:, 258:]):
        assert (rest == rest[..., :1]).all()
        assert rest.max() < 128


def test_selections() -> None:
    """By evidence, number, threshold or share, as in lime and the Vantage document; positive weights only."""
    weights = np.array([0.1, -0.9, 0.3, 0.6, 0.0])
    chosen = {
        (by, value): np.flatnonzero(Selection(by, value).chosen(weights)).tolist()  # type: ignore[arg-type]
        for by, value in [
            *[("evidence", 0.5), ("evidence", 0.6), ("evidence", 0.61), ("evidence", 1.0), ("evidence", 0.0)],
            *[("number", 2), ("number", 0), ("number", 99), ("threshold", 0.3), ("share", 0.2), ("share", 1.0)],
        ]
    }
    assert chosen == {
        **{("evidence", 0.5): [3], ("evidence", 0.6): [3], ("evidence", 0.61): [2, 3], ("evidence", 1.0): [0, 2, 3]},
        **{("evidence", 0.0): [], ("number", 2): [2, 3], ("number", 0): [], ("number", 99): [0, 2, 3]},
        **{("threshold", 0.3): [2, 3], ("share", 0.2): [3], ("share", 1.0): [0, 2, 3]},
    }
    assert not Selection().chosen(np.array([-1.0, 0.0])).any()


@pytest.mark.parametrize(("by", "value"), [("top", 1), ("evidence", 1.5), ("share", 2), ("number", -1)])
def test_a_selection_that_means_nothing_is_refused(by: str, value: float) -> None:
    """Unknown measures and values out of range name what was given and what is expected."""
    given = f"{by!r}, expected one of" if by == "top" else f"{by}: value is {value}, expected 0"
    with pytest.raises(ValueError, match=f"selection by {given}"):
        Selection(by, value)  # type: ignore[arg-type]


def test_seeds_that_agree_leave_the_photograph_as_it_is() -> None:
    """Only where they differ is there colour, and the more of it the further they differ."""
    backdrop = gridded(flat(256, 256, 0), Profile(64, "stretch"), cells=4)
    calm = disagreement(backdrop, np.array([[1.0, -0.5, 0.25, 0.0]] * 9), "BETONG")
    assert not calm[4:508, 4:508].max(axis=2)[16:240, 16:240].any()
    weights = np.array([[1.0, 0.2, 0.3, 0.0], [1.0, 0.8, 0.6, 0.0]])
    picture = disagreement(backdrop, weights, "BETONG").astype(int)
    first, second, third, fourth = (picture[y : y + 200, x : x + 200].mean() for y in (28, 284) for x in (28, 284))
    assert first == fourth == 0
    assert second == pytest.approx(2**0.5 * third, rel=0.05)


def test_hatched_is_where_one_seed_contradicts_another() -> None:
    """Evidence for and against, each of a tenth of the strongest; signs of what is no evidence do not count."""
    weights = np.array([[1.0, 0.4, 0.05, 0.3], [1.0, -0.4, -0.05, 0.5]])
    assert (scatter(weights) < 0).tolist() == [False, True, False, False]
    backdrop = gridded(flat(256, 256, 0), Profile(64, "stretch"), cells=4)
    picture = disagreement(backdrop, weights, "BETONG")
    spread = [np.ptp(picture[y : y + 90, x : x + 90].mean(axis=2)) for y in (80, 336) for x in (80, 336)]
    assert spread[1] > 15  # grey levels
    assert spread[0] == spread[2] == spread[3] == 0


def test_one_seed_or_none_that_weighs_anything_disagrees_with_nobody() -> None:
    """Nothing is painted, and nothing is divided by zero."""
    for weights in (np.zeros((9, 4)), np.full((3, 4), np.nan), np.ones((1, 4))):
        assert not scatter(weights).any()


def test_a_picture_at_screen_size_is_small_and_looks_the_same() -> None:
    """A WebP file has the size of the picture, hardly other colours, and a fraction of the PNG's bytes."""
    smooth = np.asarray(Image.fromarray(noise(40, 60)).resize((600, 400), Image.Resampling.BICUBIC))
    data = webp(smooth)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "WEBP"
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - smooth).mean() < 6
    assert len(data) * 4 < len(png(smooth))


def test_weights_that_do_not_fit_the_superpixels_are_refused() -> None:
    """One weight a superpixel, or nothing is painted."""
    with pytest.raises(ValueError, match=r"weights are \(15,\), expected one for each of 16"):
        overlay(gridded(flat(256, 256), Profile(64)), np.ones(15), Said("BETONG", CERTAIN))


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (8, 8)])
def test_any_shape_of_photograph_can_be_shown(shape: tuple[int, int]) -> None:
    """The extremes of a photograph's shape give pictures too, no longer than the rule."""
    backdrop = gridded(flat(*shape), Profile(32))
    for picture in (support_picture(backdrop, np.ones(16)), overlay(backdrop, np.ones(16), Said("BETONG", CERTAIN))):
        assert picture.dtype == np.uint8
        assert max(picture.shape) <= 1200
    assert disagreement(backdrop, np.ones((9, 16)), "BETONG").ndim == 3


def test_painting_within_the_shown_size_is_painting_the_large_photograph() -> None:
    """A photograph shrunk once gives the picture that shrinking it in each picture gives."""
    large = gridded(noise(900, 1300), Profile(32))
    weights = np.linspace(-1, 1, 16)
    assert (support_picture(large, weights) == support_picture(large.within(800), weights)).all()


@given(segments=arrays(np.int32, (7, 5), elements=st.integers(0, 65535)))
@settings(deadline=None)
def test_segments_survive_their_file(segments: NDArray[np.int32]) -> None:
    """What a 16-bit PNG gives back is label for label what was written."""
    image = Image.open(io.BytesIO(segments_png(segments)))
    assert image.format == "PNG"
    assert (np.asarray(image) == segments).all()
    assert len(image.getbands()) == 1


@pytest.mark.parametrize("label", [-1, 65536])
def test_segments_that_16_bits_cannot_hold_are_refused(label: int) -> None:
    """A label out of range is refused rather than wrapped."""
    with pytest.raises(ValueError, match=r"expected 0\.\.65535"):
        segments_png(np.array([[0, label]], dtype=np.int32))


def test_a_picture_survives_its_file() -> None:
    """PNG is exact."""
    picture = noise(30, 40)
    assert (np.asarray(Image.open(io.BytesIO(png(picture)))) == picture).all()


def test_the_font_has_the_letters_of_the_north() -> None:
    """Norwegian, Sámi and Polish letters are drawn as themselves: none looks like a letter that the font lacks."""
    lacking = bytes(font(20).getmask("\U0001f600"))
    for letter in "æøåÆØÅčđŋšŧžłñüß…":
        assert bytes(font(20).getmask(letter)) != lacking, letter


@pytest.mark.parametrize(
    "label", ["", "BJØRK", "木", "a\nb\x00c", "\udcff", "🌲" * 300, "<b>&", "\u202etre", "i" * 5000]
)
def test_a_label_may_be_any_text(label: str) -> None:
    """Letters the font lacks, line breaks and lone surrogates do not stop a picture."""
    picture = overlay(gridded(flat(64, 64), Profile(32)), np.ones(16), Said(label, {label: 1.0}))
    assert picture.shape[0] == 512


@given(text=st.text(max_size=60), width=st.floats(30, 300))
@settings(max_examples=50, deadline=None)
def test_lettering_stays_within_its_width(text: str, width: float) -> None:
    """A line is never wider than the room it is given."""
    assert font(14).getlength(fit(text, width, 14)) <= width


def test_lettering_is_one_line() -> None:
    """Line breaks and what no font can draw become spaces."""
    assert fit("TRE\nfuru\x00\udcff", 500, 14) == "TRE furu  "


def test_the_explained_label_always_has_a_bar() -> None:
    """Eight bars, the most probable first; an explained label below them takes the last place."""
    probabilities = {f"label {number}": 0.1 - number / 1000 for number in range(30)}
    shown = bars(probabilities, "label 20")
    assert [bar.label for bar in shown] == [f"label {number}" for number in range(7)] + ["label 20"]
    assert [bar.explained for bar in shown] == [False] * 7 + [True]


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0, "0 %"),
        (0.0001, "<0.1 %"),
        (0.034, "3.4 %"),
        (0.5, "50 %"),
        (0.991, "99.1 %"),
        (0.9996, ">99.9 %"),
        (1, "100 %"),
    ],
)
def test_percent(probability: float, words: str) -> None:
    """No confidence is rounded to impossible or to certain."""
    assert percent(probability) == words


def test_a_few_hot_pixels_do_not_hide_the_rest_of_a_heat_map() -> None:
    """All but one in a hundred are in proportion, those as strong as can be; if fewer are warm the largest counts."""
    heat = np.linspace(-1, 1, 1000).reshape(20, 50)
    heat[0, 0] = 100
    found = relative_pixels(heat)
    assert (found.min(), found.max()) == (-1, 1)
    cool = np.abs(heat.ravel()) < np.quantile(np.abs(heat), CAPPED)
    assert np.corrcoef(found[cool], heat.ravel()[cool])[0, 1] == pytest.approx(1)
    assert np.abs(found[cool]).max() > 0.98
    np.testing.assert_array_equal(relative_pixels(one_of(1000, 3).reshape(20, 50)), one_of(1000, 3))
    assert not relative_pixels(np.zeros((4, 4))).any()
