"""Masks: as whatever tool has drawn it, the object is found; what is guessed, empty, full or wrong is said."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from pipeline.scene.boxes import Box, Boxes
from pipeline.scene.mask import EMPTY, FULL, PALETTE, Value, Whereabouts, object_mask, read_mask
from pipeline.scene.photograph import Unreadable

OBJECT = np.zeros((40, 64), bool)
OBJECT[8:30, 16:40] = True
VOC = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, *[0] * 744, 224, 224, 192]


def saved(image: Image.Image | np.ndarray, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    whole = image if isinstance(image, Image.Image) else Image.fromarray(image)
    whole.save(buffer, form, **options)
    return buffer.getvalue()


def tiff(values: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def palette(indexes: np.ndarray, colours: list[int] = VOC) -> Image.Image:
    image = Image.fromarray(indexes.astype(np.uint8)).convert("P")
    image.putpalette(colours)
    return image


def coloured(colour: tuple[int, int, int]) -> np.ndarray:
    return np.where(OBJECT[..., None], np.array(colour, np.uint8), np.uint8(0))


def covered(mode: str, below: int) -> bytes:
    """A picture of one shade whose alpha covers the object."""
    alpha, flat = Image.fromarray(OBJECT * np.uint8(255)), Image.new("L", (64, 40), below)
    return saved(Image.merge(mode, [*[flat] * (len(mode) - 1), alpha]))


DRAWN = {
    "0 and 255": saved(OBJECT * np.uint8(255)),
    "0 and 1": saved(OBJECT * np.uint8(1)),
    "one bit": saved(OBJECT),
    "grey as colours": saved(coloured((255, 255, 255))),
    "green on black": saved(coloured((0, 255, 0))),
    "dark red on black": saved(coloured((64, 0, 0))),
    "blue on black": saved(coloured((0, 0, 1))),
    "VOC's class 1": saved(palette(OBJECT * 1)),
    "VOC's class 2": saved(palette(OBJECT * 2)),
    "a palette that is black but in name": saved(palette(OBJECT * 5, [0] * 768)),
    "a transparent palette": saved(palette(OBJECT * 2), transparency=0),
    "16-bit numbers": saved(OBJECT.astype(np.uint16) * 300),
    "16-bit 1": saved(OBJECT.astype(np.uint16)),
    "32-bit numbers": saved(OBJECT.astype(np.int32) * 70_000, "TIFF"),
    "floating point": tiff(OBJECT.astype(np.float32)),
    "probabilities": tiff(np.where(OBJECT, 0.8, 0.2).astype(np.float32)),
    "double precision": tiff(OBJECT.astype(np.float64) * 255),
    "coverage over black": covered("RGBA", 0),
    "coverage over white": covered("RGBA", 255),
    "grey with coverage": covered("LA", 90),
    "opaque": saved(Image.fromarray(coloured((255, 0, 0))).convert("RGBA")),
    "JPEG": saved(OBJECT * np.uint8(255), "JPEG", quality=90),
    "coloured JPEG": saved(coloured((0, 255, 0)), "JPEG", quality=95, subsampling=0),
    "WebP": saved(coloured((255, 255, 255)), "WEBP", lossless=True),
    "lossy WebP, as JPEG": saved(coloured((255, 255, 255)), "WEBP", quality=80),
    "AVIF, as JPEG": saved(coloured((255, 255, 255)), "AVIF", quality=80),
    "BMP": saved(OBJECT * np.uint8(255), "BMP"),
}


@pytest.mark.parametrize("tool", DRAWN)
def test_the_object_is_found_whoever_drew_it(tool: str) -> None:
    """Nothing, black, index 0 and no coverage are the background, whatever else is the object."""
    mask = read_mask(DRAWN[tool])
    wrong = mask.pixels != OBJECT
    assert wrong.mean() < (0.02 if "JPEG" in tool else 1e-9)
    assert mask.notes == ()


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.uint8, (6, 7), elements=st.integers(0, 40)), st.integers(0, 40))
def test_values_are_taken_one_by_one_or_all_together(classes: np.ndarray, one: int) -> None:
    """Without a value all but 0, with one that alone; the palette, the depth and the channels change nothing."""
    files: list[Callable[[], bytes]] = [
        lambda: saved(classes),
        lambda: saved(palette(classes, list(range(120)))),
        lambda: saved(classes.astype(np.uint16)),
        lambda: saved(np.repeat(classes[..., None], 3, axis=2)),
    ]
    for file in files:
        assert np.array_equal(read_mask(file()).pixels, classes != 0)
        assert np.array_equal(read_mask(file(), Value.of(str(one))).pixels, classes == one)
        assert np.array_equal(read_mask(file(), Value.of("3-20")).pixels, (classes >= 3) & (classes <= 20))


def test_a_class_may_be_named_by_its_colour() -> None:
    """In a picture of colours, and in a palette."""
    classes = np.arange(12).reshape(3, 4) % 4
    for file in (saved(palette(classes)), saved(palette(classes).convert("RGB"))):
        assert np.array_equal(read_mask(file, Value.of("#008000")).pixels, classes == 2)
    assert not read_mask(saved(coloured((9, 9, 0))), Value.of("9")).pixels.any()  # 9 is no colour


@pytest.mark.parametrize("text", ["", "red", "-1", "1-", "#12345", "1.5", "#12345g", "9" * 11])
def test_a_value_that_is_none_is_refused(text: str) -> None:
    """With what it may be."""
    with pytest.raises(ValueError, match="expected a number like 3, a range like 1-20 or a colour"):
        Value.of(text)


def test_what_is_guessed_or_says_nothing_is_said() -> None:
    """Several classes together, a palette that begins with another colour than black, an empty mask and a full one."""
    several = np.where(OBJECT, np.arange(64) % 3 + 1, 0)
    [note] = read_mask(saved(palette(several))).notes
    assert "(1, 2, 3)" in note
    assert "--mask-value" in note
    assert read_mask(saved(palette(several)), Value.of("2")).notes == ()
    assert "(#00ff00, #ff0000, " in read_mask(saved(coloured((255, 0, 0)) + coloured((0, 255, 0))[:, ::-1])).notes[0]
    assert read_mask(saved(palette(OBJECT * 1, [255, 255, 255, 0, 0, 0]))).notes == (PALETTE,)
    assert read_mask(saved(OBJECT & False)).notes == (EMPTY,)
    assert read_mask(saved(OBJECT | True)).notes == (FULL,)
    assert read_mask(saved(OBJECT * np.uint8(1)), Value.of("7")).notes[0].startswith(EMPTY)


def test_the_shades_of_a_soft_edge_are_no_classes() -> None:
    """A mask that was resized has them."""
    soft = Image.fromarray(OBJECT * np.uint8(255)).resize((200, 150), Image.Resampling.BICUBIC)
    assert read_mask(saved(soft)).notes == ()


def test_a_mask_and_boxes_follow_the_same_rules() -> None:
    """Nothing, one or the other, and of the photograph's size: each refusal names what is wrong."""
    assert object_mask(Whereabouts(), 40, 64) is None
    by_mask = object_mask(Whereabouts(DRAWN["0 and 1"]), 40, 64)
    by_box = object_mask(Whereabouts(boxes=Boxes((Box(16, 8, 24, 22),))), 40, 64)
    assert by_mask is not None
    assert by_box is not None
    assert np.array_equal(by_mask.pixels, by_box.pixels)
    for said, message in (
        (Whereabouts(DRAWN["0 and 1"], Boxes((Box(0, 0, 1, 1),))), "both a mask and boxes"),
        (Whereabouts(DRAWN["0 and 1"][:60]), "its mask cannot be read"),
        (Whereabouts(boxes=Boxes((Box(60, 0, 9, 1),))), "its boxes: box 60,0,9,1 reaches beyond"),
    ):
        with pytest.raises(Unreadable, match=message):
            object_mask(said, 40, 64)
    with pytest.raises(Unreadable, match="its mask is 64x40 pixels, the upright photograph 40x64"):
        object_mask(Whereabouts(DRAWN["0 and 1"]), 64, 40)


def test_a_mask_is_turned_upright_as_its_photograph_is() -> None:
    """By EXIF, where a tool has kept it."""
    exif = Image.Exif()
    exif[274] = 6
    turned = saved(Image.fromarray(np.rot90(OBJECT) * np.uint8(255)), exif=exif)
    assert np.array_equal(read_mask(turned).pixels, OBJECT)
