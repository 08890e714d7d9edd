"""Inputs: the photograph, the object's mask and the model that a person hands in, as files or as arrays."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from pipeline.model.model import NOTHING, Model, ModelRefused, Said
from pipeline.scene.boxes import Box, Boxes
from pipeline.scene.mask import Value, Whereabouts
from pipeline.scene.photograph import Decoded, Transparent, read_image, read_photograph
from polelens.quarantine import model_within
from polelens.saved_model import packed
from storage.settings import limits

MOST_BYTES = 2**31  # what protobuf, and so ONNX, can hold in a file
Image = str | os.PathLike[str] | bytes | NDArray[np.uint8] | PIL.Image.Image


def photograph(image: Image, transparent: Transparent, megapixels: float) -> tuple[Decoded, str]:
    """The pixels, and the SHA-256 of the file; of the pixels' own bytes where there is no file."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(f"image is an array of {image.dtype} {list(image.shape)}, expected uint8 [H, W, 3], RGB")
        pixels = image.copy()
        return Decoded(pixels), hashlib.sha256(pixels.tobytes()).hexdigest()
    if isinstance(image, PIL.Image.Image):
        read = read_image(image, transparent)
        return read, hashlib.sha256(read.pixels.tobytes()).hexdigest()
    if not isinstance(image, bytes | str | os.PathLike):
        raise ValueError(f"image is a {type(image).__name__}, expected a file's path or bytes, a PIL.Image or an array")
    data = image if isinstance(image, bytes) else Path(image).read_bytes()
    decoded = read_photograph(data, transparent=transparent, megapixels=megapixels)
    return decoded, hashlib.sha256(data).hexdigest()


def whereabouts(
    path: str | os.PathLike[str] | None, boxes: Sequence[Sequence[float]] | None, value: str | None
) -> Whereabouts:
    """Where the object is, as a person says it: a mask's file, and what of it is the object, or boxes."""
    if any(np.shape(box) != (4,) for box in boxes or ()):
        raise ValueError(f"boxes is {list(boxes or ())}, expected a list of (x, y, width, height) for each box")
    if value and path is None:
        raise ValueError("mask_value says what of a mask is the object: give the mask, too")
    drawn = Boxes(tuple(Box(*box) for box in boxes)) if boxes else None
    file = None if path is None else Path(path).read_bytes()
    return Whereabouts(file, drawn, Value.of(value) if value else None)


def texts(labels: Iterable[str] | None) -> tuple[str, ...] | None:
    """Labels, in whatever holds them; not in one text, whose letters nobody means."""
    if labels is None:
        return None
    held = () if isinstance(labels, str) else tuple(labels)
    if isinstance(labels, str) or not all(isinstance(label, str) for label in held):
        raise ValueError(f"labels is {held or labels!r}, expected a list of texts, one for each output of the model")
    return tuple(map(str, held))


def model_file(path: Path, *, name: str | None = None, said: Said = NOTHING, inside: bool = False) -> Model:
    """The model in a file, or in the folder of a SavedModel, named after it unless told otherwise.

    It is read and tried in a process with limits; with `inside` it is tried what its inside can be asked, too.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ModelRefused(
            f"the file has {path.stat().st_size:,} bytes, and ONNX ends at {MOST_BYTES:,}; export it again"
        )
    data = packed(path) if path.is_dir() else path.read_bytes()
    return model_within(limits(), data, name=name or path.stem, said=said, inside=inside)
