"""Efficiency with few labels: the row `efficiency` with the demo's network at a real classifier's cost."""

from benchmarks.efficiency import measured
from benchmarks.row import Row
from benchmarks.subjects import widened_model

ROW = Row(
    "efficiency_few",
    "the same with three labels: the demo's network, three times as wide and about as dear as EfficientNet-Lite0",
    "the same of that network",
    0.97,
)


def measure(quick: bool) -> Row:
    """The loop's seconds over the audit's."""
    return measured(ROW, widened_model(), quick)
