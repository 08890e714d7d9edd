"""The pictures of an explanation: the evidence painted on the photograph, and what supports the label."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.selection import Selection
from pipeline.pictures.backdrop import Backdrop, View, view
from pipeline.pictures.paint import edges, framed, grey, relative, relative_pixels, tinted
from pipeline.pictures.palette import GREEN_RED, Palette
from pipeline.pictures.panel import Said, legend, panel

SMALLEST, LARGEST = 512, 800  # pixels of a photograph's longer side: readable lettering; the screen, with the panel
HIDDEN = 0.45  # brightness of what a support picture leaves out


def overlay(
    backdrop: Backdrop,
    weights: NDArray[np.floating],
    said: Said,
    palette: Palette = GREEN_RED,
) -> NDArray[np.uint8]:
    """The photograph with the evidence painted on it, and every label's confidence beside it.

    Opacity is in proportion to |weight|, full at the largest. Where all weights are zero the photograph keeps its own
    colours; else they are muted, so that grass does not read as support. What the network never saw is dark.

    Parameters
    ----------
    backdrop : Backdrop
    weights : float [k]
        The evidence for the label explained, a weight a superpixel; positive supports it.
    said : Said
    palette : Palette

    Returns
    -------
    uint8 [y, x, 3], the photograph at the left, top-aligned, its longer side 512..800 pixels.

    Raises
    ------
    ValueError
        If there is not one weight a superpixel.
    """
    check(backdrop, weights)
    shown = view(backdrop, SMALLEST, LARGEST)
    picture = tinted(shown, relative(weights), palette)
    return _labelled(picture, shown, said, palette)


def heat_map(
    backdrop: Backdrop, heat: NDArray[np.floating], said: Said, palette: Palette = GREEN_RED
) -> NDArray[np.uint8]:
    """The same with an answer pixel by pixel of the canvas, float [h, w], whose superpixels have no part in it."""
    pixels = np.arange(heat.size, dtype=np.int32).reshape(heat.shape)
    shown = view(replace(backdrop, segments=pixels), SMALLEST, LARGEST)
    picture = tinted(shown, relative_pixels(heat), palette, borders=False)
    return _labelled(picture, shown, said, palette)


def support(
    backdrop: Backdrop,
    weights: NDArray[np.floating],
    selection: Selection = Selection(),  # noqa: B008, frozen
) -> NDArray[np.uint8]:
    """The photograph with only the superpixels that support the label; everything else dark and grey.

    Parameters
    ----------
    backdrop : Backdrop
    weights : float [k]
    selection : Selection
        How many of them: as few as carry 80 % of the positive weight, unless told otherwise.

    Returns
    -------
    uint8 [y, x, 3], its longer side 512..800 pixels.
    """
    return kept(backdrop, selection.chosen(np.nan_to_num(weights)))


def kept(backdrop: Backdrop, chosen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The photograph with only the chosen superpixels, bool [k]; everything else dark and grey."""
    check(backdrop, chosen)
    shown = view(backdrop, SMALLEST, LARGEST)
    inside, shows = shown.pixels[shown.window], chosen[shown.segments]
    picture = np.where(shows[..., None], inside, grey(inside, HIDDEN))
    picture[edges(shows)] = 255
    return framed(shown, picture)


def check(backdrop: Backdrop, weights: NDArray[np.floating] | NDArray[np.bool_]) -> None:
    """Raise ValueError if there is not one weight a superpixel."""
    if weights.shape[-1] != backdrop.k:
        raise ValueError(f"weights are {weights.shape}, expected one for each of {backdrop.k} superpixels")


def _labelled(picture: NDArray[np.uint8], shown: View, said: Said, palette: Palette) -> NDArray[np.uint8]:
    """A picture with the label explained, and every label's confidence, beside it."""
    sheet = panel(len(picture), letters(picture), said)
    legend(sheet, palette, cropped=not shown.whole)
    return beside(picture, np.asarray(sheet.image))


def letters(picture: NDArray[np.uint8]) -> int:
    """The size of the letters beside a picture, in pixels."""
    return min(22, max(13, sum(picture.shape[:2]) // 76))


def beside(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two pictures side by side, top-aligned, on white."""
    sheet = np.full((max(len(left), len(right)), left.shape[1] + right.shape[1], 3), 255, dtype=np.uint8)
    sheet[: len(left), : left.shape[1]] = left
    sheet[: len(right), left.shape[1] :] = right
    return sheet
