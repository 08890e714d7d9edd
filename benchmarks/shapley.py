"""Shapley: the error of KernelSHAP's values beside that of the `shap` package with as many evaluations."""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import NotHere, Row
from benchmarks.subjects import DEMO, MODEL, model, model_path, photographs
from pipeline.conversation.probe import Draw, Masks
from pipeline.methods.shapley import Game
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene
from pipeline.staging import stage

SIZES = (512, 1024)
RUNS = 8  # of each, for each photograph: five told the ratio at 1,024 to 0.06 only
PHOTOGRAPHS = 8
Array = NDArray[np.float64]

ROW = Row(
    "shapley",
    "squared error of KernelSHAP's values at 512 and 1,024 evaluations, 8 natural photographs; the larger ratio",
    "the `shap` package's KernelExplainer (`l1_reg=False`) with as many",
    0.65,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """The larger of the two ratios of the errors."""
    if model_path() == DEMO and not quick:
        raise NotHere(f"{MODEL} names no classifier of photographs")
    number, runs = (1, 2) if quick else (PHOTOGRAPHS, RUNS)
    found = figures(model(), photographs(number), runs)
    told = " and ".join(
        f"{one['ratio']:.2f} (standard error {one['error']:.2f}) at {one['n']:,}" for one in found["sizes"]
    )
    return ROW.measured(
        max(one["ratio"] for one in found["sizes"]),
        found,
        f"With {found['model']} the squared error over that of the package is {told}, means over {number} photographs "
        f"and {runs} runs of each, over which the errors are jackknifed; nothing is timed.",
    )


def figures(network: Model, pixels: Sequence[NDArray[np.uint8]], runs: int = RUNS) -> Mapping[str, Any]:
    """Squared errors at each size, over the variance of the values, and our error over the package's.

    The true values are unknown, and any estimate of them in their place adds its own scatter to both errors. So a run
    is compared with two estimates, each from half of the other runs, ours and theirs: the product of the run's
    distances from the two is, on average, the square of its distance from the truth, as the three are independent.
    Both are the regression on all masks of their half: those of one size were drawn alike, whoever drew them, and share
    what the Shapley kernel gives that size. `tests/unit/test_shap.py` holds it against enumeration.
    """
    black_box, made = BlackBox(network, threads=1), recipe("shap")
    every = np.array([_errors(Asked(black_box, stage(one, network.profile, made)), runs) for one in pixels])
    errors = every.mean(axis=-1)  # [photographs, sizes, 2]
    rows = [
        {"n": n, "ours": float(ours), "shap": float(theirs), "ratio": float(ours / theirs), "error": _error(runs_of)}
        for n, (ours, theirs), runs_of in zip(SIZES, errors.mean(axis=0), np.moveaxis(every, 1, 0), strict=True)
    ]
    each = (errors[..., 0] / errors[..., 1]).round(3).tolist()
    return {
        "model": network.name,
        "photographs": len(pixels),
        "runs": runs,
        "sizes": rows,
        "ratio_of_each_photograph": each,
    }


@dataclass(frozen=True, slots=True)
class Run:
    """Masks bool [n, k], their scores float64 [n], and for each size the values float64 [k] that came of so many."""

    masks: Masks
    scores: Array
    values: Mapping[int, Array]


@dataclass
class Asked:
    """A photograph, and the score of its most probable label."""

    black_box: BlackBox
    scene: Scene
    ends: Array = field(init=False)  # for the whole photograph and the bare fill
    label: int = field(init=False)

    def __post_init__(self) -> None:
        ends = self.black_box.scores(self.scene, np.repeat([[True], [False]], self.scene.k, axis=1))
        self.label = int(ends[0].argmax())
        self.ends = ends[:, self.label].astype(float)

    def scores(self, masks: Masks) -> Array:
        """The label's scores, float64 [n]."""
        return self.black_box.scores(self.scene, masks)[:, self.label].astype(float)

    def values(self, masks: Masks, scores: Array) -> Array:
        """Our Shapley values from these."""
        game = Game(self.ends[:1], self.ends[1:])
        return np.asarray(game.values(game.sample(masks, scores[:, None])).coefficients[0])

    def ours(self, seed: int) -> list[Run]:
        """One run, whose beginning is what a shorter draw would be."""
        masks = Draw("shapley", seed, max(SIZES)).masks(self.scene.k)
        scores = self.scores(masks)
        return [Run(masks, scores, {n: self.values(masks[:n], scores[:n]) for n in SIZES})]

    def theirs(self, seed: int) -> list[Run]:
        """A run of the package for each size, which draws otherwise for each."""
        return [self._package(seed, n) for n in SIZES]

    def _package(self, seed: int, n: int) -> Run:
        shown: list[tuple[Masks, Array]] = []

        def scored(rows: Array) -> Array:
            shown.append((rows > 0.5, self.scores(rows > 0.5)))
            return shown[-1][1]

        np.random.seed(seed)  # noqa: NPY002 -- the package knows no other chance than the global one
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # matplotlib's, when the package sets its colours
            from shap import KernelExplainer  # noqa: PLC0415 -- its import warns

            logging.getLogger("shap").setLevel(logging.ERROR)
            asking = KernelExplainer(scored, np.zeros((1, self.scene.k)))
            values = asking.shap_values(np.ones((1, self.scene.k)), nsamples=n, l1_reg=False, silent=True)
        masks, scores = (np.concatenate(parts) for parts in zip(*shown, strict=True))
        return Run(masks, scores, {n: np.ravel(values)})


def _errors(asked: Asked, runs: int) -> Array:
    """Squared errors of each run at each size, ours and theirs, [sizes, 2, runs], over the variance of the values."""
    sides = [[run for seed in range(runs) for run in make(seed)] for make in (asked.ours, asked.theirs)]
    every = [run for side in sides for run in side]
    missed = [[_missed(asked, side, every, n) for side in sides] for n in SIZES]
    return np.asarray(np.array(missed) / _pooled(asked, every).var())


def _missed(asked: Asked, side: Sequence[Run], every: Sequence[Run], n: int) -> list[float]:
    """The mean squared error of each of a side's runs of this size."""
    found = []
    for run in side:
        if n in run.values:
            others = [other for other in every if other is not run]
            first, second = (run.values[n] - _pooled(asked, half) for half in (others[::2], others[1::2]))
            found.append(float(np.mean(first * second)))
    return found


def _error(missed: Array) -> float:
    """The standard error of the ratio of means, by the jackknife over runs; `missed` is [photographs, 2, runs > 1]."""
    runs = missed.shape[-1]
    left = [np.delete(missed, run, axis=-1).mean(axis=(0, 2)) for run in range(runs)]
    return float(np.std([ours / theirs for ours, theirs in left]) * math.sqrt(runs - 1))


def _pooled(asked: Asked, runs: Sequence[Run]) -> Array:
    return asked.values(np.concatenate([run.masks for run in runs]), np.concatenate([run.scores for run in runs]))
