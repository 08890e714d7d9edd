"""TIFFs that Pillow knows no mode for: several bands, and floating point or 16 bits in colour, as surveys are kept."""

import io
import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
NO_DATA = 42113  # GDAL's tag of what stands for none, as text
UNCOMPRESSED, DEFLATE = 1, (8, 32946)
COMPRESSIONS = (UNCOMPRESSED, *DEFLATE)  # what needs no further library


def read_tiff(data: bytes, refuse_large: Callable[[int, int], None]) -> NDArray[Any]:
    """The largest page, [h, w, bands], NaN where floating point has no data; `refuse_large` hears width and height.

    Raises
    ------
    ValueError
        With the reason: damaged, or compressed in a way that is not read here.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = max((one.aspage() for one in file.pages), key=lambda one: one.imagewidth * one.imagelength)
            refuse_large(page.imagewidth, page.imagelength)
            _check(data, page)
            return _samples(page)
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # tifffile meets hostile bytes with errors of any kind
        raise ValueError(str(error) or type(error).__name__) from error


def _samples(page: tifffile.TiffPage) -> NDArray[Any]:
    samples, axes = page.asarray(maxworkers=1), page.axes
    if samples is None or samples.dtype.kind not in "uif":
        raise ValueError("its pixels are no numbers")
    for wanted in "YXS":
        if wanted not in axes:
            samples, axes = samples[..., None], axes + wanted
    if sorted(axes) != ["S", "X", "Y"]:
        raise ValueError(f"its pixels have the axes {axes}, expected height, width and bands")
    samples = samples.transpose([axes.index(one) for one in "YXS"])
    lacking = page.tags.valueof(NO_DATA) if samples.dtype.kind == "f" else None
    return samples if lacking is None else without_holes(samples, str(lacking))


def without_holes(samples: NDArray[Any], lacking: str) -> NDArray[Any]:
    """Samples with NaN for the number that stands for none; a text that is no number stands for nothing."""
    try:
        hole = samples.dtype.type(float(lacking.strip(" \0")))
    except ValueError:
        return samples
    return np.where(samples == hole, np.nan, samples)


def _check(data: bytes, page: tifffile.TiffPage) -> None:
    """Refuse what is not read here, and pieces that unpack to more than they may: tifffile would take the memory."""
    if page.compression not in COMPRESSIONS:
        kind = getattr(page.compression, "name", page.compression)
        raise ValueError(f"such pixels are not read when compressed by {kind}; save it with deflate, or without")
    if page.dtype is None or page.compression == UNCOMPRESSED:
        return
    most = math.prod(page.chunks) * page.dtype.itemsize
    for start, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        unpacking = zlib.decompressobj()
        unpacking.decompress(data[start : start + length], most)
        if unpacking.unconsumed_tail and unpacking.decompress(unpacking.unconsumed_tail, 1):
            raise ValueError("it unpacks to more than its size, which is how a bomb looks")
