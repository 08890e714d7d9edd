"""Adaptive: the evaluations of the recipe that stops by itself, beside the default's, and how far two runs agree."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import Row
from benchmarks.subjects import examples, model
from pipeline.answer.attribution import Attribution
from pipeline.conversation.probe import Scores
from pipeline.explain import explain
from pipeline.judge.stability import top_jaccard
from pipeline.methods import explainer
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene
from pipeline.staging import stage

TOP = 5
SEEDS = (1, 100_001)  # of two runs that have no seed in common
NAMES = ("default", "adaptive")
PHOTOGRAPHS = 24

ROW = Row(
    "adaptive",
    "evaluations of the recipe `adaptive` on 24 photographs, where two independent runs agree as well on the top five",
    "the recipe `default`: 1152 and the whole photograph and the bare fill",
    0.6,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """The evaluations over the default's; 1 if its runs agree less."""
    number = 1 if quick else PHOTOGRAPHS
    found = figures(model(), examples(number))
    default, adaptive = (found[name] for name in NAMES)
    as_well = adaptive["top5_jaccard"] >= default["top5_jaccard"]
    return ROW.measured(
        found["ratio"] if as_well else 1.0,
        found,
        f"With {found['model']} it asks {adaptive['evaluations']:.0f} times, the default {default['evaluations']:.0f}, "
        f"means over {number} photographs; the top-5 Jaccard index of two independent runs is "
        f"{adaptive['top5_jaccard']:.2f} and {default['top5_jaccard']:.2f}"
        + ("." if as_well else ", so that the saving does not count.")
        + " Nothing is timed.",
    )


def figures(network: Model, pixels: Sequence[NDArray[np.uint8]]) -> Mapping[str, Any]:
    """Evaluations of either recipe, without the judging, and the top-5 Jaccard index of its two runs, photograph by
    photograph and on average."""
    black_box = BlackBox(network, threads=1)
    photos = [_photograph(network, black_box, one) for one in pixels]
    told: dict[str, Any] = {"model": network.name, "photographs": len(photos)}
    for name in NAMES:
        each = [photo[name] for photo in photos]
        told[name] = {
            "evaluations": float(np.mean([one["evaluations"] for one in each])),
            "top5_jaccard": float(np.mean([one["top5_jaccard"] for one in each])),
            "each": each,
        }
    return told | {"ratio": told["adaptive"]["evaluations"] / told["default"]["evaluations"]}


def _photograph(
    network: Model, black_box: BlackBox, photograph: NDArray[np.uint8]
) -> Mapping[str, Mapping[str, float]]:
    scene = stage(photograph, network.profile, recipe("default"))
    predict = _remembering(black_box)
    found = {}
    for name in NAMES:
        runs = [_run(recipe(name).override({"judge": False}).reseed(seed), scene, network, predict) for seed in SEEDS]
        found[name] = {
            "evaluations": float(np.mean([one.evaluations for one in runs])),
            "top5_jaccard": top_jaccard(np.stack([one.labels[0].weights for one in runs]), TOP),
        }
    return found


def _run(
    made: Recipe, scene: Scene, network: Model, predict: Callable[[Scene, NDArray[np.bool_]], Scores]
) -> Attribution:
    return explain(scene, explainer(made, network.labels), predict)


def _remembering(black_box: BlackBox) -> Callable[[Scene, NDArray[np.bool_]], Scores]:
    """The black box for one scene, asked once only what both recipes ask: they share their first seeds."""
    known: dict[bytes, NDArray[np.float32]] = {}

    def predict(scene: Scene, masks: NDArray[np.bool_]) -> Scores:
        keys = [row.tobytes() for row in masks]
        new = np.array([key not in known for key in keys])
        if new.any():
            known.update(
                zip([key for key in keys if key not in known], black_box.scores(scene, masks[new]), strict=True)
            )
        return np.stack([known[key] for key in keys])

    return predict
