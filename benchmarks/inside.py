"""`python -m benchmarks.inside`: where do methods of the network's inside look, beside LIME?

Rendered poles under both models of the demo, of which the first was trained to look at backgrounds and the second at
poles: the share of the positive weight that lies inside the pole's mask, beside the share of the picture that the mask
is, which is what chance gives.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from demo.photographs import Photograph, archive
from pipeline.explain import explain
from pipeline.judge.grounding import mask_share, shares_inside
from pipeline.methods import METHODS, explainer, looked_into
from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.model.model import Model
from pipeline.recipes import RECIPES, recipe
from pipeline.staging import stage
from polelens.cli.text import console, progress_bar

DEMO = Path(__file__).resolve().parent.parent / "demo"
SEED = 7  # of renderings that no model was trained on
NAMES = ("default", *(name for name, one in RECIPES.items() if METHODS[one.method].inside))


@dataclass(frozen=True, slots=True)
class Found:
    """What a recipe says of a photograph: the share of its weight inside the mask, evaluations and seconds."""

    share: float
    area: float
    evaluations: int
    seconds: float


@click.command()
@click.option("--photographs", "number", type=click.IntRange(1), default=12, show_default=True)
@click.option("--recipe", "names", multiple=True, default=NAMES, show_default="default, and all of the inside")
def main(number: int, names: Sequence[str]) -> None:
    """Print for each recipe the mean share inside the mask under both models, evaluations and seconds a photograph."""
    read = [read_model((DEMO / f"poles-v{v}.zip").read_bytes(), name=f"poles@{v}") for v in (1, 2)]
    shots = list(archive(number, SEED, shortcut=False))
    table = Table("recipe", *(f"in the mask, {one.name}" for one in read), "evaluations", "seconds", box=None)
    with progress_bar() as bar:
        for name in bar.track(names, description="recipes"):
            both = [looked(model, name, shots) for model in read]
            shares = [f"{np.nanmean([one.share for one in found]):.2f}" for found in both]
            costs = [[getattr(one, what) for found in both for one in found] for what in ("evaluations", "seconds")]
            table.add_row(name, *shares, f"{np.mean(costs[0]):,.0f}", f"{np.median(costs[1]):.2f}")
    area = np.mean([one.area for one in looked(read[0], "cam", shots)])
    console.print(table)
    console.print(f"the mask is {area:.2f} of what the model is shown, on {number} photographs")


def looked(model: Model, name: str, shots: Sequence[Photograph]) -> list[Found]:
    """What a recipe says of each photograph under a model, without tests of its answer."""
    inside, black_box = Inside(model), BlackBox(model)
    made = looked_into(recipe(name).override({"judge": False}), inside)
    talker, found = explainer(made, model.labels), []
    for shot in shots:
        scene = stage(shot.image, model.profile, made, shot.mask)
        began = time.perf_counter()
        answer = explain(scene, talker, black_box.scores, inside.read)
        seconds = time.perf_counter() - began
        assert scene.mask is not None
        share = mask_share(answer.labels[0].weights, shares_inside(scene, scene.mask))
        found.append(Found(share, float(scene.mask.mean()), answer.evaluations, seconds))
    return found


if __name__ == "__main__":
    main()
