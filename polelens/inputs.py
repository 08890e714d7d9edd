"""Inputs: the photograph, the object's mask and the model that a person hands in, as files or as arrays."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.model import Model, ModelRefused
from pipeline.scene.boxes import Box, Boxes
from pipeline.scene.photograph import decode
from polelens.quarantine import model_within
from storage.settings import limits

MOST_BYTES = 2**31  # what protobuf, and so ONNX, can hold in a file
Image = str | os.PathLike[str] | bytes | NDArray[np.uint8]


def photograph(image: Image) -> tuple[NDArray[np.uint8], str]:
    """The pixels, and the SHA-256 of the file; of the pixels' own bytes where there is no file."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(f"image is an array of {image.dtype} {list(image.shape)}, expected uint8 [H, W, 3], RGB")
        pixels = image.copy()
        return pixels, hashlib.sha256(pixels.tobytes()).hexdigest()
    data = image if isinstance(image, bytes) else Path(image).read_bytes()
    return decode(data), hashlib.sha256(data).hexdigest()


def object_mask(
    path: str | os.PathLike[str] | None, boxes: Sequence[Sequence[float]] | None, height: int, width: int
) -> NDArray[np.bool_] | None:
    """Where the object is, bool [height, width], as a picture or boxes say it; None if neither does."""
    if boxes:
        if path is not None:
            raise ValueError("mask and boxes both say where the object is; give one of them")
        if any(len(box) != 4 for box in boxes):
            raise ValueError(f"boxes is {list(boxes)}, expected (x, y, width, height) for each box")
        return Boxes(tuple(Box(*box) for box in boxes)).mask(height, width)
    if path is None:
        return None
    bright = np.asarray(decode(Path(path).read_bytes())[..., 0] > 127)
    if bright.shape != (height, width):
        size = f"{bright.shape[1]}x{bright.shape[0]}"
        raise ValueError(f"mask: {path} is {size} pixels, the upright photograph {width}x{height}; make them alike")
    return bright


def model_file(
    path: Path,
    *,
    name: str | None = None,
    labels: Sequence[str] | None = None,
    profile: Mapping[str, Any] | None = None,
) -> Model:
    """The model in a file, named after the file unless told otherwise; read and tried in a process with limits."""
    if path.stat().st_size > MOST_BYTES:
        raise ModelRefused(
            f"the file has {path.stat().st_size:,} bytes, and ONNX ends at {MOST_BYTES:,}; export it again"
        )
    return model_within(limits(), path.read_bytes(), name=name or path.stem, labels=labels, profile=profile)
