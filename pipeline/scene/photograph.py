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
UNIT = 2  # up to here floating point is taken for 0..1: reflectances go a little above
DEPTHS = (8, 10, 12, 14, 16, 24, 32)  # bits in which cameras and scanners count
BROKEN_OFF = "the file breaks off: the last bytes of the JPEG are missing, and at most 2 % of it with them"
SHOWN = "pixels that are transparent are shown {}; the profile's field transparent says what the model was trained with"

UPRIGHT = {  # what turns a picture of each EXIF orientation upright; 1 is
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
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
        return _rgb(upright(image), transparent, notes)

    def samples() -> NDArray[np.uint8]:
        return _bands(read_tiff(data, lambda width, height: refuse_large(width, height, megapixels)), notes)

    return Decoded(opened(data, pixels, samples, notes, megapixels), tuple(notes))


def read_image(image: Image.Image, transparent: Transparent = "white") -> Decoded:
    """The photograph in a picture that Pillow has opened, upright by EXIF: see `read_photograph`."""
    notes = list[str]()
    return Decoded(_rgb(upright(image), transparent, notes), tuple(notes))


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


def upright(image: Image.Image) -> Image.Image:
    """Turned by hand: `ImageOps.exif_transpose` also writes the EXIF block anew, and fails on a tag of wrong type."""
    image.load()  # Pillow turns a TIFF as it loads it, and takes the tag away
    turn = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def eight_bits(values: NDArray[Any], notes: list[str]) -> NDArray[np.uint8]:
    """Samples of any range as 0..255: floating point of 0..1 as that, else by the bits that hold the largest."""
    floating, finite = values.dtype.kind == "f", np.isfinite(values)
    top = float(np.max(values, initial=0, where=finite))
    if floating and top <= UNIT:
        white = 1.0
    else:
        bits = next((bits for bits in DEPTHS if top < 2**bits), 64)
        white = float(2**bits - 1)
        if bits != 8 * values.dtype.itemsize:
            notes.append(f"its samples are stretched from {bits} bits, which hold the largest")
    scaled = np.where(finite, values, 0).astype(np.float32) * np.float32(255 / white)
    return np.clip(np.round(scaled), 0, 255).astype(np.uint8)


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
    if ((np.maximum(first, second) - np.minimum(first, second)).max(axis=2) > FAR).mean() > LOST:
        raise Unreadable("damaged: the file breaks off, and a part of the photograph is missing with it")
    notes.append(BROKEN_OFF)
    return _used(whole, use, notes, megapixels)


def _plainly(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB"))


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


def _rgb(image: Image.Image, transparent: Transparent, notes: list[str]) -> NDArray[np.uint8]:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _repeated(eight_bits(_numbers(image), notes))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            notes.append(SHOWN.format("as stored" if transparent == "stored" else transparent))
        if transparent != "stored":
            image = Image.alpha_composite(Image.new("RGBA", image.size, transparent), image)
    return np.array(image.convert("RGB"))


def _numbers(image: Image.Image) -> NDArray[Any]:
    """The samples of one wide band; NaN where floating point has no data."""
    values = np.asarray(image)
    lacking = image.tag_v2.get(NO_DATA) if isinstance(image, TiffImageFile) and image.mode == "F" else None
    return values if lacking is None else without_holes(values, str(lacking))


def _bands(samples: NDArray[Any], notes: list[str]) -> NDArray[np.uint8]:
    """The first three bands, or the first as grey."""
    bands = samples.shape[2]
    if bands > 3:
        notes.append("of several bands the first three are read as red, green and blue")
    return _repeated(eight_bits(samples[..., 0], notes)) if bands < 3 else eight_bits(samples[..., :3], notes)


def _repeated(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[..., None], 3, axis=2)
