"""Adaptive: the evaluations of the recipe that stops by itself, beside the default's, and how far two runs agree."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from benchmarks.row import Row
from benchmarks.subjects import DEMO, MODEL, demo_model, model, model_path, photographs, rendered
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
PHOTOGRAPHS, NATURAL = 96, 8

# How much less two runs may agree. The recipe asks until the fifth superpixel lies above the sixth with 95 %
# confidence: of two runs, one in ten may have another fifth, and sets of five with one exchanged have an index of 2/3.
MARGIN = 2 * (1 - 0.95) * (1 - 2 / 3)

ROW = Row(
    "adaptive",
    f"evaluations of the recipe `adaptive` on {PHOTOGRAPHS} rendered photographs, where two independent runs agree on "
    f"the top five as well as the default's: by their 95 % interval to {MARGIN:.3f}, which is what 95 % confidence in "
    "each run's fifth allows",
    "the recipe `default`: 1152 and the whole photograph and the bare fill",
    0.6,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """The evaluations over the default's; 1 if its runs agree less."""
    found = dict(figures(demo_model(), rendered(2 if quick else PHOTOGRAPHS)))
    as_well = agrees(found["difference"]["low"])
    told = _told(found, "rendered") + ("" if as_well else " So the saving does not count.")
    if model_path() != DEMO:
        found["natural"] = figures(model(), photographs(1 if quick else NATURAL))
        told += f" {_told(found['natural'], 'natural')}"
    else:
        told += f" On natural photographs it was not measured: {MODEL} names no classifier of them."
    return ROW.measured(found["ratio"] if as_well else 1.0, found, f"{told} Nothing is timed.")


def agrees(low: float | None) -> bool:
    """Whether an interval with this lower end says that two runs agree as well, to the margin; none says nothing."""
    return low is not None and low >= -MARGIN


def _told(found: Mapping[str, Any], kind: str) -> str:
    default, adaptive, apart = found["default"], found["adaptive"], found["difference"]
    ends = ", ".join(f"{why} {number}" for why, number in found["stopped"].items())
    interval = f", 95 % interval {apart['low']:+.3f} to {apart['high']:+.3f}" if apart["low"] is not None else ""
    return (
        f"With {found['model']} on {found['photographs']} {kind} photographs it asks {adaptive['evaluations']:,.0f} "
        f"times, the default {default['evaluations']:,.0f} ({found['ratio']:.2f}); the top-5 Jaccard index of two "
        f"independent runs is {adaptive['top5_jaccard']:.3f} and {default['top5_jaccard']:.3f} (difference "
        f"{apart['mean']:+.3f}{interval}), and its runs stopped as: {ends}."
    )


def figures(network: Model, pixels: Sequence[NDArray[np.uint8]]) -> Mapping[str, Any]:
    """Evaluations of either recipe, without the judging, and the top-5 Jaccard index of its two runs, photograph by
    photograph and on average; the difference of the indices; and why runs of the adaptive one stopped."""
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
    apart = [photo["adaptive"]["top5_jaccard"] - photo["default"]["top5_jaccard"] for photo in photos]
    return told | {
        "ratio": told["adaptive"]["evaluations"] / told["default"]["evaluations"],
        "difference": difference(apart),
        "stopped": dict(Counter(why for photo in photos for why in photo["adaptive"]["stopped"])),
    }


def difference(apart: Sequence[float]) -> Mapping[str, float | None]:
    """The mean over photographs and its 95 % interval, by Student's t; of one photograph it has none."""
    mean = float(np.mean(apart))
    if len(apart) < 2:
        return {"mean": mean, "low": None, "high": None}
    half = float(t.ppf(0.975, len(apart) - 1) * np.std(apart, ddof=1) / len(apart) ** 0.5)
    return {"mean": mean, "low": mean - half, "high": mean + half}


def _photograph(network: Model, black_box: BlackBox, photograph: NDArray[np.uint8]) -> Mapping[str, Mapping[str, Any]]:
    scene = stage(photograph, network.profile, recipe("default"))
    predict = _remembering(black_box)
    found = {}
    for name in NAMES:
        runs = [_run(recipe(name).override({"judge": False}).reseed(seed), scene, network, predict) for seed in SEEDS]
        labels = [one.labels[0] for one in runs]
        found[name] = {
            "evaluations": float(np.mean([one.evaluations for one in runs])),
            "top5_jaccard": top_jaccard(np.stack([label.weights for label in labels]), TOP),
            "stopped": [end.why for label in labels if (end := label.agreement.stopped)],
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
