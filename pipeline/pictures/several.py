"""Several: one photograph as several methods explain it, each in a cell of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import LabelAttribution
from pipeline.pictures.backdrop import Backdrop, View, view
from pipeline.pictures.composition import HIDDEN, grid, titled
from pipeline.pictures.paint import edges, framed, grey, relative, tinted
from pipeline.pictures.palette import GREEN_RED, Palette

CELL = 360  # pixels of a photograph's longer side: six cells fill a screen


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A title, and what a method says of a label on a canvas's superpixels, int32 [h, w]."""

    title: str
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
    painted = [titled(_painted(backdrop, cell, palette), cell.title) for cell in cells]
    return grid([titled(plain.pixels, "the photograph"), *painted])


def _painted(backdrop: Backdrop, cell: Cell, palette: Palette) -> NDArray[np.uint8]:
    label = cell.label
    if label.heat is not None:
        pixels = np.arange(label.heat.size, dtype=np.int32).reshape(label.heat.shape)
        shown = view(replace(backdrop, segments=pixels), CELL, CELL)
        return tinted(shown, relative(label.heat.ravel()), palette, borders=False)
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
