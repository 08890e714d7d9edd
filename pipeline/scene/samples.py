"""Samples: numbers of any range, as sensors and scanners write them, as 0..255."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNIT = 2  # up to here floating point is taken for 0..1: reflectances go a little above
DEPTHS = (8, 10, 12, 14, 16, 24, 32)  # bits in which cameras and scanners count


def white_of(strips: Iterable[NDArray[Any]], notes: list[str]) -> float:
    """The number that is white: 1 for floating point of 0..1, else by the bits that hold the largest, which is said."""
    top, dtype = 0.0, np.dtype(np.uint8)
    for values in strips:
        top, dtype = max(top, float(np.max(values, initial=0, where=np.isfinite(values)))), values.dtype
    if dtype.kind == "f" and top <= UNIT:
        return 1.0
    bits = next((bits for bits in DEPTHS if top < 2**bits), 64)
    if bits != 8 * dtype.itemsize:
        notes.append(f"its samples are stretched from {bits} bits, which hold the largest")
    return float(2**bits - 1)


def eight_bits(values: NDArray[Any], white: float) -> NDArray[np.uint8]:
    """Samples as 0..255, black where they are no numbers."""
    scaled = np.where(np.isfinite(values), values, 0).astype(np.float32) * np.float32(255 / white)
    return np.clip(np.round(scaled), 0, 255).astype(np.uint8)
