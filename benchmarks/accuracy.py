"""Accuracy: the error of the weights against a converged fit, beside lime's coin flips at twice the evaluations."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import Row
from benchmarks.subjects import examples, model
from pipeline.conversation.probe import Draw
from pipeline.methods.surrogate import Sample, fit, kernel
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.recipe import Recipe
from pipeline.recipes import LIME_KERNEL
from pipeline.scene.scene import Scene
from pipeline.staging import stage

SIZES = (256, 512)
RUNS = 4  # of each design, for each photograph
RECIPE = Recipe("accuracy")
KERNELS = {"hadamard": RECIPE.kernel_width, "coin": LIME_KERNEL}  # each design with the weights of its own recipe
PHOTOGRAPHS = 8
Run = tuple[NDArray[np.bool_], NDArray[np.float64]]  # masks [n, k], scores [n, 1]

ROW = Row(
    "accuracy",
    "squared error of the weights at 256 and 512 evaluations of the default design, 8 photographs; the larger ratio",
    "lime's coin flips with twice the evaluations",
    0.5,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """The larger of the two ratios of the errors."""
    number, runs = (1, 2) if quick else (PHOTOGRAPHS, RUNS)
    found = figures(model(), examples(number), runs)
    told = " and ".join(f"{one['ratio']:.2f} at {one['n']}" for one in found["sizes"])
    return ROW.measured(
        max(one["ratio"] for one in found["sizes"]),
        found,
        f"With {found['model']} the squared error over that of coin flips with twice the evaluations is {told}, means "
        f"over {number} photographs and {runs} runs of each; nothing is timed.",
    )


def figures(
    network: Model, pixels: Sequence[NDArray[np.uint8]], runs: int = RUNS, sizes: Sequence[int] = SIZES
) -> Mapping[str, Any]:
    """Squared errors at each size, over the variance of the true weights, and our error over that of coin flips.

    `ratio` is that of the means over photographs, `geometric` the geometric mean of each photograph's own ratio.

    A run's truth is the fit to all else that was asked about the photograph, so that no run has a part in it: `runs` of
    as many rows of the Hadamard design as the largest size, and of twice as many coin flips. The surrogate is the
    default recipe's on both sides, the kernel on each side its own, in its truth as well, whose variance is the unit.
    """
    black_box = BlackBox(network, threads=1)
    errors = np.array([_errors(black_box, stage(one, network.profile, RECIPE), runs, sizes) for one in pixels])
    geometric = np.exp(np.log(errors[..., 0] / errors[..., 1]).mean(axis=0))
    rows = [
        {"n": n, "hadamard": ours, "coin_at_2n": theirs, "ratio": ours / theirs, "geometric": float(own)}
        for n, (ours, theirs), own in zip(sizes, errors.mean(axis=0).tolist(), geometric, strict=True)
    ]
    return {"model": network.name, "photographs": len(pixels), "runs": runs, "sizes": rows}


def _errors(black_box: BlackBox, scene: Scene, runs: int, sizes: Sequence[int]) -> NDArray[np.float64]:
    """The mean squared error of either design at each size, [sizes, 2], over the variance of the true weights."""
    label = int(black_box.scores(scene, np.ones((1, scene.k), dtype=bool))[0].argmax())
    designs = [
        [_asked(black_box, scene, Draw(name, seed, rows), label) for seed in range(runs)]
        for name, rows in (("hadamard", max(sizes)), ("coin", 2 * max(sizes)))
    ]
    return np.array(
        [
            [_error(place, designs, n * (place + 1), width) for place, width in enumerate(KERNELS.values())]
            for n in sizes
        ]
    )


def _error(place: int, designs: Sequence[Sequence[Run]], rows: int, width: float | None) -> float:
    """That of one design's runs, cut to so many rows."""
    every = [run for design in designs for run in design]
    missed = [
        _weights([run], width, rows) - _weights([other for other in every if other is not run], width)
        for run in designs[place]
    ]
    return float(np.square(missed).mean() / _weights(every, width).var())


def _asked(black_box: BlackBox, scene: Scene, draw: Draw, label: int) -> Run:
    masks = draw.masks(scene.k)
    return masks, black_box.scores(scene, masks)[:, [label]].astype(float)


def _weights(runs: Sequence[Run], width: float | None, rows: int | None = None) -> NDArray[np.float64]:
    """The fit to the first rows of these runs."""
    masks = np.concatenate([masks[:rows] for masks, _ in runs])
    scores = np.concatenate([scores[:rows] for _, scores in runs])
    found = fit(RECIPE.surrogate, Sample(masks, scores, kernel(masks, width)))
    return np.asarray(found.coefficients[0])
