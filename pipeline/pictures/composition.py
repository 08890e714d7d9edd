"""The three pictures of an explanation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.answer.selection import Selection
from pipeline.pictures.backdrop import Backdrop, View, view
from pipeline.pictures.lettering import fit, font
from pipeline.pictures.paint import edges, framed, grey, relative, tinted
from pipeline.pictures.palette import GREEN_RED, Palette
from pipeline.pictures.panel import legend, panel

SMALLEST, LARGEST = 512, 800  # pixels of a photograph's longer side: readable lettering; the screen, with the panel
CELL = 256  # of one seed's
LETTERS, GAP = 15, 8  # of a seed's title, and between seeds, in pixels
HIDDEN = 0.45  # brightness of what a support picture leaves out


def overlay(
    backdrop: Backdrop,
    weights: NDArray[np.floating],
    probabilities: Mapping[str, float],
    label: str,
    palette: Palette = GREEN_RED,
) -> NDArray[np.uint8]:
    """The photograph with the evidence painted on it, and every label's confidence beside it.

    Opacity is in proportion to |weight|, full at the largest. Where all weights are zero the photograph keeps its own
    colours; else they are muted, so that grass does not read as support. What the network never saw is dark.

    Parameters
    ----------
    backdrop : Backdrop
    weights : float [k]
        The evidence for `label`, a weight a superpixel; positive supports it.
    probabilities : label -> confidence 0..1
    label : str
        The label explained.
    palette : Palette

    Returns
    -------
    uint8 [y, x, 3], the photograph at the left, top-aligned, its longer side 512..800 pixels.

    Raises
    ------
    ValueError
        If there is not one weight a superpixel.
    """
    _check(backdrop, weights)
    shown = view(backdrop, SMALLEST, LARGEST)
    picture = tinted(shown, relative(weights), palette)
    return _labelled(picture, shown, (label, probabilities), palette)


def heat_map(
    backdrop: Backdrop,
    heat: NDArray[np.floating],
    probabilities: Mapping[str, float],
    label: str,
    palette: Palette = GREEN_RED,
) -> NDArray[np.uint8]:
    """The same with an answer pixel by pixel of the canvas, float [h, w], whose superpixels have no part in it."""
    pixels = np.arange(heat.size, dtype=np.int32).reshape(heat.shape)
    shown = view(replace(backdrop, segments=pixels), SMALLEST, LARGEST)
    picture = tinted(shown, relative(heat.ravel()), palette, borders=False)
    return _labelled(picture, shown, (label, probabilities), palette)


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
    _check(backdrop, chosen)
    shown = view(backdrop, SMALLEST, LARGEST)
    inside, shows = shown.pixels[shown.window], chosen[shown.segments]
    picture = np.where(shows[..., None], inside, grey(inside, HIDDEN))
    picture[edges(shows)] = 255
    return framed(shown, picture)


def seeds(
    backdrop: Backdrop, weights_by_seed: NDArray[np.floating], seeds: Sequence[int], palette: Palette = GREEN_RED
) -> NDArray[np.uint8]:
    """The evidence under each seed, side by side on one common scale.

    Parameters
    ----------
    backdrop : Backdrop
    weights_by_seed : float [s, k]
    seeds : s numbers, the titles

    Returns
    -------
    uint8 [y, x, 3], a grid as near to square as it can be: nine seeds are three by three.
    """
    _check(backdrop, weights_by_seed)
    if len(weights_by_seed) != len(seeds) or not len(seeds):
        raise ValueError(f"weights_by_seed has {len(weights_by_seed)} rows for {len(seeds)} seeds, expected one each")
    shown = view(backdrop, CELL, CELL)
    strengths = relative(weights_by_seed)
    cells = [
        titled(tinted(shown, strength, palette), f"seed {seed}")
        for strength, seed in zip(strengths, seeds, strict=True)
    ]
    return grid(cells)


def _check(backdrop: Backdrop, weights: NDArray[np.floating] | NDArray[np.bool_]) -> None:
    if weights.shape[-1] != backdrop.k:
        raise ValueError(f"weights are {weights.shape}, expected one for each of {backdrop.k} superpixels")


def _labelled(
    picture: NDArray[np.uint8], shown: View, told: tuple[str, Mapping[str, float]], palette: Palette
) -> NDArray[np.uint8]:
    """A picture with the label explained, and every label's confidence, beside it."""
    letters = min(22, max(13, sum(picture.shape[:2]) // 76))
    sheet = panel(len(picture), letters, *told)
    legend(sheet, palette, cropped=not shown.whole)
    return _beside(picture, np.asarray(sheet.image))


def _beside(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    sheet = np.full((max(len(left), len(right)), left.shape[1] + right.shape[1], 3), 255, dtype=np.uint8)
    sheet[: len(left), : left.shape[1]] = left
    sheet[: len(right), left.shape[1] :] = right
    return sheet


def titled(picture: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    """A picture under a line of text."""
    width = picture.shape[1]
    strip = Image.new("RGB", (width, LETTERS + GAP), "white")
    ImageDraw.Draw(strip).text((0, 2), fit(title, width, LETTERS), fill="#16191d", font=font(LETTERS))
    return np.vstack([np.asarray(strip), picture])


def grid(cells: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of one size in lines, as near to a square as it can be."""
    columns = int(np.ceil(np.sqrt(len(cells))))
    height, width = cells[0].shape[0] + GAP, cells[0].shape[1] + GAP
    lines = -(-len(cells) // columns)
    sheet = np.full((lines * height + GAP, columns * width + GAP, 3), 255, dtype=np.uint8)
    for number, cell in enumerate(cells):
        top, left = GAP + number // columns * height, GAP + number % columns * width
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return sheet
