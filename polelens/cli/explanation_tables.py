"""One explanation as tables, for who has no picture before them."""

import math
from collections.abc import Mapping

import numpy as np
from rich.table import Table

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.denoised import Denoised
from pipeline.answer.judgement import Judgement
from pipeline.pictures import Backdrop
from polelens.cli.text import printable

MOST = 5
MASKS_ALONE = (
    "+-: by the masks drawn alone; other superpixels or another fill move the map more.\n"
    "Where a decision hangs on this picture, --thorough says how far"
)


def superpixel_table(backdrop: Backdrop, label: LabelAttribution) -> Table:
    """The superpixels of most weight, and where in the photograph they are: their mean x and y in its pixels.

    The half-width of a weight's 95 % interval is of the masks drawn alone: see `MASKS_ALONE`.
    """
    table = Table(box=None)
    for name in ("superpixel", "weight", *["+- 95 %"] * bool(label.errors), "at x", "at y", "of the picture"):
        table.add_column(name, justify="right")
    strongest = np.argsort(-np.abs(label.weights), kind="stable")[:MOST]
    centers, sizes = backdrop.centers(), np.bincount(backdrop.segments.ravel())
    places = _decimals(float(np.abs(label.weights).max(initial=0)))
    for index in strongest[label.weights[strongest] != 0]:
        x, y = centers[index]
        half = label.half_width[index]
        spread = [_width(half, places)] * bool(label.errors)
        area = f"{sizes[index] / sizes.sum():.0%}"
        table.add_row(str(index), f"{label.weights[index]:+.{places}f}", *spread, f"{x:.0f}", f"{y:.0f}", area)
    return table


def _width(half: float, places: int) -> str:
    """Half an interval, never printed as none where there is some; nothing where it is not known.

    Examples
    --------
    >>> [_width(half, 3) for half in (0.0126, 0.0004, 0.0, math.nan)]
    ['0.013', '<0.001', '0.000', '']
    """
    least = 10.0**-places
    if 0 < half < least / 2:
        return f"<{least:.{places}f}"
    return f"{half:.{places}f}" if math.isfinite(half) else ""


def _decimals(strongest: float) -> int:
    """Three, or as many as show three digits of a strongest weight that would else be printed as nothing.

    Examples
    --------
    >>> [_decimals(weight) for weight in (1.06, 0.001, 0.00045, 0.0)]
    [3, 3, 6, 3]
    """
    return 3 if strongest >= 0.001 or not strongest else 2 - math.floor(math.log10(strongest))


def further_tables(attribution: Attribution) -> list[Table]:
    """What moves each label's explanation, and the noise experiment, where they were asked for."""
    tables = []
    for label in attribution.labels:
        if label.judgement and label.judgement.sensitivity:
            tables.append(sensitivity_table(label.judgement))
        if label.denoised and label.denoised.removed:
            tables.append(denoised_table(attribution.probabilities, label.denoised))
    return tables


def sensitivity_table(judgement: Judgement) -> Table:
    """How like the explanation is when one choice behind it is changed: 1 is the same."""
    table = Table("changed", box=None)
    for name in ("Spearman", "top-5 Jaccard"):
        table.add_column(name, justify="right")
    for name, one in judgement.sensitivity.items():
        table.add_row(name, f"{one.spearman:.2f}", f"{one.top5_jaccard:.2f}")
    table.caption = f"MuFidelity {judgement.mu_fidelity:.2f}"
    return table


def denoised_table(before: Mapping[str, float], denoised: Denoised) -> Table:
    """Every label's confidence before and after what speaks against the label was taken away."""
    table = Table(f"without {len(denoised.removed)} superpixels", box=None)
    for name in ("before", "after"):
        table.add_column(name, justify="right")
    for name in sorted(before, key=lambda label: -before[label])[:MOST]:
        table.add_row(printable(name), f"{before[name]:.1%}", f"{denoised.probabilities[name]:.1%}")
    return table
