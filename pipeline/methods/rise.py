"""RISE: how much more the model says of the label, on average, where a pixel is shown.

Petsiuk, Das and Saenko, "RISE: Randomized input sampling for explanation of black-box models", BMVC 2018, section 3.
The mean over masks is divided by what each pixel was shown in fact, not by what it is expected to be, and the mean
score is taken off it: zero is what has no part in the answer. Seeds are replicates, as LIME's are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, Errors, LabelAttribution, laid
from pipeline.conversation.probe import Evidence, Masks, Probe, Scatter, Scores
from pipeline.judge.stability import stability
from pipeline.methods.asked import BASE_ROWS, base, chosen, named
from pipeline.methods.method import Method
from pipeline.methods.surrogate import RESOLUTION, delete_a_group
from pipeline.recipe import Recipe
from pipeline.scene.lattice import Lattice
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant

Array = NDArray[np.float64]

MOST = 32  # cells along a side: as many cells as a scene may have superpixels
FOLDS = 5  # of one seed alone, for its error
LABELS = 8  # summed at once: 29 MB of nine seeds and a canvas of 224x224


@dataclass(frozen=True, slots=True)
class Options:
    """RISE's own options.

    Attributes
    ----------
    grid : int
        Cells along a side.
    probability : 0..1
        That a cell is shown.
    """

    grid: int = 7
    probability: float = 0.5

    def __post_init__(self) -> None:
        if not (type(self.grid) is int and 2 <= self.grid <= MOST):
            raise ValueError(f"grid is {self.grid!r}, expected a whole number of cells from 2 to {MOST}")
        if not (type(self.probability) is float and 0 < self.probability < 1):
            raise ValueError(f"probability is {self.probability!r}, expected a share between 0 and 1")


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Sums over the masks of each of B replicates, for one label.

    Attributes
    ----------
    weighted, shown : float64 [B, h, w]
        Of score times mask, and of masks.
    scores : float64 [B]
        Of the scores, which are less their mean over all rows.
    rows : int [B]
        How many there are.
    """

    weighted: Array
    shown: Array
    scores: Array
    rows: NDArray[np.intp]

    def heat(self, replicates: NDArray[np.bool_]) -> Array:
        """RISE's map, less the mean score, of some of the replicates, float64 [h, w]; 0 where nothing was ever shown.

        The mean of the paper's section 3.1, with the sum of masks in the place of what it is expected to be.
        """
        weighted, shown = self.weighted[replicates].sum(axis=0), self.shown[replicates].sum(axis=0)
        mean = self.scores[replicates].sum() / self.rows[replicates].sum()
        return np.asarray(np.divide(weighted, shown, out=np.full_like(shown, mean), where=shown > 0) - mean)


@dataclass(frozen=True, slots=True)
class Rise:
    """RISE after a recipe, for a model with these labels."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and the masks of every seed."""
        options, n = Options(**self.recipe.options), _drawn(self.recipe)
        k, variant = Lattice(options.grid).k, Variant(lattice=options.grid)
        drawn = [Scatter(options.probability, seed, n, k, variant) for seed in self.recipe.seeds]
        return Probe(scene.k, (base(scene.k), *drawn))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Attribution:
        """The heat map of each label, in units of the model's score, laid on the superpixels."""
        [shown] = evidence
        (whole, bare), scores = np.split(shown.scores, [BASE_ROWS])
        masks = np.concatenate([rows for _, rows in shown.probe.pieces(BASE_ROWS)])
        columns, labels = chosen(self.recipe, self.labels, whole), list[LabelAttribution]()
        lattice, sizes = Lattice(Options(**self.recipe.options).grid), self._replicates()
        for first in range(0, len(columns), LABELS):
            some = columns[first : first + LABELS]
            totals = sums(lattice, scene, np.split(masks, sizes), np.split(scores[:, some], sizes))
            labels += [self._explained(scene, self.labels[c], one) for c, one in zip(some, totals, strict=True)]
        return Attribution(named(self.labels, whole), named(self.labels, bare), shown.probe.n, tuple(labels))

    def _replicates(self) -> NDArray[np.intp]:
        """Where one replicate ends and the next begins among the rows: each seed is one, or each fold of one alone."""
        n, seeds = _drawn(self.recipe), len(self.recipe.seeds)
        return np.arange(1, seeds) * n if seeds > 1 else np.arange(1, FOLDS) * n // FOLDS

    def _explained(self, scene: Scene, label: str, totals: Totals) -> LabelAttribution:
        every, one = np.ones(len(totals.rows), dtype=bool), np.eye(len(totals.rows), dtype=bool)
        heat = totals.heat(every)
        left_out = np.stack([totals.heat(~alone) for alone in one])
        alone = [totals.heat(seed) for seed in (one if len(self.recipe.seeds) > 1 else every[None])]
        by_seed = np.stack([laid(seed, scene.segments) for seed in alone])
        error = delete_a_group(np.stack([laid(others, scene.segments) for others in left_out]))
        return LabelAttribution(
            label=label,
            weights=laid(heat, scene.segments),
            errors=Errors(error, by_seed),
            stability=stability(by_seed, np.full_like(by_seed, np.nan)),
            heat=heat.astype(np.float32),
            heat_error=delete_a_group(left_out).astype(np.float32),
        )


def sums(lattice: Lattice, scene: Scene, masks: Sequence[Masks], scores: Sequence[Scores]) -> list[Totals]:
    """The totals of each of c labels, over the masks bool [n, k] and the scores float32 [n, c] of each replicate."""
    size, mean = scene.segments.shape, np.concatenate(scores).mean(axis=0, dtype=float)
    varied = [one - mean for one in scores]
    still = np.sqrt((np.concatenate(varied) ** 2).mean(axis=0)) < RESOLUTION
    for y in varied:
        y[:, still] = 0
    values = [np.column_stack([y, np.ones(len(y))]) for y in varied]
    totals = np.stack([lattice.total(bits, value, size) for bits, value in zip(masks, values, strict=True)])
    rows, each = np.array([len(y) for y in varied]), np.stack([y.sum(axis=0) for y in varied])
    return [Totals(totals[:, c], totals[:, -1], each[:, c], rows) for c in range(len(mean))]


def _drawn(recipe: Recipe) -> int:
    """Masks under each seed; `auto` goes by the cells, as it does by the superpixels elsewhere."""
    return recipe.drawn(Lattice(Options(**recipe.options).grid).cells)


METHOD = Method(
    Rise, lambda recipe: BASE_ROWS + len(recipe.seeds) * _drawn(recipe), frozenset({"samples", "seeds"}), Options
)
