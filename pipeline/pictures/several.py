"""Several: one photograph as several methods explain it, each in a cell of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.answer.attribution import LabelAttribution
from pipeline.pictures.backdrop import Backdrop, View, view
from pipeline.pictures.composition import HIDDEN
from pipeline.pictures.lettering import fit, font
from pipeline.pictures.paint import edges, framed, grey, relative, relative_pixels, tinted
from pipeline.pictures.palette import GREEN_RED, Palette

CELL = 360  # pixels of a photograph's longer side: six cells fill a screen
LETTERS, SMALL, GAP = 15, 11, 8  # of a cell's title, of the line below it, and between cells, in pixels


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A title with a line of figures below it, and what a method says of a label on superpixels, int32 [h, w]."""

    title: str
    figures: str
    label: LabelAttribution
    segments: NDArray[np.int32]


def several(backdrop: Backdrop, cells: Sequence[Cell], palette: Palette = GREEN_RED) -> NDArray[np.uint8]:
    """The photograph as it is, then each method's evidence, every one on a scale of its own.

    A heat map is painted pixel by pixel, a rule as what it keeps, with the rest dark; of anything else the superpixels
    are tinted.

    Parameters
    ----------
    backdrop : Backdrop
        Whose superpixels have no part in it.
    cells : sequence of Cell
    palette : Palette

    Returns
    -------
    uint8 [y, x, 3], a grid as near to a square as it can be; each photograph's longer side is 360 pixels.
    """
    plain = view(backdrop, CELL, CELL)
    painted = [titled(_painted(backdrop, cell, palette), cell.title, cell.figures) for cell in cells]
    return grid([titled(plain.pixels, "the photograph"), *painted])


def _painted(backdrop: Backdrop, cell: Cell, palette: Palette) -> NDArray[np.uint8]:
    label = cell.label
    if label.heat is not None:
        pixels = np.arange(label.heat.size, dtype=np.int32).reshape(label.heat.shape)
        shown = view(replace(backdrop, segments=pixels), CELL, CELL)
        return tinted(shown, relative_pixels(label.heat), palette, borders=False)
    shown = view(replace(backdrop, segments=cell.segments), CELL, CELL)
    if label.rule is not None:
        return _kept(shown, label.rule.superpixels)
    return tinted(shown, relative(label.weights), palette)


def _kept(shown: View, superpixels: Sequence[int]) -> NDArray[np.uint8]:
    """The view with some superpixels alone in their colours; as it is where there are none to keep."""
    if not superpixels:
        return shown.pixels
    inside = shown.pixels[shown.window]
    chosen = np.isin(shown.segments, superpixels)
    picture = np.where(chosen[..., None], inside, grey(inside, HIDDEN))
    picture[edges(chosen)] = 255
    return framed(shown, picture)


def titled(picture: NDArray[np.uint8], title: str, figures: str = "") -> NDArray[np.uint8]:
    """A picture under a title and a line of figures, both as wide as it is at most."""
    width = picture.shape[1]
    strip = Image.new("RGB", (width, LETTERS + SMALL + GAP), "white")
    for line, top, size in ((title, 2, LETTERS), (figures, LETTERS + 4, SMALL)):
        ImageDraw.Draw(strip).text((0, top), fit(line, width, size), fill="#16191d", font=font(size))
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
