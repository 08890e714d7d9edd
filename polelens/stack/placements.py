"""What the doctor sees of the providers: what each worker that answers runs its models on, and what falls back."""

from collections.abc import Collection, Iterator

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from polelens.stack.finding import Finding, judged
from storage.placements import Placements, Told

MUCH = 0.1  # of the time: more than that on the CPU, and a provider is hardly used


def placements(engine: Engine, workers: Collection[str]) -> Iterator[Finding]:
    """A line for each worker that answers and has inferred within a day, model and precision."""
    try:
        found = Placements(engine).all()
    except SQLAlchemyError:
        return  # the finding about Postgres has said it
    for one in found:
        if one.worker.partition("@")[0] in workers:
            yield _finding(one)


def _finding(one: Told) -> Finding:
    seen = f"{one.model} in {one.precision} by {one.provider}"
    if one.nodes:
        seen += f"; {one.nodes} nodes fell back to the CPU and take {one.share:.0%} of the time"
    remedy = "export the model at another opset, or set POLELENS_PROVIDERS to one that has its operators"
    return judged(one.worker, one.share <= MUCH, seen, remedy)
