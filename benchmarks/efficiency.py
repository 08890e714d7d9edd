"""Efficiency: how much of a whole audit's time is the model's own."""

from benchmarks.bare import bare
from benchmarks.live_stack import stand
from benchmarks.pairs import PAIRS, alternate
from benchmarks.row import Row
from benchmarks.subjects import model, photographs
from pipeline.model.model import Model
from pipeline.recipes import recipe

WORKERS = 2

ROW = Row(
    "efficiency",
    "an audit of 24 photographs with the model, 2 workers with 1 thread each, the wall time of the whole audit",
    "a bare ONNX Runtime loop: same batch, 2 processes with 1 thread and huge pages each, as many evaluations",
    0.95,
)


def measure(quick: bool) -> Row:
    """The loop's seconds over the audit's."""
    return measured(ROW, model(), quick)


def measured(row: Row, network: Model, quick: bool) -> Row:
    """The same of a network."""
    number, pairs = (2, 1) if quick else (24, PAIRS)
    made = recipe("default").override({"samples": 16, "seeds": [1, 11]} if quick else {})
    with stand() as here:
        version = here.model(network)
        here.photographs(photographs(number))
        here.workers(WORKERS)
        here.audit(version, made, "000.jpg")  # the model is loaded, its batch and its rate are known
        batch = here.batch(version)

        def whole_audit() -> float:
            here.forget()
            return here.audit(version, made)

        whole_audit()
        evaluations = here.evaluations()
        before = here.cpu_seconds()
        with bare(network, WORKERS, batch) as loop:
            timed = alternate(whole_audit, lambda: loop.seconds(evaluations), pairs)
        spent = {name: round((seconds - before[name]) / pairs, 2) for name, seconds in here.cpu_seconds().items()}
    figures = {"photographs": number, "evaluations": evaluations, "batch": batch, "model": network.name}
    audit, loop_alone = timed.medians
    return row.measured(
        timed.speedup,
        timed.to_json() | figures | {"cpu_seconds_of_an_audit": spent},
        f"{number} photographs, {evaluations:,} evaluations by {network.name} in batches of {batch}, take {audit:.1f} "
        f"s from `audit start` to the last row, with the scenes, fits, tests and the ledger; ONNX Runtime alone "
        f"takes {loop_alone:.1f} s.",
    )
