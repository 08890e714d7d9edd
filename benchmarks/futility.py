"""Futility: what the recipe `adaptive` does with seeds that scatter about known weights, and what giving up costs.

`python -m benchmarks.futility` prints a table, by how far the fifth superpixel lies above the sixth, in standard
deviations of one seed's weight.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import click
import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Errors
from pipeline.answer.stopped import FUTILE, PARTED, SPENT, Stopped
from pipeline.methods.stopping import stopped
from pipeline.methods.surrogate import Linear, delete_a_group
from pipeline.recipe import Stopping
from pipeline.recipes import recipe

Array = NDArray[np.float64]
SPREAD = 0.15  # of one seed's weights
WEIGHTS = np.array([0.9, -0.8, 0.7, 0.6, 0.4, -0.4, 0.2, 0.1, 0.05, 0.0])
SIXTH = 5
GAPS = (0, 0.25, 0.5, 0.75, 1, 1.5)
HEAD = (
    *("fifth above sixth", PARTED, FUTILE, SPENT, "seeds", "seeds, never giving up"),
    *("given up that would have parted", "within the half-width: given up", "all"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One photograph: why it stopped and after how many seeds, the same had it not given up, and which weights lie
    within their half-width."""

    why: str
    seeds: int
    would: str
    would_seeds: int
    held: NDArray[np.bool_]


@click.command()
@click.option("--runs", type=click.IntRange(2), default=500, show_default=True, help="Photographs of each gap.")
def main(runs: int) -> None:
    """Print the table."""
    click.echo(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for gap in GAPS:
        chance = np.random.Generator(np.random.Philox(round(100 * gap)))
        click.echo(line(gap, [run(chance, gap) for _ in range(runs)]))


def run(chance: np.random.Generator, gap: float) -> Run:
    """The seeds of the recipe, one after another."""
    made = recipe("adaptive")
    rule = Stopping(**(made.stopping or {}))
    true = np.where(np.arange(len(WEIGHTS)) == SIXTH, WEIGHTS + gap * SPREAD, WEIGHTS)
    alone = true + SPREAD * chance.normal(size=(len(made.seeds), len(true)))
    seeds, end = _asked(rule, alone)
    would_seeds, would = _asked(replace(rule, futility=None), alone)
    half = Errors(delete_a_group(_left_out(alone[:seeds])), np.empty((seeds, 0))).half_width
    held = np.abs(alone[:seeds].mean(axis=0) - true) <= half
    return Run(end.why, seeds, would.why, would_seeds, held)


def line(gap: float, runs: Sequence[Run]) -> str:
    """A row of the table."""
    why, given_up = Counter(one.why for one in runs), [one for one in runs if one.why == FUTILE]
    regretted = np.mean([one.would == PARTED for one in given_up]) if given_up else np.nan
    held = np.mean([one.held for one in given_up]) if given_up else np.nan
    cells = [f"{gap:g}", *(f"{why[one] / len(runs):.0%}" for one in (PARTED, FUTILE, SPENT))]
    cells += [f"{np.mean([one.seeds for one in runs]):.1f}", f"{np.mean([one.would_seeds for one in runs]):.1f}"]
    cells += [f"{regretted:.0%}", f"{held:.1%}", f"{np.mean([one.held for one in runs]):.1%}"]
    return f"| {' | '.join(cells)} |"


def _asked(rule: Stopping, alone: Array) -> tuple[int, Stopped]:
    """How many seeds are asked, and why no more."""
    most = len(alone)
    for seeds in range(rule.first, most):
        if end := _end(rule, alone[:seeds], most):
            return seeds, end
    return most, _end(rule, alone, most) or Stopped(SPENT, rule.top)


def _end(rule: Stopping, asked: Array, most: int) -> Stopped | None:
    return stopped(rule, _fit(asked.mean(axis=0)), [_fit(one) for one in _left_out(asked)], most)[0]


def _left_out(asked: Array) -> Array:
    """The mean of all seeds but each."""
    return np.asarray((asked.sum(axis=0) - asked) / (len(asked) - 1))


def _fit(weights: Array) -> Linear:
    return Linear(weights[None], np.zeros(1), np.zeros((1, 1)))


if __name__ == "__main__":
    main()
