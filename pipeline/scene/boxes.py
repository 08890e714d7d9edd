"""Boxes: where the object is, drawn as rectangles, and the mask that they make together."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OVER = 1.0  # pixel: how far a box may reach over the edge, as annotation tools round


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in a photograph: its left upper corner and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float

    def __str__(self) -> str:
        return f"{self.x:g},{self.y:g},{self.width:g},{self.height:g}"


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of one photograph's object; `size` is (width, height) of the picture they were drawn in, if known."""

    boxes: tuple[Box, ...]
    size: tuple[int, int] | None = None

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """The pixels whose centre lies in a box, bool [height, width], of an upright photograph of that size.

        Raises
        ------
        ValueError
            If a box is not finite, has no size, reaches more than `OVER` beyond the photograph or covers no pixel, or
            the boxes were drawn in a picture of another size.

        Examples
        --------
        >>> Boxes((Box(1, 0, 2, 1), Box(0, 1, 1, 1))).mask(2, 4).astype(int)
        array([[0, 1, 1, 0],
               [1, 0, 0, 0]])
        """
        if self.size not in (None, (width, height)):
            drawn = "x".join(map(str, self.size or ()))
            raise ValueError(f"drawn in {drawn} pixels, the upright photograph is {width}x{height}; draw them in that")
        mask = np.zeros((height, width), dtype=bool)
        for box in self.boxes:
            _check(box, height, width)
            inside = mask[_centres(box.y, box.height), _centres(box.x, box.width)]
            if not inside.size:
                raise ValueError(f"box {box} covers no pixel")
            inside[:] = True
        return mask


def _check(box: Box, height: int, width: int) -> None:
    if not all(map(math.isfinite, (box.x, box.y, box.width, box.height))):
        raise ValueError(f"box {box} is not four finite numbers x,y,width,height")
    if box.width <= 0 or box.height <= 0:
        raise ValueError(f"box {box} has no size; width and height must be above 0")
    if min(box.x, box.y) < -OVER or box.x + box.width > width + OVER or box.y + box.height > height + OVER:
        raise ValueError(f"box {box} reaches beyond the {width}x{height} pixels of the upright photograph")


def _centres(start: float, length: float) -> slice:
    """The pixels whose centres lie in start <= centre < start + length."""
    return slice(max(math.ceil(start - 0.5), 0), max(math.ceil(start + length - 0.5), 0))
