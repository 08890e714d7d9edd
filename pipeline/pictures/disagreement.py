"""Disagreement: where the seeds of an explanation give a superpixel other weights."""

import numpy as np
from numpy.typing import NDArray

from pipeline.pictures.backdrop import Backdrop, view
from pipeline.pictures.composition import LARGEST, SMALLEST, beside, check, letters
from pipeline.pictures.lettering import percent
from pipeline.pictures.paint import tinted
from pipeline.pictures.palette import Palette
from pipeline.pictures.panel import FAINT, INK, Panel, legend

SCATTER = Palette("scatter", (150, 70, 235), (150, 70, 235))  # neither colour of any evidence
DEVIATIONS = 2  # of a seed's weight about the mean of all: nineteen seeds of twenty lie within
CONTRADICTION = 0.1  # of the largest mean weight, either way: less is no evidence, whichever sign it has
WORDS = ("the seeds differ", "for and against")


def disagreement(backdrop: Backdrop, weights_by_seed: NDArray[np.floating], label: str) -> NDArray[np.uint8]:
    """The photograph with the superpixels tinted by how far the seeds differ about them.

    Opacity goes with the root of two standard deviations over the seeds, so that little is seen too, and is full where
    they come to the largest mean weight. Hatched is where one seed finds support and another protest, each of a tenth
    of that or more. Seeds that agree leave the photograph as it is.

    Parameters
    ----------
    backdrop : Backdrop
    weights_by_seed : float [s, k]
    label : str
        The one explained.

    Returns
    -------
    uint8 [y, x, 3], the photograph at the left, its longer side 512..800 pixels.

    Raises
    ------
    ValueError
        If there is not one weight a superpixel.
    """
    check(backdrop, weights_by_seed)
    shown = view(backdrop, SMALLEST, LARGEST)
    found = scatter(weights_by_seed)
    picture = tinted(shown, np.sign(found) * np.sqrt(np.abs(found)), SCATTER)
    sheet = _panel(picture, len(weights_by_seed), label)
    sheet.write(f"at most ± {percent(np.abs(found).max())}", INK, 0.9)
    sheet.write("of the strongest evidence", FAINT, 0.9)
    legend(sheet, SCATTER, not shown.whole, WORDS)
    return beside(picture, np.asarray(sheet.image))


def scatter(weights_by_seed: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far the seeds differ about each superpixel, -1..1, float64 [k]; negative where they contradict each other.

    Examples
    --------
    >>> scatter(np.array([[1.0, 0.5, 0.0], [1.0, 0.25, 0.0]]))
    array([0.  , 0.25, 0.  ])
    >>> scatter(np.array([[1.0, 0.25], [1.0, -0.25]]))
    array([ 0. , -0.5])
    """
    weights = np.nan_to_num(np.asarray(weights_by_seed, dtype=np.float64))
    largest = np.abs(weights.mean(axis=0)).max(initial=0) or np.abs(weights).max(initial=0) or 1.0
    strength = np.minimum(DEVIATIONS * weights.std(axis=0) / largest, 1)
    least = CONTRADICTION * largest
    contradicted = (weights.max(axis=0) > least) & (weights.min(axis=0) < -least)
    return np.asarray(np.where(contradicted, -strength, strength), dtype=np.float64)


def _panel(picture: NDArray[np.uint8], seeds: int, label: str) -> Panel:
    size = letters(picture)
    sheet = Panel(size, max(len(picture), 14 * size))
    sheet.write(f"Where {seeds} seeds disagree" if seeds > 1 else "One seed alone", FAINT, 0.9)
    sheet.write(label, INK, 1.5)
    return sheet
