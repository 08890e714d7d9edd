import contextlib
import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pipeline.scene.photograph import Unreadable, decode

ORIENTATION, DESCRIPTION, WIDTH = 0x0112, 0x010E, 0x0100  # EXIF tags: a number, a text, a number
# What each EXIF orientation asks the viewer to do, undone: from the upright picture to the one stored in the file.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: np.rot90,
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


def picture(height=12, width=20, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height=48, width=64):
    y, x = np.mgrid[:height, :width]
    return np.stack([4 * x % 256, 255 * y // height, 128 + 0 * x], axis=2).astype(np.uint8)


def saved(image, form, **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(np.ascontiguousarray(image))).save(
        buffer, form, **options
    )
    return buffer.getvalue()


def oriented(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


@pytest.mark.parametrize("orientation", sorted(STORED))
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_every_exif_orientation_comes_out_upright(orientation, form):
    """However the camera was held, the photograph is upright, to the pixel."""
    options = {"lossless": True} if form == "WEBP" else {}
    data = saved(STORED[orientation](picture()), form, exif=oriented(orientation), **options)
    assert np.array_equal(decode(data), picture())


@pytest.mark.parametrize("orientation", sorted(STORED))
def test_a_jpeg_of_every_orientation_comes_out_upright(orientation):
    """The same for JPEG, within what its compression changes."""
    data = saved(STORED[orientation](smooth()), "JPEG", quality=95, subsampling=0, exif=oriented(orientation))
    decoded = decode(data)
    assert decoded.shape == smooth().shape
    assert np.abs(decoded.astype(int) - smooth())[:, 1:63].mean() < 5


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("BMP", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True})],
)
def test_lossless_formats_give_their_pixels(form, options):
    """RGB uint8 [H, W, 3], the pixels that were saved."""
    decoded = decode(saved(picture(), form, **options))
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, picture())


def test_cmyk_becomes_rgb():
    """A printer's JPEG has four channels and comes out with its colours, not their negative."""
    flat = np.zeros((16, 16, 3), np.uint8) + np.array([200, 60, 20], np.uint8)
    decoded = decode(saved(Image.fromarray(flat).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(decoded.astype(int) - flat).max() < 8


def test_palette_and_one_bit_become_rgb():
    """An indexed PNG gives its palette's colours; a one-bit picture black and white."""
    indexed = Image.fromarray(smooth()).quantize(32)
    assert np.array_equal(decode(saved(indexed, "PNG")), np.asarray(indexed.convert("RGB")))
    bits = np.arange(64).reshape(8, 8) % 3 == 0
    decoded = decode(saved(Image.fromarray(bits), "PNG"))
    assert np.array_equal(decoded, np.repeat(np.where(bits, 255, 0)[..., None], 3, axis=2))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_composed_on_white(mode):
    """Where alpha is 0 the photograph is white, where it is 255 itself, in between a blend."""
    alpha = np.array([[0, 128, 255]], np.uint8)
    grey = np.full((1, 3), 100, np.uint8)
    layers = [grey, alpha] if mode == "LA" else [grey, grey, grey, alpha]
    decoded = decode(saved(Image.merge(mode, [Image.fromarray(layer) for layer in layers]), "PNG"))
    assert np.abs(decoded[0].astype(int) - [[255] * 3, [177] * 3, [100] * 3]).max() <= 1


def test_a_transparent_colour_is_composed_on_white():
    """A palette's, a grey's and an RGB picture's transparent colour is white."""
    indexed = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    indexed.putpalette([10, 20, 30, 40, 50, 60])
    grey = Image.fromarray(np.array([[7, 40]], np.uint8))
    rgb = Image.fromarray(np.array([[[1, 2, 3], [40, 50, 60]]], np.uint8))
    assert decode(saved(indexed, "PNG", transparency=0)).tolist() == [[[255] * 3, [40, 50, 60]]]
    assert decode(saved(grey, "PNG", transparency=7)).tolist() == [[[255] * 3, [40] * 3]]
    assert decode(saved(rgb, "PNG", transparency=(1, 2, 3))).tolist() == [[[255] * 3, [40, 50, 60]]]


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("values", [[0, 257, 51400, 65535], [0, 100, 200, 255], [0, 1, 1, 0]])
def test_sixteen_bit_grey_is_scaled_to_eight(form, values):
    """65535 is white whatever the picture holds: a dark 16-bit photograph stays dark."""
    grey = np.array([values], np.uint16)
    decoded = decode(saved(grey, form))
    assert np.array_equal(decoded[0], np.repeat(np.round(grey[0] / 257)[:, None], 3, axis=1))


@pytest.mark.parametrize(
    ("values", "white"),
    [(np.float32([0, 0.5, 1]), 1), (np.float32([0, 100, 255]), 255), (np.int32([0, 9999, 65535]), 65535)],
)
def test_wide_grey_is_scaled_by_its_largest_value(values, white):
    """A float or 32-bit TIFF is read as 0..1, 0..255 or 0..65535, whichever holds it."""
    decoded = decode(saved(values[None], "TIFF"))
    assert np.array_equal(decoded[0, :, 0], np.round(values / white * 255))


def test_a_float_picture_with_holes_is_readable():
    """NaN, as surveying software writes for no data, is black."""
    assert decode(saved(np.float32([[np.nan, 1.0]]), "TIFF"))[0, :, 0].tolist() == [0, 255]


def test_of_an_animation_the_first_frame_is_taken():
    """WebP animations, multi-page TIFFs and phones' multi-picture JPEGs give their first picture."""
    frames = [Image.fromarray(np.full((16, 16, 3), value, np.uint8)) for value in (200, 90, 10)]
    for form, options in (("WEBP", {"lossless": True}), ("TIFF", {}), ("MPO", {"quality": 95})):
        decoded = decode(saved(frames[0], form, save_all=True, append_images=frames[1:], **options))
        assert np.abs(decoded.astype(int) - 200).max() <= 2


def test_what_is_not_a_photograph_is_refused_with_its_reason():
    """Empty, text, a format not taken: each says what it is."""
    with pytest.raises(Unreadable, match=r"^the file is empty$"):
        decode(b"")
    for data in (b"not a picture at all\n" * 40, saved(picture(), "GIF"), b"%PDF-1.4", b"\x00" * 1000):
        with pytest.raises(Unreadable, match=r"^not a JPEG, PNG, WEBP, TIFF or BMP file$"):
            decode(data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused(form, share):
    """A file cut off on its way is unreadable, never half a photograph."""
    data = saved(picture(200, 200), form)
    with pytest.raises(Unreadable):
        decode(data[: int(len(data) * share)])


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (12_000, 9_000), (2**31 - 1, 2**31 - 1)])
def test_a_header_that_claims_too_many_pixels_is_refused_unread(width, height):
    """A decompression bomb of a few bytes is refused by its header, before memory is taken for it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    with pytest.raises(Unreadable, match="the 100 megapixels allowed"):
        decode(bomb)


def test_a_tag_of_the_wrong_type_does_not_cost_the_photograph():
    """EXIF that says its width in letters is a camera's mistake: the picture is read, and turned upright."""
    exif = oriented(6)
    exif[DESCRIPTION] = "x"
    right = exif.tobytes()
    wrong = right.replace(struct.pack(">H", DESCRIPTION), struct.pack(">H", WIDTH))
    data = saved(STORED[6](picture()), "PNG", exif=right)
    swapped = data.replace(chunk(b"eXIf", right[6:]), chunk(b"eXIf", wrong[6:]))
    assert swapped != data
    assert np.array_equal(decode(swapped), picture())


def test_no_byte_of_an_exif_block_stops_the_reader():
    """Whatever byte of its EXIF block is changed, a JPEG is read or refused: its tags may claim any type and length."""
    exif = oriented(6).tobytes()
    data = saved(picture(), "JPEG", exif=exif)
    outcomes = set()
    for position, value in itertools.product(range(len(exif)), (0, 2, 5, 12, 255)):
        changed = exif[:position] + bytes([value]) + exif[position + 1 :]
        with contextlib.suppress(Unreadable):
            outcomes.add(decode(data.replace(exif, changed)).shape)
    assert {(12, 20, 3), (20, 12, 3)} <= outcomes
