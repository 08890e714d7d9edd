"""Natural: the row `accuracy` on photographs, under a classifier of photographs."""

from benchmarks import accuracy
from benchmarks.row import NotHere, Row
from benchmarks.subjects import DEMO, MODEL, model, model_path, photographs

ROW = Row(
    "natural",
    "squared error of the weights at 256 and 512 evaluations of the default design, 8 natural photographs; the larger "
    "ratio",
    "lime's coin flips with twice the evaluations",
    0.8,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """The larger of the two ratios of the errors."""
    if model_path() == DEMO and not quick:
        raise NotHere(f"{MODEL} names no classifier of photographs")
    number, runs = (1, 2) if quick else (accuracy.PHOTOGRAPHS, accuracy.RUNS)
    found = accuracy.figures(model(), photographs(number), runs)
    told = " and ".join(f"{one['ratio']:.2f} at {one['n']}" for one in found["sizes"])
    return ROW.measured(
        max(one["ratio"] for one in found["sizes"]),
        found,
        f"With {found['model']} the squared error over that of coin flips with twice the evaluations is {told}, means "
        f"over {number} photographs and {runs} runs of each: fold-over cancels even interactions only, and natural "
        "photographs have odd ones. Nothing is timed.",
    )
