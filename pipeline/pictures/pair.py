"""Pair: the noise experiment as a picture, before at the left and after at the right."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.answer.denoised import Denoised
from pipeline.pictures.backdrop import Backdrop, View, view
from pipeline.pictures.lettering import percent
from pipeline.pictures.paint import tinted
from pipeline.pictures.palette import GREEN_RED, Palette
from pipeline.pictures.panel import FAINT, INK, Panel, bars, legend

LARGEST = 560  # pixels of each photograph's longer side: two of them and the panel fit a screen
GAP = 10


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """The explanation of the photograph as it is: weights, float [k], of a label, and every label's confidence."""

    label: str
    weights: NDArray[np.floating]
    probabilities: Mapping[str, float]


def pair(
    backdrop: Backdrop, fill: NDArray[np.uint8], before: Before, after: Denoised, palette: Palette = GREEN_RED
) -> NDArray[np.uint8]:
    """Both overlays on one common scale, and every label's confidence before and after.

    Parameters
    ----------
    backdrop : Backdrop
    fill : uint8 [h, w, 3]
        What the superpixels taken away show.
    before : Before
    after : Denoised
    palette : Palette

    Returns
    -------
    uint8 [y, x, 3], the two photographs at the left, top-aligned, their longer sides 560 pixels.
    """
    shown = view(backdrop, LARGEST, LARGEST)
    largest = max(np.abs(np.nan_to_num(before.weights)).max(), np.abs(np.nan_to_num(after.weights)).max()) or 1.0
    left = tinted(shown, np.nan_to_num(before.weights) / largest, palette)
    without = _without(shown, fill, after.removed)
    right = tinted(without, np.nan_to_num(after.weights) / largest, palette)
    sheet = _panel(len(left), before, after)
    legend(sheet, palette, cropped=not shown.whole)
    gap = np.full((len(left), GAP, 3), 255, dtype=np.uint8)
    pictures = np.hstack([left, gap, right])
    panel = np.asarray(sheet.image)
    foot = np.full((max(len(panel) - len(pictures), 0), pictures.shape[1], 3), 255, dtype=np.uint8)
    return np.hstack([np.vstack([pictures, foot]), panel])


def _without(shown: View, fill: NDArray[np.uint8], removed: tuple[int, ...]) -> View:
    """The view with the fill in the place of what was taken away."""
    pixels = shown.pixels.copy()
    high, wide = shown.segments.shape
    resized = np.asarray(Image.fromarray(fill).resize((wide, high), Image.Resampling.BILINEAR))
    gone = np.isin(shown.segments, removed)[..., None]
    pixels[shown.window] = np.where(gone, resized, pixels[shown.window])
    return View(pixels, shown.window, shown.segments)


def _panel(height: int, before: Before, after: Denoised) -> Panel:
    letters = 15
    charted = bars(before.probabilities, before.label)
    sheet = Panel(letters, max(height, round(letters * (16 + 2.4 * len(charted)))))
    number = len(after.removed)
    sheet.write("Evidence for", FAINT, 0.9)
    sheet.write(before.label, INK, 1.5)
    sheet.write("left: as it is", INK, 0.9)
    sheet.write(f"right: without {number} region{'' if number == 1 else 's'}", INK, 0.9)
    sheet.top += letters
    for bar in charted:
        color = INK if bar.explained else FAINT
        sheet.write(bar.label, color)
        now = after.probabilities[bar.label]
        sheet.write(f"{percent(bar.probability)} » {percent(now)}", color)
        sheet.top += 0.3 * letters
    return sheet
