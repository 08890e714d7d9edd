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

    `ratio` is that of the means over photographs, `geometric` the geometric mean of each photograph's own ratio. `odd`
    is the geometric mean of `_odd`: pairs of complements are half as many independent rows, of which each cancels what
    is even, so that at a quarter they are worth as much as twice as many coin flips, and no more.

    The true weights are unknown, and any estimate in their place adds its own scatter to both errors, which pulls their
    ratio to 1. So a run is compared with two estimates, each the fit to half of all else that was asked about the
    photograph: `runs` of as many rows of the Hadamard design as the largest size, and of twice as many coin flips. The
    three are independent, so that the product of the run's distances from the two is, on average, the square of its
    distance from the truth. The surrogate is the default recipe's on both sides, the kernel on each side its own, in
    its truth as well, whose variance is the unit.
    """
    black_box = BlackBox(network, threads=1)
    found = [_errors(black_box, stage(one, network.profile, RECIPE), runs, sizes) for one in pixels]
    errors, odd = np.array([one for one, _ in found]), np.exp(np.mean(np.log([one for _, one in found])))
    geometric = np.exp(np.log(errors[..., 0] / errors[..., 1]).mean(axis=0))
    rows = [
        {"n": n, "hadamard": ours, "coin_at_2n": theirs, "ratio": ours / theirs, "geometric": float(own)}
        for n, (ours, theirs), own in zip(sizes, errors.mean(axis=0).tolist(), geometric, strict=True)
    ]
    return {"model": network.name, "photographs": len(pixels), "runs": runs, "odd": float(odd), "sizes": rows}


def _errors(black_box: BlackBox, scene: Scene, runs: int, sizes: Sequence[int]) -> tuple[NDArray[np.float64], float]:
    """The mean squared error of either design at each size, [sizes, 2], over the variance of the true weights; and the
    odd interactions' share."""
    label = int(black_box.scores(scene, np.ones((1, scene.k), dtype=bool))[0].argmax())
    designs = [
        [_asked(black_box, scene, Draw(name, seed, rows), label) for seed in range(runs)]
        for name, rows in (("hadamard", max(sizes)), ("coin", 2 * max(sizes)))
    ]
    errors = [
        [_error(place, designs, n * (place + 1), width) for place, width in enumerate(KERNELS.values())] for n in sizes
    ]
    return np.array(errors), _odd(designs[0])


def _odd(runs: Sequence[Run]) -> float:
    """The share that interactions of an odd number of superpixels have in the variance that superpixels alone leave.

    A score is the sum of an even and an odd part, of which the odd one changes its sign where all superpixels change.
    """
    masks, scores = (np.concatenate([run[place] for run in runs]) for place in range(2))
    one, other = scores[::2, 0], scores[1::2, 0]
    switches, odd = 2.0 * masks[::2] - 1, (one - other) / 2
    left = odd - switches @ np.linalg.lstsq(switches, odd, rcond=None)[0]
    squares = float(left @ left) / (len(left) - masks.shape[1])
    even = float(np.var(one + other, ddof=1)) / 4
    return float(squares / (squares + even))


def _error(place: int, designs: Sequence[Sequence[Run]], rows: int, width: float | None) -> float:
    """That of one design's runs, cut to so many rows."""
    every = [run for design in designs for run in design]
    missed = []
    for run in designs[place]:
        others, found = [other for other in every if other is not run], _weights([run], width, rows)
        first, second = (found - _weights(half, width) for half in (others[::2], others[1::2]))
        missed.append(first * second)
    return float(np.mean(missed) / _weights(every, width).var())


def _asked(black_box: BlackBox, scene: Scene, draw: Draw, label: int) -> Run:
    masks = draw.masks(scene.k)
    return masks, black_box.scores(scene, masks)[:, [label]].astype(float)


def _weights(runs: Sequence[Run], width: float | None, rows: int | None = None) -> NDArray[np.float64]:
    """The fit to the first rows of these runs."""
    masks = np.concatenate([masks[:rows] for masks, _ in runs])
    scores = np.concatenate([scores[:rows] for _, scores in runs])
    found = fit(RECIPE.surrogate, Sample(masks, scores, kernel(masks, width)))
    return np.asarray(found.coefficients[0])
