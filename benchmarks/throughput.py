"""Throughput: one explanation with a model, in one process."""

from benchmarks.contest import Contest
from benchmarks.pairs import PAIRS
from benchmarks.row import Row
from benchmarks.subjects import model, photographs

THREADS = 2

ROW = Row(
    "throughput",
    "perturbations a second with the model, one process, two threads",
    "the `lime` package: same model, photograph, segments and samples",
    1.25,
)


def measure(quick: bool) -> Row:
    """Lime's seconds over ours."""
    samples, pairs = (20, 1) if quick else (1000, PAIRS)
    timed, difference = Contest(model(), photographs(1)[0], samples, THREADS).run(pairs)
    ours, theirs = (samples / timed.medians[side] for side in (0, 1))
    figures = timed.to_json() | {"samples": samples, "model": model().name}
    return ROW.measured(
        timed.speedup,
        figures | {"largest_difference_of_weights": difference, "ours": round(ours, 1), "lime": round(theirs, 1)},
        f"With {model().name} we answer {ours:.0f} perturbations a second, the package {theirs:.0f}, for weights that "
        f"differ by {difference:.0e} at most.",
    )
