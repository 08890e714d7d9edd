import contextlib
import io
import itertools
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from pipeline.scene.photograph import Unreadable, decode, read_photograph

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
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_grey_in_sixteen_bits_is_stretched_by_the_bits_that_hold_it(form, bits):
    """Cameras count in 10, 12 or 14 bits and files in 16: white is the largest of what holds the picture, and said."""
    white = 2**bits - 1
    grey = np.array([[0, white // 3, white // 2 + 1, white]], np.uint16)
    read = read_photograph(saved(grey, form))
    assert np.array_equal(read.pixels[0], np.repeat(np.round(grey[0] / white * 255)[:, None], 3, axis=1))
    assert any(f"stretched from {bits} bits" in note for note in read.notes) == (bits != 16)


def test_a_picture_s_own_range_is_its_bits_and_not_its_largest_value():
    """Two thermal pictures of one camera keep their difference, as long as both need as many bits."""
    dark, bright = (decode(saved(np.full((4, 4), value, np.uint16), "TIFF"))[0, 0, 0] for value in (8200, 16000))
    assert (dark, bright) == (round(8200 / 16383 * 255), round(16000 / 16383 * 255))


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
        with pytest.raises(Unreadable, match=r"^not a JPEG, PNG, WebP, TIFF, BMP, JPEG 2000, AVIF or HEIC file$"):
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


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (20_000, 10_001), (2**31 - 1, 2**31 - 1)])
def test_a_header_that_claims_too_many_pixels_is_refused_unread(width, height):
    """A decompression bomb of a few bytes is refused by its header, before memory is taken for it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    with pytest.raises(Unreadable, match="the 200 megapixels allowed"):
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


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("lacking", [1, 2, 3, 40])
def test_a_jpeg_that_lacks_its_last_bytes_is_read_and_said(progressive, lacking):
    """A download or a card that lost the end: what is missing is a few blocks at most."""
    data = saved(smooth(480, 640), "JPEG", quality=90, progressive=progressive)
    read = read_photograph(data[:-lacking])
    assert np.abs(read.pixels.astype(int) - decode(data)).mean() < 0.5
    assert any("the file breaks off" in note for note in read.notes)
    assert read_photograph(data).notes == ()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_jpeg_that_lacks_a_part_of_the_picture_is_refused(progressive, share):
    """Half a photograph is none."""
    data = saved(picture(300, 300), "JPEG", quality=90, progressive=progressive)
    with pytest.raises(Unreadable, match="a part of the photograph is missing"):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("bands", [3, 5, 7])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16), "compression": "zlib"}])
def test_a_survey_s_tiff_gives_its_first_three_bands(bands, kind, options):
    """Multispectral cameras and photogrammetry: whatever the number of bands, the samples and their order."""
    rng = np.random.default_rng(bands)
    white = 1 if np.dtype(kind).kind == "f" else np.iinfo(kind).max
    values = (rng.random((40, 56, bands)) * white).astype(kind)
    values[0, 0] = white
    for planar in ("contig", "separate"):
        laid = values if planar == "contig" else values.transpose(2, 0, 1)
        if planar == "separate" and "tile" in options:
            continue
        data = tiff(laid, photometric="minisblack", planarconfig=planar, **options)
        assert np.abs(decode(data).astype(int) - values[..., :3] / white * 255).max() <= 1
    read = read_photograph(data)
    assert any("the first three" in note for note in read.notes) == (bands > 3)


def test_no_data_in_a_survey_s_tiff_is_black_and_no_measure():
    """GDAL's tag and NaN: a hole of 1e38 would make all the rest black."""
    values = np.full((20, 20, 3), 0.5, np.float32)
    values[3, 3], values[4, 4] = 3.4e38, np.nan
    for bands in (values, values[..., 0]):
        kind = "rgb" if bands.ndim == 3 else "minisblack"
        decoded = decode(tiff(bands, photometric=kind, extratags=[(42113, "s", 0, "3.4e38", True)]))
        assert decoded[3, 3].tolist() == decoded[4, 4].tolist() == [0, 0, 0]
        assert np.abs(decoded[10, 10].astype(int) - 128).max() <= 1


FIVE = {"photometric": "minisblack", "planarconfig": "contig", "compression": "zlib"}


def test_a_tiff_that_is_compressed_beyond_us_says_so():
    """The reason is the compression, not the format."""
    data = tagged(tiff(np.zeros((64, 64, 5), np.uint8), **FIVE), 259, struct.pack("<HII", 3, 1, 5))
    with pytest.raises(Unreadable, match="not read when compressed by LZW; save it with deflate"):
        decode(data)


def test_a_survey_s_tiff_that_unpacks_beyond_its_size_is_refused():
    """A strip of a few kilobytes that would fill the memory."""
    data, bomb = tiff(np.zeros((8, 8, 5), np.uint8), rowsperstrip=8, **FIVE), zlib.compress(bytes(2**24), 9)
    grown = tagged(data, 273, struct.pack("<HII", 4, 1, len(data)))
    grown = tagged(grown, 279, struct.pack("<HII", 4, 1, len(bomb)))
    with pytest.raises(Unreadable, match="bomb"):
        decode(grown + bomb)


def tagged(data, tag, entry):
    """A TIFF file with another entry for a tag."""
    place = next(one.offset for one in tifffile.TiffFile(io.BytesIO(data)).pages[0].tags if one.code == tag)
    return data[: place + 2] + entry + data[place + 12 :]


def test_of_a_tiff_s_pages_the_largest_is_read_and_it_is_said():
    """A thumbnail may come first."""
    pages = [Image.fromarray(picture(*size)) for size in ((6, 10), (12, 20), (3, 5))]
    for first in range(3):
        order = pages[first:] + pages[:first]
        read = read_photograph(saved(order[0], "TIFF", save_all=True, append_images=order[1:]))
        assert np.array_equal(read.pixels, picture(12, 20))
        assert read.notes == ("of several pages the largest is read",)


@pytest.mark.parametrize(("transparent", "shown"), [("white", 255), ("black", 0), ("stored", 60)])
def test_what_a_transparent_pixel_shows_is_asked_for(transparent, shown):
    """White, black, or the colour that is stored below it, as Pillow's convert gives it; which it is, is said."""
    pixels = np.zeros((2, 2, 4), np.uint8) + np.array([60, 60, 60, 0], np.uint8)
    pixels[0] = (10, 20, 30, 255)
    read = read_photograph(saved(pixels, "PNG"), transparent=transparent)
    assert read.pixels[0].tolist() == [[10, 20, 30]] * 2
    assert read.pixels[1].tolist() == [[shown] * 3] * 2
    assert len(read.notes) == 1
    assert read_photograph(saved(pixels[:1], "PNG")).notes == ()


@pytest.mark.parametrize("form", ["AVIF", "JPEG2000", "HEIF"])
def test_today_s_formats_are_read(form):
    """Telephones write HEIC and AVIF, scanners JPEG 2000."""
    if form == "HEIF":
        pytest.importorskip("pillow_heif")
    decoded = decode(saved(smooth(), form, quality=95) if form != "JPEG2000" else saved(smooth(), form))
    assert np.abs(decoded.astype(int) - smooth())[:, 1:63].mean() < 6


def test_a_heic_without_what_reads_it_says_what_to_install(monkeypatch):
    """The reason is not that it is no photograph."""
    monkeypatch.setattr("pipeline.scene.photograph.FORMATS", ["JPEG", "PNG"])
    with pytest.raises(Unreadable, match=r"a HEIC photograph, which needs an extra: pip install 'polelens\[heic\]'"):
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500))


def test_the_most_that_is_read_can_be_set():
    """More for a telephone of tomorrow, less for a small machine; what was measured before has no limit."""
    data = saved(picture(100, 120), "PNG")
    with pytest.raises(Unreadable, match=r"120x100 pixels, more than the 0.01 megapixels allowed"):
        read_photograph(data, megapixels=0.01)
    assert read_photograph(data, megapixels=0.012).pixels.shape == (100, 120, 3)
    assert read_photograph(data, megapixels=None).pixels.shape == (100, 120, 3)


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()
