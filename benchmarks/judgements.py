"""`python -m benchmarks.judgements`: how often a judgement is right about planted models, by kind and by superpixels.

A scene is a Voronoi picture whose object is a blob of a fifth of its superpixels. A model answers by how much of each
superpixel shows, so that no fill is an answer of its own, and each kind has judgements that are right and those that
are not. No photograph and no network has a part in it: what is measured is the judgement.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from pipeline.answer.judgement import BACKGROUND, NOTHING, OBJECT, SOUND, Judgement, Thresholds
from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.scene.scene import Scene
from polelens.asked import Asked
from polelens.cli.recipes import recipe_options
from polelens.cli.text import console

SIZE = 64  # pixels of a scene
LABELS = ("yes", "no")
FEWEST = Thresholds().superpixels
KS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 49, 64, 100, 120)
Array = NDArray[np.float64]
Score = Callable[[Array], Array]  # shares of the superpixels that show, [n, k], to scores [n]


@dataclass(frozen=True, slots=True)
class Case:
    """A scene and what a model of it may know: which superpixels are the object's, and chance of its own."""

    scene: Scene
    inside: NDArray[np.bool_]  # [k]
    chance: np.random.Generator

    def spread(self, where: NDArray[np.bool_]) -> Array:
        """Weights that sum to 1 over some superpixels, none of them next to nothing; float64 [k]."""
        weights = np.where(where, self.chance.uniform(0.5, 1.5, len(where)), 0.0)
        return np.asarray(weights / weights.sum())

    def some(self, n: int, where: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
        """So many superpixels, of some or of all."""
        chosen = np.flatnonzero(np.ones_like(self.inside) if where is None else where)
        return self.chance.choice(chosen, min(n, len(chosen)), replace=False)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model, and whether a judgement of it is right."""

    name: str
    make: Callable[[Case], Score]
    right: Callable[[Judgement], bool]
    least: int = 1  # superpixels that it takes to be of this kind


def sound(where: str) -> Callable[[Judgement], bool]:
    """Right is a sound explanation of an answer that rests there."""
    return lambda judged: (_word(judged), _basis(judged)) == (SOUND, where)


def not_sound(judged: Judgement) -> bool:
    """Right is anything but sound."""
    return _word(judged) != SOUND


def not_background(judged: Judgement) -> bool:
    """Right is anything but background."""
    return _basis(judged) != BACKGROUND


def nothing(judged: Judgement) -> bool:
    """Right is that there is nothing to explain."""
    return _word(judged) == NOTHING


def few(judged: Judgement) -> bool:
    """Right of a handful of superpixels is that they are too few, whatever the model, or that nothing is to explain."""
    return nothing(judged) or (judged.soundness is not None and judged.soundness.reason == "few superpixels")


def _word(judged: Judgement) -> str:
    return judged.soundness.word if judged.soundness else ""


def _basis(judged: Judgement) -> str:
    return judged.basis.word if judged.basis else ""


def _additive(case: Case, weights: Array) -> Score:
    del case
    return lambda shown: np.asarray(0.05 + 0.9 * (shown @ weights))


def _mixed(case: Case, share: float) -> Score:
    """So much of it on the object, the rest on the background."""
    weights = share * case.spread(case.inside) + (1 - share) * case.spread(~case.inside)
    return _additive(case, weights)


def _one(case: Case, where: NDArray[np.bool_]) -> Score:
    return _additive(case, np.eye(case.scene.k)[case.some(1, where)[0]])


def _product(case: Case) -> Score:
    on, off = case.spread(case.inside), case.spread(~case.inside)
    return lambda shown: np.asarray(0.05 + 0.9 * (shown @ on) * (shown @ off))


def _all_of(case: Case, n: int) -> Score:
    chosen = case.some(n)
    return lambda shown: np.where((shown[:, chosen] > 0.5).all(axis=1), 0.95, 0.05)


def _xor(case: Case, of_object: float) -> Score:
    pairs = case.some(10)[: 2 * (min(10, case.scene.k) // 2)].reshape(-1, 2)
    weights = case.spread(case.inside)

    def score(shown: Array) -> Array:
        on = shown > 0.5
        odd = (on[:, pairs[:, 0]] != on[:, pairs[:, 1]]).mean(axis=1)
        whole, none = on.all(axis=1), ~on.any(axis=1)
        return np.where(whole, 0.9, np.where(none, 0.1, 0.1 + (0.8 - of_object) * odd + of_object * (shown @ weights)))

    return score


def _noise(case: Case, gap: float) -> Score:
    """A score for each mask, with no superpixel in it."""
    key = case.chance.normal(size=case.scene.k)

    def score(shown: Array) -> Array:
        chance: Array = np.modf(np.abs(np.sin(shown @ key) * 43758.5453))[0]
        whole, none = (shown > 0.99).all(axis=1), (shown < 0.01).all(axis=1)
        ends = np.where(whole, 0.5 + gap / 2, 0.5 - gap / 2)
        return np.where((whole | none) & (gap > 0), ends, 0.1 + 0.8 * chance)

    return score


def _sigmoid(case: Case, steep: float, middle: float) -> Score:
    weights = case.spread(case.inside)
    return lambda shown: 1 / (1 + np.exp(-steep * (shown @ weights - middle)))


def _counted(case: Case, steep: bool) -> Score:
    """How many superpixels are hidden, whichever."""
    del case

    def score(shown: Array) -> Array:
        share = shown.mean(axis=1)
        return np.asarray(0.05 + 0.9 * (1 / (1 + np.exp(-20 * (share - 0.8))) if steep else share))

    return score


def _whole_alone(case: Case) -> Score:
    del case
    return lambda shown: np.where((shown > 0.99).all(axis=1), 0.95, 0.05)


def _fooling(case: Case, sure: float) -> Score:
    """The background while nothing is hidden, an honest answer by the object, so sure, as soon as something is."""
    honest = _additive(case, case.spread(case.inside))
    return lambda shown: np.where((shown > 0.99).all(axis=1), 0.95, sure * honest(shown))


def _near_and_far(case: Case) -> Score:
    near, far = _additive(case, case.spread(~case.inside)), _additive(case, case.spread(case.inside))
    return lambda shown: np.where(shown.mean(axis=1) > 0.8, near(shown), far(shown))


KINDS: Sequence[Kind] = (
    Kind("additive, object", lambda case: _mixed(case, 1.0), sound(OBJECT)),
    Kind("additive, background", lambda case: _mixed(case, 0.0), sound(BACKGROUND)),
    Kind("one superpixel of the object", lambda case: _one(case, case.inside), sound(OBJECT)),
    Kind("one superpixel of the background", lambda case: _one(case, ~case.inside), sound(BACKGROUND)),
    Kind("half and half", lambda case: _mixed(case, 0.5), not_background),
    Kind("product of both", _product, not_background),
    Kind("30 % object, 70 % background", lambda case: _mixed(case, 0.3), sound(BACKGROUND)),
    Kind("constant", lambda _: lambda shown: np.full(len(shown), 0.7), nothing),
    Kind("gap of 0.05", lambda case: lambda shown: 0.5 + 0.05 * shown @ case.spread(case.inside), nothing),
    Kind("AND of 3", lambda case: _all_of(case, 3), not_sound),
    Kind("XOR of pairs", lambda case: _xor(case, 0.0), not_sound),
    Kind("XOR of pairs, object 0.25", lambda case: _xor(case, 0.25), not_sound),
    Kind("noise", lambda case: _noise(case, 0.0), not_sound),
    Kind("noise, gap of 0.8", lambda case: _noise(case, 0.8), not_sound),
    Kind("sigmoid(10 (x - 0.5))", lambda case: _sigmoid(case, 10, 0.5), sound(OBJECT)),
    Kind("saturated sigmoid", lambda case: _sigmoid(case, 30, 0.2), not_sound, least=49),
    Kind("counts what is hidden, steep", lambda case: _counted(case, True), not_sound),
    Kind("counts what is hidden, linear", lambda case: _counted(case, False), not_sound),
    Kind("answers only the whole photograph", _whole_alone, not_sound),
    Kind("fooling, half as sure once filled", lambda case: _fooling(case, 0.5), not_sound),
    Kind("background near, object far", _near_and_far, not_sound),
    Kind("Slack's fooling model", lambda case: _fooling(case, 1.0), not_sound),
)


def voronoi(k: int, seed: int) -> Case:
    """A picture in k cells, of which a fifth, in one place, are the object's."""
    chance = np.random.Generator(np.random.Philox(np.random.SeedSequence([k, seed])))
    while True:
        points = chance.uniform(0, SIZE, (k, 2))
        pixels = np.moveaxis(np.mgrid[:SIZE, :SIZE], 0, -1) + 0.5
        segments = np.argmin(((pixels[:, :, None] - points) ** 2).sum(axis=-1), axis=-1).astype(np.int32)
        if len(np.unique(segments)) == k:
            break
    near = np.argsort(((points - points[chance.integers(k)]) ** 2).sum(axis=1))
    inside = np.isin(np.arange(k), near[: max(1, round(k / 5))])
    canvas = chance.integers(1, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    return Case(Scene(canvas, segments, np.zeros_like(canvas), inside[segments]), inside, chance)


def judged(case: Case, score: Score, asked: Any) -> Judgement:
    """The judgement of a planted model's explanation."""
    base = case.scene.segments.ravel()
    sizes = np.bincount(base)

    def predict(shown: Scene, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        regions = np.zeros((shown.k, case.scene.k))
        np.add.at(regions, (shown.segments.ravel(), base), 1 / sizes[base])
        yes: Array = np.asarray(score(np.clip(masks @ regions, 0, 1)), dtype=np.float64)
        return np.stack([yes, 1 - yes], axis=1).astype(np.float32)

    made = asked.override({"labels": ["yes"], "segmenter": {"name": "grid", "n_segments": case.scene.k}})
    found = explain(case.scene, explainer(made, LABELS), predict).labels[0].judgement
    assert found is not None
    return found


def rates(kinds: Sequence[Kind], ks: Sequence[int], scenes: int, asked: Any) -> Mapping[tuple[str, int], float]:
    """The share of right judgements of each kind at each number of superpixels."""
    found = {}
    for kind in kinds:
        for k in (k for k in ks if k >= kind.least):
            right = few if k < FEWEST and kind.right is not nothing else kind.right
            cases = [voronoi(k, seed) for seed in range(scenes)]
            found[kind.name, k] = float(np.mean([right(judged(case, kind.make(case), asked)) for case in cases]))
    return found


@click.command()
@click.option("--scenes", type=click.IntRange(1), default=40, show_default=True, help="Of each cell.")
@click.option("--k", "ks", type=int, multiple=True, default=KS, show_default=True, help="Numbers of superpixels.")
@click.option("--kind", "names", multiple=True, help="Kinds whose names contain this.")
@recipe_options
def main(scenes: int, ks: tuple[int, ...], names: tuple[str, ...], asked: Asked) -> None:
    """Print the share of right judgements; the exit status is 1 if one but Slack's own is below 95 %."""
    kinds = [kind for kind in KINDS if not names or any(name in kind.name for name in names)]
    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("kind", *map(str, ks)):
        table.add_column(heading, no_wrap=True, overflow="fold")
    worst = 1.0
    for kind in kinds:
        found = rates([kind], ks, scenes, asked.recipe())
        table.add_row(kind.name, *(f"{100 * found[kind.name, k]:.0f}" if (kind.name, k) in found else "" for k in ks))
        worst = min([worst, *found.values()]) if "Slack" not in kind.name else worst
    console.print(table)
    raise SystemExit(worst < 0.95)


if __name__ == "__main__":
    main()
