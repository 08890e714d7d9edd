"""Decoding: from a file's bytes to an upright RGB photograph."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
MAX_PIXELS = 100_000_000  # a 100-megapixel photograph takes 300 MB decoded; more is a decompression bomb or a mistake


UPRIGHT = {  # what turns a picture of each EXIF orientation upright; 1 is
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Unreadable(ValueError):
    """The bytes are not a photograph that can be read; the message says why."""


def decode(data: bytes) -> NDArray[np.uint8]:
    """The photograph in a file's bytes, upright by EXIF.

    Transparency is composed on white, 16-bit grey is scaled to 8 bits, of an animation the first frame is taken.

    Parameters
    ----------
    data : bytes
        A JPEG, PNG, WebP, TIFF or BMP file.

    Returns
    -------
    uint8 [H, W, 3], RGB.

    Raises
    ------
    Unreadable
        With the reason: empty, another format, truncated, corrupt, more than `MAX_PIXELS` pixels or than the memory.
    """
    if not data:
        raise Unreadable("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd but readable metadata; size is checked below
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise Unreadable(f"{width}x{height} pixels, more than the {MAX_PIXELS // 10**6} megapixels allowed")
                return _rgb(_upright(image))
    except Unreadable:
        raise
    except UnidentifiedImageError:
        raise Unreadable(f"not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file") from None
    except MemoryError:
        raise Unreadable("it takes more memory to read than there is") from None
    except Image.DecompressionBombError:
        raise Unreadable(f"more than the {MAX_PIXELS // 10**6} megapixels allowed") from None
    except (OSError, SyntaxError, ValueError, TypeError, EOFError, LookupError, ArithmeticError) as error:
        raise Unreadable(f"damaged: {error}") from error


def _upright(image: Image.Image) -> Image.Image:
    """Turned by hand: `ImageOps.exif_transpose` also writes the EXIF block anew, and fails on a tag of wrong type."""
    image.load()  # Pillow turns a TIFF as it loads it, and takes the tag away
    turn = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I;16"):
        return _grey(np.asarray(image, dtype=np.float32) / np.float32(257))  # 65535 / 255
    if image.mode in ("I", "F"):
        return _wide(np.nan_to_num(np.asarray(image, dtype=np.float32)))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def _wide(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    top = values.max(initial=0)
    scale = 1 / 257 if top > 255 else (1 if top > 1 else 255)  # 16-bit, 8-bit in a wide type, or 0..1
    return _grey(values * np.float32(scale))


def _grey(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    grey = np.clip(np.round(values), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
