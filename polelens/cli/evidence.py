"""The strongest evidence for and against a label, as a table for who has no picture before them."""

import numpy as np
from rich.table import Table

from pipeline.attribution import LabelAttribution
from pipeline.pictures import Backdrop

MOST = 5


def evidence_table(backdrop: Backdrop, label: LabelAttribution) -> Table:
    """The superpixels of most weight, and where in the photograph they are: their mean x and y in its pixels."""
    table = Table(box=None)
    for name in ("superpixel", "weight", "+-", "at x", "at y", "of the picture"):
        table.add_column(name, justify="right")
    strongest = np.argsort(-np.abs(label.weights), kind="stable")[:MOST]
    for index in strongest[label.weights[strongest] != 0]:
        inside = backdrop.segments == index
        x, y = _center(backdrop, inside)
        error = label.std_error[index]
        spread = f"{error:.3f}" if np.isfinite(error) else ""
        table.add_row(
            str(index), f"{label.weights[index]:+.3f}", spread, f"{x:.0f}", f"{y:.0f}", f"{inside.mean():.0%}"
        )
    return table


def _center(backdrop: Backdrop, inside: np.ndarray) -> tuple[float, float]:
    """The mean place of some of the canvas's pixels, in pixels of the photograph."""
    rows, columns = np.nonzero(inside)
    height, width = inside.shape
    place = backdrop.placement
    x = place.left + (columns.mean() + 0.5) / width * (place.right - place.left)
    y = place.top + (rows.mean() + 0.5) / height * (place.bottom - place.top)
    return float(x), float(y)
