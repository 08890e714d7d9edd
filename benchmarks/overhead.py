"""Overhead: what a perturbation costs beside the model's own time."""

from benchmarks.contest import Contest
from benchmarks.pairs import PAIRS
from benchmarks.planted import average
from benchmarks.row import Row
from benchmarks.subjects import photographs

ROW = Row(
    "overhead",
    "seconds a perturbation with a model that costs nothing (a global average), one process, one thread",
    "the `lime` package: same photograph, segments and samples",
    0.25,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """Our seconds over lime's."""
    samples, pairs = (50, 1) if quick else (1000, PAIRS)
    timed, difference = Contest(average(), photographs(1)[0], samples, threads=1).run(pairs)
    ours, theirs = (1000 * timed.medians[side] / samples for side in (0, 1))
    figures = timed.to_json() | {"samples": samples, "largest_difference_of_weights": difference}
    return ROW.measured(
        timed.ratio,
        figures | {"ours_ms": round(ours, 3), "lime_ms": round(theirs, 3)},
        f"Masks, composing, the call of the model and the fit take {ours:.2f} ms a perturbation, the package's "
        f"{theirs:.2f} ms, for weights that differ by {difference:.0e} at most.",
    )
