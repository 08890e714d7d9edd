"""Scaling: so many times the workers, so many times the photographs, in the same time."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.fixed_latency import APP
from benchmarks.live_stack import Stand, stand
from benchmarks.pairs import PAIRS
from benchmarks.row import Row
from benchmarks.subjects import demo_model, photographs
from pipeline.recipes import recipe
from storage.registry import Version

WORKERS = (1, 2, 4, 8)
ASKED = {4: 0.95, 8: 0.90}  # of linear
EACH = 4  # photographs a worker: a run takes about a minute whatever the number of workers
MILLISECONDS = 10.0  # an evaluation; EfficientNet-Lite0 takes 5 to 8 on one core

ROW = Row(
    "scaling",
    "1, 2, 4 and 8 workers with 4 photographs each; the model is a sleep of 10 ms an evaluation",
    "linear: the smaller of what is reached at 4 workers over 0.95, and at 8 over 0.90",
    1.0,
)


def measure(quick: bool) -> Row:
    """The rate a worker at each number of workers over the rate of one."""
    counts, each, rounds, wait = ((1, 4), 1, 1, 0.1) if quick else (WORKERS, EACH, PAIRS, MILLISECONDS)
    seconds: dict[int, list[float]] = {workers: [] for workers in counts}
    with stand(bench_seconds_an_evaluation=wait / 1000) as here:
        version = here.model(demo_model())
        for number in range(rounds):
            for workers in counts if number % 2 == 0 else counts[::-1]:
                seconds[workers].append(_run(here, version, workers, each))
    return _row(seconds, each, wait)


def _run(here: Stand, version: Version, workers: int, each: int) -> float:
    """The seconds of an audit of so many photographs a worker; each worker is new, and warmed by a small audit."""
    here.workers(workers, APP)
    here.photographs(photographs(each * workers))
    here.audit(version, recipe("default").override({"samples": 4, "seeds": [1]}))
    return here.audit(version, recipe("default"))


def _row(seconds: Mapping[int, Sequence[float]], each: int, wait: float) -> Row:
    alone = seconds[1]
    linear = {
        workers: median(one / many for one, many in zip(alone, times, strict=True))
        for workers, times in seconds.items()
    }
    figures = {"photographs_a_worker": each, "milliseconds_an_evaluation": wait, "seconds": dict(seconds)}
    told = ", ".join(f"{share:.3f} with {workers}" for workers, share in linear.items() if workers > 1)
    return ROW.measured(
        min(linear[workers] / asked for workers, asked in ASKED.items() if workers in linear),
        figures | {"share_of_linear": linear},
        f"The photographs a second and worker, over those of one worker, are {told} workers; the model is a sleep, so "
        f"that this is what queue, ledger, prepare and reduce cost, and not how many cores there are.",
    )
