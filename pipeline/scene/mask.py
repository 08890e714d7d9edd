"""Masks: where the object is in a photograph, as whatever tool has drawn it, or as boxes."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.scene.boxes import Boxes
from pipeline.scene.photograph import MEGAPIXELS, Unreadable, opened, orientation, refuse_large, upright
from pipeline.scene.strips import cut, strips
from pipeline.scene.tiff import read_tiff

LOSSY, LOSSLESS_WEBP = ("JPEG", "MPO", "AVIF", "HEIF", "WEBP"), b"VP8L"
NOISE = 64  # of 255: what a lossy file adds to black stays below
HALF = 127  # of 255: alpha above it covers
VALUE = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?|#([0-9a-fA-F]{6})")
FEW = 32  # values that are told apart; more are shades of one edge
EMPTY = "its mask marks no pixel, so nothing is said of the background"
FULL = "its mask marks every pixel, so nothing is said of the background"
PALETTE = "the first colour of its mask's palette is taken for the background, though it is not black"


@dataclass(frozen=True, slots=True)
class Value:
    """What of a mask is the object: values from `least` to `most` of one channel, or a colour."""

    least: int
    most: int
    colour: tuple[int, int, int] | None = None

    @classmethod
    def of(cls, text: str) -> "Value":
        """That of a text: 3, 1-20 or #00ff00. Raises ValueError."""
        found = VALUE.fullmatch(text.strip())
        if not found:
            raise ValueError(
                f"mask value is {text!r}, expected a number like 3, a range like 1-20 or a colour like #00ff00"
            )
        if found[3]:
            red, green, blue = bytes.fromhex(found[3])
            return cls(0, 0, (red, green, blue))
        return cls(int(found[1]), int(found[2] or found[1]))


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What is said of where a photograph's object is: a mask's file, or boxes, and what of the mask is meant."""

    mask: bytes | None = None
    boxes: Boxes | None = None
    value: Value | None = None

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return self.mask is not None or self.boxes is not None


@dataclass(frozen=True, slots=True, eq=False)
class ObjectMask:
    """Where the object is, bool [H, W], and what a person should know of how it was read."""

    pixels: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def object_mask(said: Whereabouts, height: int, width: int) -> ObjectMask | None:
    """The mask of an upright photograph of this size; None if nothing is said.

    Raises
    ------
    Unreadable
        If there are both a mask and boxes, the mask cannot be read or has another size, or the boxes lie outside.
    """
    if said.boxes is not None:
        if said.mask is not None:
            raise Unreadable("it has both a mask and boxes; give one of them")
        try:
            return ObjectMask(said.boxes.mask(height, width))
        except ValueError as error:
            raise Unreadable(f"its boxes: {error}") from error
    if said.mask is None:
        return None
    mask = read_mask(said.mask, said.value, max(MEGAPIXELS, height * width / 10**6))
    if mask.pixels.shape != (height, width):
        sizes = [f"{across}x{down}" for down, across in (mask.pixels.shape, (height, width))]
        raise Unreadable(f"its mask is {sizes[0]} pixels, the upright photograph {sizes[1]}; make them alike")
    return mask


def read_mask(data: bytes, value: Value | None = None, megapixels: float | None = MEGAPIXELS) -> ObjectMask:
    """The object's pixels in a mask's file, upright by EXIF.

    Without a value the object is whatever is not nothing: what alpha covers where there is any, any index but 0 of a
    palette, any number but 0 in one channel of whatever depth (of floating point up to 1, at least a half), any colour
    but black.

    Raises
    ------
    Unreadable
        With the reason.
    """
    notes = list[str]()
    try:
        samples = partial(_of_samples, data, value, megapixels)
        noise = 0 if LOSSLESS_WEBP in data[:64] else NOISE
        pixels = opened(data, lambda image: _of_image(image, value, noise, notes), samples, notes, megapixels)
    except Unreadable as error:
        raise Unreadable(f"its mask cannot be read: {error}") from error
    if not pixels.any():
        notes.append(EMPTY if value is None else f"{EMPTY}: none of its pixels has the value asked for")
    elif pixels.all():
        notes.append(FULL)
    return ObjectMask(pixels, tuple(notes))


def _of_image(image: Image.Image, value: Value | None, noise: int, notes: list[str]) -> NDArray[np.bool_]:
    noise = noise if image.format in LOSSY else 0
    turned = orientation(image)
    return np.ascontiguousarray(upright(_stored(image, value, noise, notes), turned))


def _stored(image: Image.Image, value: Value | None, noise: int, notes: list[str]) -> NDArray[np.bool_]:
    """The pixels that are meant of a picture as it is stored."""
    if value is None and image.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        covered, clear = np.empty((image.height, image.width), np.bool_), False
        for rows, strip in zip(strips(*covered.shape), cut(image), strict=True):
            alpha = np.asarray(strip.convert("RGBA").getchannel("A"))
            covered[rows], clear = alpha > HALF, clear or bool((alpha < 255).any())
        if clear:
            return covered
    if image.mode == "1":
        image = image.convert("L").point(lambda shade: shade // 255)
    if image.mode == "P" and (value is None or value.colour is None):
        _note_palette(image, notes)
    elif image.mode not in ("L", "I", "F") and not image.mode.startswith("I;16"):
        image = image if image.mode == "RGB" else image.convert("RGB")
    if value is None and not noise:
        _note_values(image, notes)
    if image.mode == "F":  # what its numbers mean depends on the largest of them
        return _selected(np.asarray(image), value, noise)
    return np.concatenate([_selected(np.asarray(strip), value, noise) for strip in cut(image)])


def _of_samples(data: bytes, value: Value | None, megapixels: float | None) -> NDArray[np.bool_]:
    samples = read_tiff(data, lambda width, height: refuse_large(width, height, megapixels))
    return _selected(samples[..., 0] if samples.shape[2] < 3 else samples[..., :3], value, 0)


def _selected(values: NDArray[Any], value: Value | None, noise: int) -> NDArray[np.bool_]:
    """The pixels that are meant, of [h, w] numbers or [h, w, 3] colours."""
    if value is not None and value.colour is not None:
        colours = values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=2)
        return np.asarray((colours == value.colour).all(axis=2))
    if value is not None:
        grey = values if values.ndim == 2 else values[..., 0]
        same = values.ndim == 2 or (values == grey[..., None]).all(axis=2)
        return np.asarray((grey >= value.least) & (grey <= value.most) & same)
    if values.dtype.kind == "f" and np.max(values, initial=0, where=np.isfinite(values)) <= 1:
        return np.asarray((values >= 0.5) if values.ndim == 2 else (values >= 0.5).any(axis=2))
    return np.asarray((values > noise) if values.ndim == 2 else (values > noise).any(axis=2))


def _note_palette(image: Image.Image, notes: list[str]) -> None:
    if (image.getpalette("RGB") or [0])[:3] != [0, 0, 0]:
        notes.append(PALETTE)


def _note_values(image: Image.Image, notes: list[str]) -> None:
    """Say so where several values stand for the object, and they are no shades of an edge."""
    if image.mode in ("L", "P", "RGB"):
        found = [value for _, value in image.getcolors(FEW + 1) or ()]
    else:
        found = np.unique(np.asarray(image)).tolist() if image.mode != "F" else []
    some = sorted(value for value in found if value not in (0, (0, 0, 0)))
    if len(some) > 1 and not (image.mode == "L" and 255 in some and len(some) > FEW // 2):
        shown = [f"#{bytes(one).hex()}" if isinstance(one, tuple) else str(one) for one in some[:3]]
        more = ", ..." if len(some) > 3 else ""
        notes.append(f"several values of its mask count as the object ({', '.join(shown)}{more}); see --mask-value")
