"""Faithfulness: does the score fall as the superpixels said to matter are taken away, and rise as they are shown?

Deletion and insertion curves of Petsiuk, Das and Saenko, "RISE", BMVC 2018, section 4.2, over superpixels; MuFidelity,
the faithfulness correlation of Bhatt, Weller and Moura, "Evaluating and aggregating feature-based model explanations",
IJCAI 2020.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.answer.judgement import Curves
from pipeline.conversation.probe import Block, Listed, Masks, Scores
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant

STEPS = 8  # of a curve, or one for each superpixel if there are fewer
ORDERS = 9  # random ones: of so many, one that is better is no chance of one in two
PLANNED = 2 * (1 + ORDERS) * (STEPS - 1) + 1  # evaluations for one label; the ends of the curves are shared
ROUNDING = 1e-6  # of float32 scores: areas that differ by less are alike
BLURRED = Variant("blur")
SUBSETS, SUBSET = 200, 0.2  # of superpixels taken away for MuFidelity, and the share of them in each


@dataclass(frozen=True, slots=True)
class Removal:
    """Take the evidence away, and show it alone: does the score follow?"""

    labels: tuple[str, ...]
    seed: int

    def blocks(self, scene: Scene, attribution: Attribution) -> list[Block]:
        """A deletion curve for each random order and each label's, and an insertion curve for each."""
        orders = [*at_random(scene, self.seed), *(heaviest_first(label.weights) for label in attribution.labels)]
        deletions = [Listed.of(deletion(order)) for order in orders]
        return [*deletions, *(Listed.of(insertion(order), BLURRED) for order in orders)]

    def findings(self, scene: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """`curves` of each label."""
        deletions, insertions = np.split(np.stack(scores).astype(float), 2)  # [orders + labels, steps + 1, c]
        found: list[Mapping[str, Any]] = []
        for place, label in enumerate(attribution.labels, start=ORDERS):
            column = self.labels.index(label.label)
            areas = [
                np.array([area(curve, scene.k) for curve in curves[..., column]]) for curves in (deletions, insertions)
            ]
            found.append({"curves": compared(*(np.append(one[:ORDERS], one[place]) for one in areas))})
        return found


@dataclass(frozen=True, slots=True)
class Subsets:
    """Does the score fall by as much as the weights taken away say? See `mu_fidelity`."""

    labels: tuple[str, ...]
    seed: int

    def blocks(self, scene: Scene, _: Attribution) -> list[Block]:
        """One block, the same for all labels."""
        return [Listed.of(subsets(scene, self.seed))]

    def findings(self, scene: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """`mu_fidelity` of each label."""
        masks = subsets(scene, self.seed)
        return [
            {"mu_fidelity": mu_fidelity(label.weights, masks, scores[0][:, self.labels.index(label.label)])}
            for label in attribution.labels
        ]


def steps(k: int) -> NDArray[np.intp]:
    """How many superpixels are changed at each point of a curve over k of them, from 0 to k."""
    return np.linspace(0, k, min(STEPS, k) + 1).round().astype(np.intp)


def deletion(order: NDArray[np.intp]) -> Masks:
    """Masks of a deletion curve, bool [m + 1, k]: the first of the order are off, more and more, at last all.

    Examples
    --------
    >>> deletion(np.array([1, 0])).astype(int)
    array([[1, 1],
           [1, 0],
           [0, 0]])
    """
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return np.asarray(rank[None, :] >= steps(len(order))[:, None])


def insertion(order: NDArray[np.intp]) -> Masks:
    """Masks of an insertion curve, bool [m + 1, k]: the first of the order are on, more and more, at last all."""
    return ~deletion(order)


def area(curves: NDArray[np.floating], k: int) -> NDArray[np.float64]:
    """Areas under curves of scores, [..., m + 1], over the share of k superpixels changed: mean heights, [...]."""
    return np.asarray(np.trapezoid(curves, steps(k) / k, axis=-1), dtype=np.float64)


def heaviest_first(weights: NDArray[np.floating]) -> NDArray[np.intp]:
    """The order of a curve: the superpixel that speaks most for the label first, the one most against it last."""
    return np.argsort(-weights, kind="stable")


def compared(deleted: NDArray[np.float64], inserted: NDArray[np.float64]) -> Curves:
    """The areas of several random orders' curves and, last, the weights' own, float64 [orders + 1] each."""
    gains = inserted - deleted
    return Curves(
        deletion=float(deleted[-1]),
        deletion_random=float(deleted[:-1].mean()),
        insertion=float(inserted[-1]),
        insertion_random=float(inserted[:-1].mean()),
        orders=len(gains) - 1,
        better=int(np.count_nonzero(gains[:-1] > gains[-1] + ROUNDING)),
    )


def at_random(scene: Scene, seed: int) -> list[NDArray[np.intp]]:
    """Orders that know nothing, for comparison: other ones for each photograph, the same whenever it is asked."""
    generator = _generator(seed, scene.k, scene.fingerprint)
    return [generator.permutation(scene.k) for _ in range(ORDERS)]


def subsets(scene: Scene, seed: int) -> Masks:
    """Masks without a fifth of the superpixels, drawn at random for this photograph, bool [SUBSETS, k]."""
    taken = np.arange(scene.k) < max(1, round(SUBSET * scene.k))
    generator = _generator(seed, scene.k, SUBSETS, scene.fingerprint)
    return np.asarray(~generator.permuted(np.tile(taken, (SUBSETS, 1)), axis=1))


def mu_fidelity(weights: NDArray[np.floating], masks: Masks, scores: NDArray[np.floating]) -> float:
    """Rank correlation, over subsets, of the weight taken away and the score that is left; 1 is perfect, 0 is chance.

    Spearman's, where the paper has Pearson's, as in the xplique library. NaN where either does not vary.

    Parameters
    ----------
    weights : float [k]
    masks : bool [n, k]
    scores : float [n]
        The label's under each mask.
    """
    taken, left = (scipy.stats.rankdata(values) for values in ((~masks) @ weights, scores))
    if np.ptp(taken) == 0 or np.ptp(left) == 0:
        return math.nan
    return float(-np.corrcoef(taken, left)[0, 1])


def _generator(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
