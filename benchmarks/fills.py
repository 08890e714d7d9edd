"""`python -m benchmarks.fills`: is an explanation with the fill that the model is asked for a better one?

The default recipe with `fill: mean` and with `fill: auto`, on rendered poles under the demo's model, or on photographs
under POLELENS_BENCH_MODEL. Deletion and insertion curves of both take superpixels away alike, by continuing what is
around them, which is neither's own fill: each would do best by its own.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import click
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.subjects import examples, model
from pipeline.answer.attribution import Attribution
from pipeline.explain import explain
from pipeline.judge.faithfulness import area, deletion, heaviest_first, insertion
from pipeline.methods import explainer
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.recipes import recipe
from pipeline.scene.fills import AUTO
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant, vary
from pipeline.staging import stage
from polelens.cli.text import console, progress_bar

NEUTRAL = Variant("surroundings")
FILLS = ("mean", AUTO)


@dataclass(frozen=True, slots=True)
class Compared:
    """One photograph: the fill that was taken, candidates' scores, and areas [fills, (deletion, insertion)]."""

    taken: str
    scores: Sequence[float]
    areas: NDArray[np.float64]

    @property
    def gains(self) -> NDArray[np.float64]:
        """Insertion less deletion, of `mean` and of `auto`."""
        return np.asarray(self.areas[:, 1] - self.areas[:, 0])


@click.command()
@click.option("--photographs", "number", type=click.IntRange(2), default=24, show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=9, show_default=True, help="Of each explanation.")
def main(number: int, seeds: int) -> None:
    """Print the areas under the curves of both, and the mean difference of their gains with its standard error."""
    with progress_bar() as bar:
        found = [compared(model(), one, seeds) for one in bar.track(examples(number), description="photographs")]
    table = Table("fill", "deletion", "insertion", "gain", "taken for the label, bare", box=None)
    for place, name in enumerate(FILLS):
        removed, shown = np.mean([one.areas[place] for one in found], axis=0)
        bare = np.mean([one.scores[0] if name == "mean" else min(one.scores) for one in found])
        table.add_row(name, *(f"{figure:.3f}" for figure in (removed, shown, shown - removed, bare)))
    console.print(table)
    more = np.diff([one.gains for one in found], axis=1)[:, 0]
    error = more.std(ddof=1) / len(more) ** 0.5
    taken = ", ".join(f"{name} {times}" for name, times in Counter(one.taken for one in found).most_common())
    console.print(f"auto gains {more.mean():+.4f} ± {error:.4f} on {len(more)} photographs; it took {taken}")


def compared(network: Model, pixels: NDArray[np.uint8], seeds: int) -> Compared:
    """Both explanations of a photograph's most probable label, and what neutral curves say of them."""
    black_box = BlackBox(network)
    made = recipe("default").override({"judge": False, "seeds": [1 + 10 * seed for seed in range(seeds)]})
    scene = stage(pixels, network.profile, made)
    mean, auto = (
        explain(scene, explainer(made.override({"fill": fill}), network.labels), black_box.scores) for fill in FILLS
    )
    assert auto.fill_choice is not None
    areas = np.array([_areas(black_box, scene, one) for one in (mean, auto)])
    return Compared(auto.fill_choice.taken, list(auto.fill_choice.scores.values()), areas)


def _areas(black_box: BlackBox, scene: Scene, found: Attribution) -> list[float]:
    label = found.labels[0]
    column, order = black_box.labels.index(label.label), heaviest_first(label.weights)
    shown = vary(scene, NEUTRAL)
    return [float(area(black_box.scores(shown, masks(order))[:, column], scene.k)) for masks in (deletion, insertion)]


if __name__ == "__main__":
    main()
