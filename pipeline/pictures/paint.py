"""Paint: evidence as colour on a photograph."""

import numpy as np
from numpy.typing import NDArray

from pipeline.pictures.backdrop import View, Window
from pipeline.pictures.palette import Palette

OPACITY = 0.66  # of the strongest superpixel: the photograph must stay recognisable under it
HATCH = 0.5  # opacity of the strongest superpixel's hatching lines, over that
SATURATION = 0.2  # what is left of the photograph's own colours, so that grass is no support and red houses no protest
OUTSIDE = 0.30  # brightness of what the network never saw
CAPPED = 0.99  # of a heat map's pixels
BORDER = 24  # grey levels by which a superpixel's border differs from what it crosses
FULL = 256  # fixed-point one: 16-bit integers are several times faster than floats here


def relative(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Weights as -1..1 of the largest; zeros where all are zero, and NaN counts as zero."""
    finite = np.nan_to_num(np.asarray(weights, dtype=np.float64), posinf=0, neginf=0)
    largest = np.abs(finite).max(initial=0)
    return finite / largest if largest > 0 else finite


def relative_pixels(heat: NDArray[np.floating]) -> NDArray[np.float64]:
    """A heat map, float [h, w], as -1..1 of what all but the hottest pixels keep below, flattened; those are 1 or -1.

    A gradient has a few pixels far above all others, beside which nothing could be seen (Smilkov et al. 2017, section
    2, cap at the 99th percentile too). Where fewer are warm at all, the largest counts.
    """
    finite = np.nan_to_num(np.asarray(heat, dtype=np.float64).ravel(), posinf=0, neginf=0)
    most = np.quantile(np.abs(finite), CAPPED) or np.abs(finite).max(initial=0)
    return np.clip(finite / most, -1, 1) if most > 0 else finite


def tinted(view: View, strength: NDArray[np.float64], palette: Palette, *, borders: bool = True) -> NDArray[np.uint8]:
    """The view with each superpixel tinted by its strength.

    Parameters
    ----------
    strength : float64 [k]
        -1..1, see `relative`. Opacity is in proportion to it; superpixels with negative strength are also hatched.
    borders : bool
        Whether a faint line shows where one superpixel meets the next.

    Returns
    -------
    uint8 [y, x, 3]
    """
    inside = view.pixels[view.window]
    if strength.any():
        keep, add = _tints(strength, palette)
        index = view.segments + len(strength) * _hatching(view)
        inside = _blend(_muted(inside), keep[index], add[index])
    return framed(view, bordered(view, inside) if borders else inside)


def plain(view: View) -> NDArray[np.uint8]:
    """The view with nothing painted on it but what the network never saw; uint8 [y, x, 3]."""
    return framed(view, view.pixels[view.window])


def bordered(view: View, inside: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The window's pixels with a faint line where one superpixel meets the next."""
    lined, edge = inside.copy(), edges(view.segments)
    crossed = inside[edge].astype(np.int16)
    # all channels move the same way, towards middle grey, so that a border has the tint of its superpixel
    shift = np.where(crossed.sum(axis=1, keepdims=True) < 3 * 128, BORDER, -BORDER)
    lined[edge] = np.clip(crossed + shift, 0, 255)
    return lined


def edges(regions: NDArray[np.int32] | NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels whose left or upper neighbour belongs to another region."""
    edge = np.zeros(regions.shape, dtype=np.bool_)
    edge[:, 1:] |= regions[:, 1:] != regions[:, :-1]
    edge[1:] |= regions[1:] != regions[:-1]
    return edge


def framed(view: View, inside: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The view with its window painted so, dark around it, and a thin frame between the two."""
    if view.whole:
        return inside
    picture = grey(view.pixels, OUTSIDE)
    picture[_grown(view.window)] = 255
    picture[view.window] = inside
    return picture


def grey(pixels: NDArray[np.uint8], brightness: float) -> NDArray[np.uint8]:
    """The pixels without their colours, at this brightness (0..1)."""
    return np.repeat((_luma(pixels) * np.uint16(brightness * FULL) >> 8).astype(np.uint8), 3, axis=2)


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Brightness as ITU-R BT.601 weighs it, uint16 [y, x, 1] of 0..255."""
    red, green, blue = (pixels[..., channel, None].astype(np.uint16) for channel in range(3))
    return np.asarray((77 * red + 150 * green + 29 * blue) >> 8, dtype=np.uint16)


def _muted(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    saturation = np.uint16(SATURATION * FULL)
    return np.asarray((pixels * saturation + _luma(pixels) * (FULL - saturation)) >> 8, dtype=np.uint16)


def _tints(strength: NDArray[np.float64], palette: Palette) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """For each superpixel, between hatching lines and then on them: what to keep of the photograph and what to add."""
    colors = np.where((strength > 0)[:, None], palette.supports, palette.against)
    plain = OPACITY * np.abs(strength)[:, None]
    lines = HATCH * np.sqrt(np.maximum(-strength, 0))[:, None]  # the root: hatching must be seen on weak evidence too
    keep = np.concatenate([1 - plain, (1 - plain) * (1 - lines)])
    add = np.concatenate([plain * colors, plain * colors * (1 - lines)])  # the lines are black
    return np.round(FULL * keep).astype(np.uint16), np.floor(FULL * add).astype(np.uint16)


def _blend(base: NDArray[np.uint16], keep: NDArray[np.uint16], add: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return np.asarray((base * keep + add) >> 8, dtype=np.uint8)


def _hatching(view: View) -> NDArray[np.int32]:
    """1 on diagonal lines over the window, 0 between them; int32 [y', x']."""
    high, wide = view.segments.shape
    period = max(6, max(view.pixels.shape[:2]) // 64)
    rising = np.arange(high, dtype=np.int32)[:, None] + np.arange(wide, dtype=np.int32)
    lines: NDArray[np.bool_] = rising % period < max(2, period // 5)
    return lines.astype(np.int32)


def _grown(window: Window) -> Window:
    rows, columns = (slice(max(0, side.start - 2), side.stop + 2) for side in window)
    return rows, columns


def swatch(palette: Palette, strength: float, size: int) -> NDArray[np.uint8]:
    """A square of grey tinted by this strength, for the legend; uint8 [size, size, 3]."""
    plain = np.full((size, size, 3), 140, dtype=np.uint8)
    patch = View(plain, (slice(size), slice(size)), np.zeros((size, size), dtype=np.int32))
    return tinted(patch, np.array([strength]), palette)
