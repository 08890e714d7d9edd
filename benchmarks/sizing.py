"""`python -m benchmarks.sizing`: what 100,000 photographs take by recipe, written into docs/sizing.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import text

from benchmarks import recovery
from benchmarks.copies import multiply
from benchmarks.live_stack import Stand, stand
from benchmarks.machine import machine, today, versions
from benchmarks.subjects import examples, model
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from storage.registry import Version

SCORES = ("default", "thorough", "adaptive", "shap", "anchors", "rise", "occlusion")
NAMES = (*SCORES, "cam", "grad-cam", "integrated-gradients", "xrai", "lrp")
ARCHIVE = 100_000  # photographs
COPIES = 2_000  # rows of a recipe, so that pages of tables and indexes are full
SLOW = 0.030  # seconds of a pass of EfficientNet-Lite0 on a core, for scale: see `throughput` of the benchmarks
LEASE = 20  # seconds; the recovery waits for it
QUICK = recovery.Sizes(rows=100, objects=200)
BEGIN, END = "<!-- written by python -m benchmarks.sizing -->\n", "<!-- end of what it wrote -->\n"
SPENT = "SELECT coalesce(sum(n), 0) FROM tally WHERE what = 'seconds'"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one photograph takes by a recipe."""

    recipe: str
    evaluations: float
    inference: float  # seconds of an inference process
    rest: float  # seconds of a core for everything else: prepare, reduce, Postgres and Redis
    blobs: float  # bytes: scene, scores, heat maps; not the photograph itself
    rows: float  # bytes in Postgres, indexes included


@click.command()
@click.option("--photographs", "number", type=click.IntRange(1), default=6, show_default=True, help="Audited by each.")
@click.option("--recipe", "names", type=click.Choice(NAMES), multiple=True, default=NAMES, help="Some of them alone.")
@click.option("--quick", is_flag=True, help="Sizes so small that the figures mean nothing.")
@click.option("--page", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=Path("docs/sizing.md"))
def main(number: int, names: Sequence[str], quick: bool, page: Path) -> None:
    """Audit a few photographs by each recipe on a stack of its own, back it up, break it, and write what it took."""
    with stand(lease_seconds=3 if quick else LEASE) as here:
        here.photographs(examples(number))
        version = here.model(model())
        here.workers(2)
        here.audit(version, recipe("grad-cam"))  # which loads the model and finds its pace
        costs = [_said(_cost(here, version, name, number)) for name in names]
        found = recovery.measure(here, version, QUICK if quick else recovery.Sizes())
    section = f"{_where(number)}\n{_table(costs)}\n{recovery.told(found)}"
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(before + BEGIN + "\n" + section + "\n" + END + rest.partition(END)[2])


def _said(cost: Cost) -> Cost:
    click.echo(f"{cost.recipe}: {cost.evaluations:,.0f} evaluations, {cost.inference:.2f} + {cost.rest:.2f} s")
    return cost


def _asked(name: str) -> Recipe:
    return recipe("default").override({"thorough": True}) if name == "thorough" else recipe(name)


def _cost(here: Stand, version: Version, name: str, number: int) -> Cost:
    """What each photograph takes, as the mean over an audit of all."""
    here.forget()
    with here.engine.begin() as c:
        c.execute(text("DELETE FROM tally"))
    before = _rest(here)
    here.audit(version, _asked(name))
    rest = _rest(here) - before
    with here.engine.begin() as c:
        seconds = float(c.execute(text(SPENT)).scalar_one())
    asked, blobs = here.evaluations() / number, Path(here.environment["POLELENS_BLOBS"])
    files = [path for kind in ("explanations", "scenes") for path in (blobs / kind).rglob("*") if path.is_file()]
    kept = sum(path.stat().st_size for path in files)
    return Cost(name, asked, seconds / number, rest / number, kept / number, multiply(here, COPIES))


def _rest(here: Stand) -> float:
    """Seconds of a core that all but inference has taken so far."""
    return sum(seconds for name, seconds in here.cpu_seconds().items() if not name.startswith("infer"))


def _where(number: int) -> str:
    release = versions()
    return (
        f"{number} rendered photographs by each recipe with {model().name}, two inference processes; {machine()}; "
        f"{today()}; polelens {release['polelens']}, onnxruntime {release['onnxruntime']}.\n"
    )


def _table(costs: Sequence[Cost]) -> str:
    """A line a recipe; a pass is what one evaluation takes by the first of them."""
    a_pass = costs[0].inference / costs[0].evaluations
    head = (
        "recipe", "evaluations a photograph", "passes of the model", "GB of blobs", "GB of Postgres",
        "hours of everything but inference", f"hours of inference, {a_pass * 1000:.1f} ms a pass",
        f"hours of inference, {SLOW * 1000:.0f} ms a pass",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for cost in costs:
        passes = cost.inference / a_pass
        sizes = (f"{size * ARCHIVE / 1e9:.2g}" for size in (cost.blobs, cost.rows))
        hours = (f"{seconds * ARCHIVE / 3600:,.0f}" for seconds in (cost.rest, cost.inference, passes * SLOW))
        lines.append(f"| `{cost.recipe}` | {cost.evaluations:,.0f} | {passes:,.0f} | {' | '.join((*sizes, *hours))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
