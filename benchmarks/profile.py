"""Profile: where the processor time of a whole audit goes."""

import json
from collections import defaultdict
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.live_stack import REST, Stand, stand
from benchmarks.row import Row
from benchmarks.subjects import model, photographs
from pipeline.recipes import recipe
from polelens.stack import postgres, redis
from polelens.stack.workers import BEAT

APP, CLOCKS = "benchmarks.clocked_steps", "POLELENS_BENCH_CLOCKS"  # the workers' app, and the folder it writes into
WORKERS = 2
NETWORK = "the network"
LEAST = 0.005  # of the whole, to be told

ROW = Row(
    "profile",
    "the network's share of the processor time of all processes in an audit of 24 photographs with the model, "
    "2 workers with 1 thread each",
    "all of it",
    0.95,
)


def measure(quick: bool) -> Row:
    """The network's share; and what the others have."""
    number, changes = (2, {"samples": 16, "seeds": [1, 11]}) if quick else (24, {})
    made = recipe("default").override(changes)
    with TemporaryDirectory() as clocks, stand(bench_clocks=clocks) as here:
        version = here.model(model())
        here.photographs(photographs(number))
        here.workers(WORKERS, APP)
        here.audit(version, made)  # all is loaded and known
        here.forget()
        before = _spent(here, Path(clocks))
        seconds = here.audit(version, made)
        spent = {name: value - before.get(name, 0) for name, value in _spent(here, Path(clocks)).items()}
        evaluations = here.evaluations()
    total = sum(spent.values())
    ordered = dict(sorted(spent.items(), key=itemgetter(1), reverse=True))
    told = ", ".join(f"{name} {value:.1f}" for name, value in ordered.items() if value >= LEAST * total)
    return ROW.measured(
        spent[NETWORK] / total,
        {"cpu_seconds": {name: round(value, 2) for name, value in ordered.items()}, "evaluations": evaluations},
        f"{evaluations:,} evaluations by {model().name} in {seconds:.1f} s take {total:.1f} processor seconds: {told}.",
    )


def _spent(here: Stand, clocks: Path) -> dict[str, float]:
    """Processor seconds so far: by part of what the workers do, what is left of theirs, and of each service."""
    found = defaultdict[str, float](float)
    for one in clocks.glob("*.json"):
        for part, seconds in json.loads(one.read_text(encoding="utf-8")).items():
            found[part] += seconds
    by_process = here.cpu_seconds()
    workers = [value for name, value in by_process.items() if name == REST or name.startswith("infer-")]
    found["Celery and all else in a worker"] = sum(workers) - sum(found.values())
    services = {postgres.NAME: "Postgres", redis.NAME: "Redis", BEAT: "the beat"}
    return found | {told: by_process[name] for name, told in services.items()}
