"""The pictures of an explanation: which there are, what is painted, and that they are the same every time."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from pipeline.answer.attribution import Attribution, Errors, LabelAttribution, laid
from pipeline.answer.denoised import Denoised
from pipeline.model.profile import Profile
from pipeline.pictures import Backdrop
from pipeline.pictures.rendering import KINDS, LOOK, Drawing, Picture, rendered


def test_a_heat_map_is_painted_as_strong_in_a_large_superpixel_as_in_a_small_one() -> None:
    """Sums over superpixels are painted as means, on every picture; only what is kept as support goes by the sums."""
    canvas = np.full((32, 32, 3), 120, dtype=np.uint8)
    segments = np.zeros((32, 32), dtype=np.int32)
    segments[:4], segments[4:8] = 1, 2
    means = np.array([0.5, 0.5, -0.25])
    heat = means[segments].astype(np.float32)
    sums = laid(heat, segments)
    denoised = Denoised((2,), {"yes": 0.8, "no": 0.2}, sums, np.zeros(3), np.nan)
    errors = Errors(np.zeros(3), np.stack([sums, -sums]))
    by_heat = LabelAttribution("yes", sums, errors, heat=heat, denoised=denoised)
    by_means = replace(
        by_heat,
        weights=means,
        errors=Errors(np.zeros(3), np.stack([means, -means])),
        heat=None,
        denoised=replace(denoised, weights=means),
    )
    files, expected, plain = (
        files_of(Backdrop(canvas, Profile(32).placement(32, 32), segments), one)
        for one in (by_heat, by_means, replace(by_heat, heat=None))
    )
    assert set(files) - set(expected) == {"heat.png"}
    for name in ("overlay.png", "seeds.png", "denoised.png"):
        assert files[name] == expected[name] != plain[name]
    assert files["support.png"] == plain["support.png"] != expected["support.png"]


def files_of(backdrop: Backdrop, label: LabelAttribution) -> dict[str, bytes]:
    """The pictures of an answer with this label."""
    answer = Attribution({"yes": 0.7, "no": 0.3}, None, 9, (label,))
    return dict(rendered(Drawing(backdrop, np.zeros_like(backdrop.photograph), answer)))


LOOKS = {  # of the picture below, whoever draws it: where one of these changes, so must `rendering.LOOK`
    "overlay.png": "747734f1ca7b88b6",
    "support.png": "fb8aae387da46fcc",
    "heat.png": "d9b0a7e8652fa4cd",
    "seeds.png": "597ee9feaeae1e2f",
    "denoised.png": "680a33be5cc50de1",
}


def drawing() -> Drawing:
    """An explanation that has every kind of picture, of a photograph of which the model is shown a part."""
    generator = np.random.Generator(np.random.Philox(5))
    photograph = generator.integers(0, 256, (80, 120, 3), dtype=np.uint8)
    segments = (np.arange(64)[:, None] // 16 * 4 + np.arange(64) // 16).astype(np.int32)
    heat = generator.normal(size=(64, 64)).astype(np.float32)
    sums = laid(heat, segments)
    by_seed = sums + generator.normal(size=(3, 16)) * 20
    denoised = Denoised((2, 5), {"yes": 0.8, "no": 0.2}, sums, np.zeros(16), np.nan)
    first = LabelAttribution("yes", sums, Errors(np.zeros(16), by_seed), heat=heat, denoised=denoised)
    second = LabelAttribution("no", -sums)
    answer = Attribution({"yes": 0.7, "no": 0.3}, None, 9, (first, second), unlisted=98)
    backdrop = Backdrop(photograph, Profile(64).placement(120, 80), segments)
    return Drawing(backdrop, np.full((64, 64, 3), 90, np.uint8), answer)


def test_an_explanation_has_the_pictures_that_its_method_gives() -> None:
    """All kinds of the first label, which has them all; overlay and support of one that has weights alone."""
    names = [picture.name for picture in drawing().pictures()]
    assert names == [*(f"{kind}.png" for kind in KINDS), "overlay-2.png", "support-2.png"]
    assert [Picture.named(name).name for name in names] == names
    assert set(rendered(drawing())) == {*names, "segments.png"}
    with pytest.raises(ValueError, match=r"no seeds-2.png: it has overlay.png, support.png, heat.png"):
        drawing().draw(Picture("seeds", 2))


@pytest.mark.parametrize(
    "name", ["overlay.jpg", "overlay-1.png", "overlay-0.png", "overlay-02.png", "x.png", "../a.png"]
)
def test_what_is_no_name_of_a_picture_is_refused(name: str) -> None:
    """A picture has one name, so that it has one address."""
    with pytest.raises(ValueError, match="there is no picture"):
        Picture.named(name)


@pytest.mark.parametrize("name", LOOKS)
def test_a_picture_is_the_same_every_time(name: str) -> None:
    """To the pixel: what a browser has kept under its tag is what would be drawn now. A picture that comes to look
    otherwise counts `LOOK` up, which is in the tag."""
    assert LOOK == 1
    pixels = drawing().draw(Picture.named(name))
    assert hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()[:16] == LOOKS[name]
    assert (drawing().draw(Picture.named(name)) == pixels).all()
