"""`python -m benchmarks.faithfulness MODEL --labels FILE --profile FILE`: do explanations of photographs beat chance?

A recipe on the colour photographs that scikit-image brings along: areas under the deletion curve (low is
good) and the insertion curve (high is good), beside the mean over random orders of the same superpixels.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from skimage import data

from pipeline.answer.judgement import Curves
from pipeline.judge.faithfulness import ORDERS, area, at_random, deletion, insertion
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model, Said
from pipeline.recipe import Recipe
from pipeline.scene.variant import Variant, vary
from polelens.asked import Asked
from polelens.cli.profiles import FILE, model_options
from polelens.cli.recipes import recipe_options
from polelens.cli.text import console, progress_bar
from polelens.explanation import Explanation
from polelens.inputs import model_file
from polelens.notebook import explain

# The network knows the things in the first five; the last three are colour pictures of what it was never shown.
KNOWN = ("astronaut", "chelsea", "coffee", "rocket", "stereo_motorcycle")
PHOTOGRAPHS = (*KNOWN, "hubble_deep_field", "immunohistochemistry", "retina")
SEEDS = (1000, 1001, 1002)  # of the random orders, nine each
COLUMNS = ("photograph", "explained", "score", "deletion", "random", "insertion", "random", "orders beaten", "verdict")


@dataclass(frozen=True)
class Contest:
    """An explanation against random orders."""

    explanation: Explanation
    black_box: BlackBox

    @property
    def curves(self) -> Curves:
        """The explanation's areas, with the means of the random orders that its judgement holds."""
        judgement = self.explanation.attribution.labels[0].judgement
        assert judgement is not None
        return judgement.curves

    @cached_property
    def random(self) -> NDArray[np.floating[Any]]:
        """Areas under deletion and insertion of each random order, [orders, 2]."""
        scene = self.explanation.scene
        label = list(self.explanation.attribution.probabilities).index(self.explanation.attribution.labels[0].label)
        orders = [order for seed in SEEDS for order in at_random(scene, seed)]
        shown = (scene, deletion), (vary(scene, Variant("blur")), insertion)
        return np.array(
            [
                [area(self.black_box.scores(one, masks(order))[:, label], scene.k) for one, masks in shown]
                for order in orders
            ]
        )

    @property
    def beaten(self) -> tuple[int, int]:
        """How many random orders have a higher area under deletion, and how many a lower one under insertion."""
        removed, shown = self.random.T
        return int((removed > self.curves.deletion).sum()), int((shown < self.curves.insertion).sum())

    @property
    def won(self) -> bool:
        """Whether both areas beat the mean of the random orders, and that of the judgement's own."""
        removed, shown = self.random.mean(axis=0)
        curves = self.curves
        return bool(
            curves.deletion < min(removed, curves.deletion_random)
            and curves.insertion > max(shown, curves.insertion_random)
        )


@click.command()
@click.argument("model", type=FILE)
@model_options
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True, help="ONNX Runtime threads.")
@click.option("--photograph", "names", type=click.Choice(PHOTOGRAPHS), multiple=True, default=PHOTOGRAPHS)
@recipe_options
def main(model: Path, names: tuple[str, ...], asked: Asked, threads: int, said: Said) -> None:
    """Explain the photographs; the exit status is 1 if one does not beat chance on both curves."""
    read, recipe = model_file(model, said=said), asked.recipe()
    table, lost = Table(*COLUMNS, box=None), []
    with progress_bar() as bar:
        for name in bar.track(names, description="photographs"):
            contest = _contest(name, read, recipe, threads)
            table.add_row(*_row(name, contest))
            lost += [] if contest.won else [name]
    console.print(table)
    if lost:
        raise SystemExit(f"not better than chance on both curves: {', '.join(lost)}")


def _contest(name: str, model: Model, recipe: Recipe, threads: int) -> Contest:
    loaded = getattr(data, name)()
    pixels = loaded[0] if isinstance(loaded, tuple) else loaded  # of a stereo pair the left one
    return Contest(explain(pixels, model, recipe=recipe, threads=threads), BlackBox(model, threads=threads))


def _row(name: str, contest: Contest) -> tuple[str, ...]:
    label, curves = contest.explanation.attribution.labels[0], contest.curves
    assert label.judgement is not None
    removed, shown = contest.random.mean(axis=0)
    figures = (contest.explanation.attribution.probabilities[label.label], curves.deletion, removed)
    told = [f"{figure:.3f}" for figure in (*figures, curves.insertion, shown)]
    beaten = " and ".join(map(str, contest.beaten))
    return name, label.label, *told, f"{beaten} of {len(SEEDS) * ORDERS}", label.judgement.words


if __name__ == "__main__":
    main()
