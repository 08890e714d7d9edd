"""Natural: the row `accuracy` on photographs, under a classifier of photographs."""

from benchmarks import accuracy
from benchmarks.row import NotHere, Row
from benchmarks.subjects import DEMO, MODEL, model, model_path, photographs

SIZES = (256, 512, 1152)  # the last is nine seeds of 128

ROW = Row(
    "natural",
    "squared error of the weights at the default recipe's 1,152 evaluations, 8 natural photographs: the geometric mean "
    "of their ratios",
    "lime's coin flips with twice the evaluations",
    0.8,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """The geometric mean of the photographs' own ratios at the default recipe's size."""
    if model_path() == DEMO and not quick:
        raise NotHere(f"{MODEL} names no classifier of photographs")
    number, runs = (1, 2) if quick else (accuracy.PHOTOGRAPHS, accuracy.RUNS)
    found = accuracy.figures(model(), photographs(number), runs, SIZES)
    told = ", ".join(f"{one['geometric']:.2f} ({one['ratio']:.2f}) at {one['n']:,}" for one in found["sizes"])
    return ROW.measured(
        found["sizes"][-1]["geometric"],
        found,
        f"With {found['model']} the squared error over that of coin flips with twice the evaluations is {told}: the "
        f"geometric mean over {number} photographs, {runs} runs of each, and in brackets the ratio of the mean errors, "
        "in which photographs that are hard to explain count most. Fold-over halves the independent rows and cancels "
        f"even interactions only. Odd ones have {found['odd']:.0%} of the variance that superpixels alone leave; at "
        "25% either design is worth as much, however many rows there are. Nothing is timed.",
    )
