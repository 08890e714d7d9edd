"""Decoding: from a file's bytes to an upright RGB photograph."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from pipeline.scene.samples import eight_bits, white_of
from pipeline.scene.strips import cut, strips
from pipeline.scene.tiff import MAGIC, NO_DATA, read_tiff, without_holes

FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "JPEG2000", "AVIF"]
with suppress(ImportError):  # the extra `heic`
    import pillow_heif

    pillow_heif.register_heif_opener()
    FORMATS.append("HEIF")

T = TypeVar("T")
Transparent = Literal["white", "black", "stored"]
NAMES = "JPEG, PNG, WebP, TIFF, BMP, JPEG 2000, AVIF or HEIC"
MEGAPIXELS = 200  # the largest of today's telephones; it takes 600 MB decoded. More is a bomb or a mistake
HEIC = re.compile(rb"....ftyp(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1)", re.DOTALL)
LOST = 0.02  # of a JPEG that breaks off: more of its pixels may not depend on what is missing
FAR = 8  # of 255: a pixel that differs by more depends on it
SAMPLES = 277  # TIFF's tag of how many bands there are
BROKEN_OFF = "the file breaks off: the last bytes of the JPEG are missing, and at most 2 % of it with them"
SHOWN = "pixels that are transparent are shown {}; the profile's field transparent says what the model was trained with"

UPRIGHT: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {  # by EXIF orientation: a view that is upright; 1 is
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}
SIDEWAYS = (5, 6, 7, 8)
BACK = {6: 8, 8: 6}  # the orientations that undo one another; any other undoes itself
DAMAGE = (OSError, SyntaxError, ValueError, TypeError, EOFError, LookupError, ArithmeticError, RuntimeError)
_limits = Lock()


class Unreadable(ValueError):
    """The bytes are not a photograph that can be read; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A photograph's pixels, uint8 [H, W, 3], upright RGB, and what a person should know of how they were read."""

    pixels: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


def decode(data: bytes) -> NDArray[np.uint8]:
    """The photograph's pixels, uint8 [H, W, 3]: see `read_photograph`."""
    return read_photograph(data).pixels


def read_photograph(
    data: bytes, *, transparent: Transparent = "white", megapixels: float | None = MEGAPIXELS
) -> Decoded:
    """The photograph in a file's bytes, upright by EXIF.

    Grey and floating-point samples of more than 8 bits are stretched by the bits that hold the largest; of several
    bands the first three are red, green and blue; of several pages the largest is read, of an animation the first. A
    JPEG that lacks its last bytes is read if hardly anything is missing.

    Parameters
    ----------
    data : bytes
        A JPEG, PNG, WebP, TIFF, BMP, JPEG 2000 or AVIF file; HEIC with the extra `heic`.
    transparent : "white", "black" or "stored"
        What a transparent pixel shows: "stored" is its own colour, as Pillow's `convert("RGB")` gives it.
    megapixels : float or None
        The most that is decoded; None for files that were measured before.

    Raises
    ------
    Unreadable
        With the reason: empty, another format, truncated, corrupt, more pixels than that or than the memory.
    """
    notes = list[str]()

    def pixels(image: Image.Image) -> NDArray[np.uint8]:
        return _upright_rgb(image, transparent, notes)

    def samples() -> NDArray[np.uint8]:
        return _bands(read_tiff(data, lambda width, height: refuse_large(width, height, megapixels)), notes)

    return Decoded(opened(data, pixels, samples, notes, megapixels), tuple(notes))


def read_image(image: Image.Image, transparent: Transparent = "white") -> Decoded:
    """The photograph in a picture that Pillow has opened, upright by EXIF: see `read_photograph`."""
    notes = list[str]()
    return Decoded(_upright_rgb(image, transparent, notes), tuple(notes))


def opened(
    data: bytes,
    use: Callable[[Image.Image], T],
    use_samples: Callable[[], T],
    notes: list[str],
    megapixels: float | None = MEGAPIXELS,
) -> T:
    """What is made of a picture's file, or of the samples of a TIFF that Pillow has no mode for. Raises Unreadable."""
    if not data:
        raise Unreadable("the file is empty")
    with _reasons(data):
        try:
            return _used(data, use, notes, megapixels)
        except UnidentifiedImageError:
            if not data.startswith(MAGIC):
                raise
        except OSError as error:
            if not (data.startswith(b"\xff\xd8") and "truncated" in str(error)):
                raise
            return _completed(data, use, notes, megapixels)
        return use_samples()


def orientation(image: Image.Image) -> int:
    """How a picture is stored, by EXIF: 1 is upright. `ImageOps.exif_transpose` fails on a tag of wrong type."""
    image.load()  # Pillow turns a TIFF as it loads it, and takes the tag away
    said = image.getexif().get(ExifTags.Base.Orientation, 1)
    return said if said in UPRIGHT else 1


def upright(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Pixels [h, w, ...] as they are stored, turned upright: a view of them."""
    return UPRIGHT[orientation](stored) if orientation in UPRIGHT else stored


@contextmanager
def _reasons(data: bytes) -> Iterator[None]:
    """Whatever a decoder makes of hostile bytes, as Unreadable with its reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd but readable metadata; size is checked apart
            yield
    except Unreadable:
        raise
    except UnidentifiedImageError:
        if HEIC.match(data):
            needed = "which needs an extra: pip install 'polelens[heic]'"
            raise Unreadable(f"a HEIC photograph, {'damaged' if 'HEIF' in FORMATS else needed}") from None
        raise Unreadable(f"not a {NAMES} file") from None
    except MemoryError:
        raise Unreadable("it takes more memory to read than there is") from None
    except DAMAGE as error:
        raise Unreadable(f"damaged: {str(error) or type(error).__name__}") from error


def _used(data: bytes, use: Callable[[Image.Image], T], notes: list[str], megapixels: float | None) -> T:
    with _limits:  # Pillow's own limit is the process's; ours is the call's
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = theirs
    with image:
        _choose_page(image, notes)
        refuse_large(*image.size, megapixels)
        if isinstance(image, TiffImageFile) and len(image.getbands()) < min(3, image.tag_v2.get(SAMPLES, 1)):
            raise UnidentifiedImageError  # Pillow would leave the other bands out
        return use(image)


def refuse_large(width: int, height: int, megapixels: float | None) -> None:
    """Raise Unreadable for more pixels than are allowed."""
    if megapixels is not None and width * height > megapixels * 10**6:
        raise Unreadable(
            f"{width}x{height} pixels, more than the {megapixels:g} megapixels allowed; --megapixels allows more"
        )


def _completed(data: bytes, use: Callable[[Image.Image], T], notes: list[str], megapixels: float | None) -> T:
    """A JPEG without its last bytes, completed in two ways: what differs between them is what is missing."""
    whole = data.rstrip(b"\xff") + b"\xff\xd9"
    other = data.rstrip(b"\xff") + b"\x5a\xa5" * (len(data) // 2) + b"\xff\xd9"
    first, second = (_used(one, _plainly, [], megapixels) for one in (whole, other))
    apart = sum(_pixels_apart(first[rows], second[rows]) for rows in strips(*first.shape[:2]))
    if apart > LOST * first.shape[0] * first.shape[1]:
        raise Unreadable("damaged: the file breaks off, and a part of the photograph is missing with it")
    del first, second
    notes.append(BROKEN_OFF)
    return _used(whole, use, notes, megapixels)


def _pixels_apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int(((np.maximum(one, other) - np.minimum(one, other)).max(axis=2) > FAR).sum())


def _plainly(image: Image.Image) -> NDArray[np.uint8]:
    image.load()
    return _gathered(image, (np.asarray(strip.convert("RGB")) for strip in cut(image)), 1)


def _choose_page(image: Image.Image, notes: list[str]) -> None:
    """Of a TIFF's pages the largest, as the first may be a thumbnail; of an animation the first."""
    pages = getattr(image, "n_frames", 1) if image.format in ("TIFF", "WEBP", "AVIF", "PNG") else 1
    if pages <= 1:
        return
    if image.format != "TIFF":
        notes.append("of several pictures in the file the first is read")
        return
    sizes = list[int]()
    for number in range(pages):
        image.seek(number)
        sizes.append(image.width * image.height)
    image.seek(sizes.index(max(sizes)))
    notes.append(
        "of several pages the largest is read" if len(set(sizes)) > 1 else "of several pages the first is read"
    )


def _upright_rgb(image: Image.Image, transparent: Transparent, notes: list[str]) -> NDArray[np.uint8]:
    """An opened picture, uint8 [H, W, 3], a strip at a time: what is made on the way would be some times as large."""
    turned = orientation(image)
    wide = image.mode.startswith("I;16") or image.mode in ("I", "F")
    return _gathered(image, _stretched(image, notes) if wide else _coloured(image, transparent, notes), turned)


def _gathered(image: Image.Image, colours: Iterator[NDArray[np.uint8]], turned: int) -> NDArray[np.uint8]:
    """The strips of a picture, put where they belong in the upright one."""
    height, width = image.height, image.width
    pixels = np.empty((*((width, height) if turned in SIDEWAYS else (height, width)), 3), np.uint8)
    stored = upright(pixels, BACK.get(turned, turned))
    for rows, strip in zip(strips(height, width), colours, strict=True):
        stored[rows] = strip
    return pixels


def _stretched(image: Image.Image, notes: list[str]) -> Iterator[NDArray[np.uint8]]:
    """The strips of one wide band, [h, w, 1]."""
    white = white_of(_numbers(image), notes)
    return (eight_bits(values, white)[..., None] for values in _numbers(image))


def _coloured(image: Image.Image, transparent: Transparent, notes: list[str]) -> Iterator[NDArray[np.uint8]]:
    """The strips of a picture of 8 bits, [h, w, 3], over what is shown behind it."""
    seen_through = False
    for strip in cut(image):
        colours, clear = _over(strip, transparent)
        seen_through |= clear
        yield colours
    if seen_through:
        notes.append(SHOWN.format("as stored" if transparent == "stored" else transparent))


def _over(strip: Image.Image, transparent: Transparent) -> tuple[NDArray[np.uint8], bool]:
    """A strip's colours over what is shown behind it, and whether that can be seen."""
    if strip.mode not in ("LA", "PA", "RGBA", "La", "RGBa") and "transparency" not in strip.info:
        return np.asarray(strip.convert("RGB")), False
    strip = strip.convert("RGBA")
    clear = strip.getchannel("A").getextrema() != (255, 255)
    if transparent != "stored":
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, transparent), strip)
    return np.asarray(strip.convert("RGB")), clear


def _numbers(image: Image.Image) -> Iterator[NDArray[Any]]:
    """The samples of one wide band in strips; NaN where floating point has no data."""
    lacking = image.tag_v2.get(NO_DATA) if isinstance(image, TiffImageFile) and image.mode == "F" else None
    for strip in cut(image):
        values = np.asarray(strip)
        yield values if lacking is None else without_holes(values, str(lacking))


def _bands(samples: NDArray[Any], notes: list[str]) -> NDArray[np.uint8]:
    """The first three bands, or the first as grey."""
    height, width, bands = samples.shape
    if bands > 3:
        notes.append("of several bands the first three are read as red, green and blue")
    shown = samples[..., :1] if bands < 3 else samples[..., :3]
    white = white_of((shown[rows] for rows in strips(height, width)), notes)
    pixels = np.empty((height, width, 3), np.uint8)
    for rows in strips(height, width):
        pixels[rows] = eight_bits(shown[rows], white)
    return pixels
