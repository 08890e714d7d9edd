"""Coverage: how often the printed interval of a weight holds the weight that many more masks would give."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.row import Row
from benchmarks.subjects import DEMO, demo_model, model, model_path, photographs, rendered
from pipeline.answer.attribution import Errors
from pipeline.conversation.probe import Draw
from pipeline.methods.stopping import stopped
from pipeline.methods.surrogate import Sample, cross_fit, fit, jackknife, kernel
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.staging import stage

SEEDS, PARTITIONS = 81, 10  # of a subject; of its seeds into groups of nine
KS = (16, 49, 100)  # superpixels of the planted models
PHOTOGRAPHS = 8  # of a model, together one cell

ROW = Row(
    "coverage",
    "share of weights within the printed half-width of their limit, planted models of 16, 49 and 100 superpixels, and "
    "models on 8 photographs each, recipes `default` and `adaptive`: the cell farthest from 0.95",
    "0.95, and at most 0.02 off it",
    0.02,
    at_least=False,
)
Array = NDArray[np.float64]
Ask = Callable[[NDArray[np.bool_]], Array]  # masks [n, k] to scores [n]


def measure(quick: bool) -> Row:
    """The largest distance from 0.95 of any cell's share."""
    partitions, seeds = (1, 27) if quick else (PARTITIONS, SEEDS)
    cells: dict[str, dict[str, float]] = {}
    for subject, name, k, ask in subjects(quick):
        drawn = [_sample(k, ask, seed) for seed in range(seeds)]
        for rule in ("default", "adaptive"):  # which draw alike
            cells.setdefault(f"{subject}, {rule}", {})[name] = covered(k, drawn, recipe(rule), partitions)
    found = {cell: float(np.mean(list(each.values()))) for cell, each in cells.items()}
    worst = max(found, key=lambda cell: abs(found[cell] - 0.95))
    singles = [one for each in cells.values() for one in each.values()]
    return ROW.measured(
        abs(found[worst] - 0.95),
        {"cells": found, "single": cells},
        f"The printed half-width, Student's t times the standard error, holds the limit in {found[worst]:.1%} of "
        f"weights in the worst cell ({worst}), of {len(found)}: {min(found.values()):.1%} to "
        f"{max(found.values()):.1%}; on a single photograph {min(singles):.1%} to {max(singles):.1%}. The limit is the "
        f"fit to {seeds} seeds. The interval is about masks alone: other superpixels or another fill move a map more.",
    )


def subjects(quick: bool) -> Iterator[tuple[str, str, int, Ask]]:
    """What is asked, by the cell and its own name: planted models, and models on photographs of what they are for."""
    for k in KS[:1] if quick else KS:
        for name, ask in planted(k).items():
            yield f"{name}, {k} superpixels", name, k, ask
    if quick:
        return
    looked_at = {"renderings": (demo_model(), rendered)}
    if model_path() != DEMO:
        looked_at["natural photographs"] = (model(), photographs)
    for kind, (network, taken) in looked_at.items():
        for number, pixels in enumerate(taken(PHOTOGRAPHS), start=1):
            yield f"{network.name} on {PHOTOGRAPHS} {kind}", f"photograph {number}", *_photograph(network, pixels)


def _photograph(network: Model, pixels: NDArray[np.uint8]) -> tuple[int, Ask]:
    """The superpixels of a photograph, and what the model says of its most probable label."""
    black_box = BlackBox(network, threads=1)
    scene = stage(pixels, network.profile, Recipe("coverage"))
    label = int(black_box.scores(scene, np.ones((1, scene.k), dtype=bool))[0].argmax())
    return scene.k, _asking(black_box, scene, label)


def planted(k: int) -> Mapping[str, Ask]:
    """Models with an error to speak of: noise, pairs, a threshold; and two superpixels that no seeds part."""
    chance = np.random.Generator(np.random.Philox(k))
    weights, pairs = chance.normal(size=k) / k**0.5, chance.normal(size=(k, k)) / k
    key = chance.normal(size=k)
    fifth, sixth = np.argsort(-np.abs(weights))[4:6]
    tied = np.where(np.arange(k) == sixth, weights[fifth], weights)

    def noise(masks: NDArray[np.bool_]) -> Array:
        return np.asarray(np.modf(np.abs(np.sin(masks @ key) * 43758.5453))[0] - 0.5)

    def inner(masks: NDArray[np.bool_]) -> Array:
        return np.asarray(masks @ weights + ((masks @ pairs) * masks).sum(axis=1))

    return {
        "additive and noise": lambda masks: np.asarray(masks @ weights + 0.3 * noise(masks)),
        "fifth and sixth alike, and noise": lambda masks: np.asarray(masks @ tied + 0.3 * noise(masks)),
        "sigmoid of pairs": lambda masks: 1 / (1 + np.exp(-3 * inner(masks))),
        "threshold of pairs": lambda masks: (inner(masks) > 0).astype(float),
    }


def covered(k: int, drawn: Sequence[Sample], made: Recipe, partitions: int) -> float:
    """The share of weights whose interval, of a group of seeds, holds the fit to all of them.

    Parameters
    ----------
    k : number of superpixels
    drawn : a sample of each seed
    made : the recipe, whose seeds are taken from those drawn
    partitions : number of random partitions of them into groups
    """
    seeds = len(drawn)
    truth = fit(made.surrogate, _pool(drawn)).coefficients[0]
    chance = np.random.Generator(np.random.Philox(k))
    inside: list[float] = []
    for _ in range(partitions):
        order = chance.permutation(seeds)
        for first in range(0, seeds - len(made.seeds) + 1, len(made.seeds)):
            group = [drawn[one] for one in order[first : first + len(made.seeds)]]
            inside += _inside(group, truth, made, seeds)
    return float(np.mean(inside))


def _inside(group: Sequence[Sample], truth: Array, made: Recipe, seeds: int) -> list[float]:
    """Whether each weight's interval holds the truth, of which the group itself is a part."""
    rule = made.rounds()
    for number in range(rule.first if rule else len(group), len(group) + 1):
        sample = _pool(group[:number])
        blocks = np.repeat(np.arange(number), len(group[0].masks))
        pooled, left_out = fit(made.surrogate, sample), cross_fit(partial(fit, made.surrogate), sample, blocks)
        if rule is None or all(stopped(rule, pooled, left_out, len(group))):
            break
    half = Errors(jackknife(left_out)[0], np.empty((number, 0))).half_width
    apart = np.abs(pooled.coefficients[0] - truth) / (1 - number / seeds) ** 0.5
    return [float(one) for one in apart <= half]


def _sample(k: int, ask: Ask, seed: int) -> Sample:
    made = recipe("default")
    masks = Draw(made.design, seed, made.drawn(k)).masks(k)
    return Sample(masks, ask(masks)[:, None], kernel(masks, made.kernel_width))


def _pool(samples: Sequence[Sample]) -> Sample:
    parts: Any = zip(*((one.masks, one.scores, one.weights) for one in samples), strict=True)
    return Sample(*(np.concatenate(part) for part in parts))


def _asking(black_box: BlackBox, scene: Any, label: int) -> Ask:
    return lambda masks: black_box.scores(scene, masks)[:, label].astype(float)
