"""Change: false alarms of a comparison, and how surely it finds a model whose every weight was jolted a little."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from benchmarks.row import Row
from benchmarks.subjects import examples, model
from pipeline.change.criteria import FALSE_ALARMS, LEAST_DISTANCE
from pipeline.change.difference import Difference, Replicates, differ
from pipeline.change.permutation import discoveries
from pipeline.conversation.probe import Draw
from pipeline.methods.surrogate import Sample, fit, kernel
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from pipeline.staging import stage

Array = NDArray[np.float64]

SEEDS = 9  # of an audit
JOLTS = (0.01, 0.03)  # every weight times 1 + jolt * N(0, 1)
FOUND = 0.03  # the jolt that has to be found
POWER = 0.95
CHOICES = {  # the seeds of the first model; a copy is asked the first nine
    "same seeds": range(SEEDS),
    "other seeds": range(SEEDS, 2 * SEEDS),
}
LOUDER = 3.0  # times the noise, where noise alone differs

ROW = Row(
    "change",
    "comparisons of two models: the worst of false alarms over 5 % (a model against itself under other and the same "
    "seeds, and against one that differs in noise alone), and of 95 % over the share found of photographs under a copy "
    "whose every weight was multiplied by 1 + 0.03 N(0, 1), under the same seeds",
    "a test that keeps its word: 5 % and 95 %",
    1.0,
    at_least=False,
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is asked: photographs, jolted copies of each size, draws of seeds a photograph, masks a seed."""

    photographs: int = 8
    copies: int = 3
    draws: int = 50
    samples: int = 128


def measure(quick: bool) -> Row:
    """The worst ratio; 1 is a test that just keeps its word."""
    size = Size(1, 1, 4, 64) if quick else Size()
    network = model()
    found = figures(network, examples(size.photographs), size)
    alarms, power = found["false_alarms"], found["found"]
    worst, share = max(one["counted"] for one in alarms.values()), power[f"{FOUND:g}, same seeds"]["counted"]
    told, moved = ("; ".join(f"{name} {_told(one)}" for name, one in each.items()) for each in (alarms, power))
    return ROW.measured(
        max(worst / FALSE_ALARMS, POWER / max(share, 0.01)),
        found,
        f"With {network.name}, {size.photographs} photographs and {SEEDS} seeds, where nothing changed: {told}. Where "
        f"every weight was jolted, {size.copies} copies of each: {moved}. The first share is of photographs with a "
        f"p-value of at most {FALSE_ALARMS:.0%}, the second of those that count, all judged together and from a "
        f"distance of {LEAST_DISTANCE:g}; then come the distances of the middle 90 %. Nothing is timed.",
    )


def figures(network: Model, pixels: Sequence[NDArray[np.uint8]], size: Size) -> Mapping[str, Any]:
    """Shares of photographs, of all draws or copies, and the distances between the two models.

    `alone` is the share with a p-value of at most 5 %, `counted` that of those who count as changed where all are
    judged as one archive (Benjamini and Hochberg 1995), from the least distance on.
    """
    scenes = [stage(one, network.profile, Recipe("change")) for one in pixels]
    whole = _rows(network, scenes, range(2 * SEEDS), size)
    copies = [(jolt, copy) for jolt in JOLTS for copy in range(size.copies)]
    after = {one: _rows(jolted(network, *one), scenes, range(_asked(*one)), size) for one in copies}
    alarms = _alarms(whole, after[FOUND, 0], size)
    found = {
        f"{jolt:g}, {words}": [
            differ(_at(rows, seeds), _at(other, range(SEEDS)))
            for copy in range(size.copies)
            for rows, other in zip(whole, after[jolt, copy], strict=True)
        ]
        for jolt in JOLTS
        for words, seeds in CHOICES.items()
    }
    return {
        "model": network.name,
        "photographs": len(pixels),
        "copies": size.copies,
        "draws": size.draws,
        "false_alarms": {name: _shares(one) for name, one in alarms.items()},
        "found": {name: _shares(one) for name, one in found.items()},
    }


def jolted(network: Model, jolt: float, copy: int) -> Model:
    """The model with every weight times 1 + jolt N(0, 1); another copy draws others."""
    file = onnx.load_from_string(network.onnx)
    generator = np.random.Generator(np.random.Philox([round(1000 * jolt), copy]))
    for one in file.graph.initializer:
        values = numpy_helper.to_array(one)
        if values.dtype == np.float32:
            moved = values * (1 + jolt * generator.normal(size=values.shape))
            one.CopyFrom(numpy_helper.from_array(moved.astype(np.float32), one.name))
    return replace(network, onnx=file.SerializeToString(deterministic=True))


def _asked(jolt: float, copy: int) -> int:
    """How many seeds a copy is asked: one is also told apart from itself, for which it takes a second draw."""
    return 2 * SEEDS if (jolt, copy) == (FOUND, 0) else SEEDS


def _rows(network: Model, scenes: Sequence[Scene], seeds: Iterable[int], size: Size) -> list[Array]:
    """For each scene the weights for its most probable label under each seed, float64 [seeds, k]."""
    black_box, recipe, asked = BlackBox(network, threads=1), Recipe("change"), tuple(seeds)
    found = []
    for scene in scenes:
        label = int(black_box.scores(scene, np.ones((1, scene.k), dtype=bool))[0].argmax())
        rows = []
        for seed in asked:
            masks = Draw(recipe.design, seed, size.samples).masks(scene.k)
            scores = black_box.scores(scene, masks)[:, [label]].astype(float)
            rows.append(
                fit(recipe.surrogate, Sample(masks, scores, kernel(masks, recipe.kernel_width))).coefficients[0]
            )
        found.append(np.stack(rows))
    return found


def _alarms(whole: Sequence[Array], after: Sequence[Array], size: Size) -> Mapping[str, Sequence[Difference]]:
    """Comparisons in which nothing changed, of `draws` choices of seeds for each photograph."""
    ways: Mapping[str, Callable[[Array, Array, np.random.Generator], Difference]] = {
        "itself under other seeds": _itself,
        "itself under the same seeds": lambda rows, _, chance: differ(
            *[_at(rows, _drawn(rows, chance), range(SEEDS))] * 2
        ),
        "the copy moved back onto it, same seeds": _moved_back,
        f"noise alone is {LOUDER:g} times as large, other seeds": lambda rows, _, chance: _louder(rows, chance, False),
        f"noise alone is {LOUDER:g} times as large, same seeds": lambda rows, _, chance: _louder(rows, chance, True),
    }
    return {
        name: [
            way(rows, other, np.random.Generator(np.random.Philox([photograph, draw])))
            for photograph, (rows, other) in enumerate(zip(whole, after, strict=True))
            for draw in range(size.draws)
        ]
        for name, way in ways.items()
    }


def _itself(rows: Array, _: Array, chance: np.random.Generator) -> Difference:
    dealt = chance.permutation(len(rows))
    return differ(_at(rows, dealt[:SEEDS]), _at(rows, dealt[SEEDS:]))


def _repeated(rows: Array, _: Array, chance: np.random.Generator) -> Difference:
    one = _at(rows, _drawn(rows, chance), range(SEEDS))
    return differ(one, one)


def _moved_back(rows: Array, other: Array, chance: np.random.Generator) -> Difference:
    """Real pairs, whose mean difference is taken away: what is left is how they scatter."""
    drawn, scale = _drawn(rows, chance), np.linalg.norm(rows.mean(axis=0)) / np.linalg.norm(other.mean(axis=0))
    back = scale * (other - other.mean(axis=0)) + rows.mean(axis=0)
    return differ(*(_at(one, drawn, range(SEEDS)) for one in (rows, back)))


def _louder(rows: Array, chance: np.random.Generator, same: bool) -> Difference:
    """The same weights, and more noise about them; the second model's is not that of the first."""
    louder = rows.mean(axis=0) + LOUDER * (rows - rows.mean(axis=0))
    pairs = range(SEEDS) if same else range(SEEDS, 2 * SEEDS)
    return differ(_at(rows, _drawn(rows, chance), range(SEEDS)), _at(louder, _drawn(rows, chance), pairs))


def _drawn(rows: Array, chance: np.random.Generator) -> NDArray[np.intp]:
    """Seeds with replacement: the rows asked are then all there is, and their mean is the truth."""
    return chance.integers(len(rows), size=SEEDS)


def _at(rows: Array, chosen: Iterable[int], seeds: Sequence[int] | None = None) -> Replicates:
    """These rows as an attribution; pooled they are their mean, as ridge has it under one design to rounding."""
    places = list(chosen)
    return Replicates(rows[places].mean(axis=0), rows[places], places if seeds is None else seeds)


def _shares(found: Sequence[Difference]) -> Mapping[str, Any]:
    p_values = np.array([one.p_value for one in found])
    distances = np.array([one.distance for one in found])
    far = distances >= LEAST_DISTANCE
    believed = discoveries(np.where(far, p_values, 1), FALSE_ALARMS)
    low, high = np.quantile(distances, [0.05, 0.95])
    return {
        "alone": float(np.mean(p_values <= FALSE_ALARMS)),
        "counted": float(np.mean((p_values <= believed) & far)),
        "distance": f"{low:.3f} to {high:.3f}",
    }


def _told(shares: Mapping[str, Any]) -> str:
    return f"{100 * shares['alone']:.1f} and {100 * shares['counted']:.1f} % ({shares['distance']})"
