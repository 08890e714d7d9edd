"""The backdrop: a photograph with the superpixels of its canvas laid back onto it."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.model.profile import Placement

Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """What every picture of an explanation is painted on.

    Attributes
    ----------
    photograph : uint8 [H, W, 3]
        The original, upright, RGB.
    placement : Placement
        The part of the photograph that the canvas shows.
    segments : int32 [h, w]
        The canvas's superpixels, labels 0..k-1.
    """

    photograph: NDArray[np.uint8]
    placement: Placement
    segments: NDArray[np.int32]

    @property
    def k(self) -> int:
        """Number of superpixels."""
        return int(self.segments.max()) + 1

    def centers(self) -> list[tuple[float, float]]:
        """Each superpixel's mean x and y, in pixels of the photograph."""
        flat, (height, width), place = self.segments.ravel(), self.segments.shape, self.placement
        rows, columns = np.divmod(np.arange(flat.size), width)
        sizes = np.bincount(flat)
        x = place.left + (np.bincount(flat, columns) / sizes + 0.5) / width * (place.right - place.left)
        y = place.top + (np.bincount(flat, rows) / sizes + 0.5) / height * (place.bottom - place.top)
        return list(zip(x.tolist(), y.tolist(), strict=True))

    def within(self, longest: int) -> Self:
        """The same backdrop with the photograph's longer side at most this many pixels.

        For whoever paints several pictures of one large photograph: shrinking it is most of the work.
        """
        height, width = self.photograph.shape[:2]
        scale = longest / max(height, width)
        if scale >= 1:
            return self
        wide, high = max(1, round(width * scale)), max(1, round(height * scale))
        across, down, place = wide / width, high / height, self.placement
        placement = Placement(place.left * across, place.top * down, place.right * across, place.bottom * down)
        return replace(self, photograph=_resized(self.photograph, wide, high), placement=placement)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A backdrop at the size it is shown in.

    Attributes
    ----------
    pixels : uint8 [y, x, 3]
        The photograph, resized.
    window : two slices
        The rows and columns of `pixels` that the canvas covers.
    segments : int32 [y', x']
        The superpixel of each pixel of the window.
    """

    pixels: NDArray[np.uint8]
    window: Window
    segments: NDArray[np.int32]

    @property
    def whole(self) -> bool:
        """Whether the network saw the whole photograph."""
        return self.segments.shape == self.pixels.shape[:2]


def view(backdrop: Backdrop, smallest: int, largest: int) -> View:
    """The backdrop with its longer side brought within smallest..largest pixels, superpixels by nearest neighbour."""
    small = backdrop.within(largest)
    height, width = small.photograph.shape[:2]
    scale = max(1.0, smallest / max(height, width))
    high, wide = round(height * scale), round(width * scale)
    across, down, place = wide / width, high / height, small.placement
    place = Placement(place.left * across, place.top * down, place.right * across, place.bottom * down)
    window, segments = lay(small.segments, place, (high, wide))
    return View(_resized(small.photograph, wide, high), window, segments)


def lay(segments: NDArray[np.int32], place: Placement, size: tuple[int, int]) -> tuple[Window, NDArray[np.int32]]:
    """The canvas's superpixels laid back onto a photograph of this height and width, by nearest neighbour.

    Returns
    -------
    two slices, int32 [y, x]
        The rows and columns of the photograph that the canvas covers, and the superpixel of each of their pixels.
    """
    rows, of_row = _axis(place.top, place.bottom, size[0], segments.shape[0])
    columns, of_column = _axis(place.left, place.right, size[1], segments.shape[1])
    return (rows, columns), segments[np.ix_(of_row, of_column)]


def _axis(start: float, stop: float, length: int, cells: int) -> tuple[slice, NDArray[np.intp]]:
    """The pixels of an axis whose centres lie within start..stop, and which of the cells between those each shows."""
    first = min(max(0, int(np.ceil(start - 0.5))), length - 1)
    last = max(first + 1, min(length, int(np.ceil(stop - 0.5))))
    position = (np.arange(first, last) + 0.5 - start) / (stop - start)
    return slice(first, last), np.clip(np.floor(position * cells), 0, cells - 1).astype(np.intp)


def _resized(photograph: NDArray[np.uint8], wide: int, high: int) -> NDArray[np.uint8]:
    if photograph.shape[:2] == (high, wide):
        return photograph
    image = Image.fromarray(np.ascontiguousarray(photograph))
    # reducing_gap: a box average first makes large photographs several times faster, and no eye sees it
    return np.asarray(image.resize((wide, high), Image.Resampling.BILINEAR, reducing_gap=2.0))
