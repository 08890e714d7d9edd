"""Faithfulness: does the score fall as the superpixels said to matter are taken away, and rise as they are shown?

Deletion and insertion curves of Petsiuk, Das and Saenko, "RISE", BMVC 2018, section 4.2, over superpixels; MuFidelity,
the faithfulness correlation of Bhatt, Weller and Moura, "Evaluating and aggregating feature-based model explanations",
IJCAI 2020.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Masks = NDArray[np.bool_]

STEPS = 32  # of a curve, or one for each superpixel if there are fewer
SUBSETS, SUBSET = 200, 0.2  # of superpixels taken away for MuFidelity, and the share of them in each


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


def area(curve: NDArray[np.floating], k: int) -> float:
    """Area under a curve of scores, [m + 1], over the share of k superpixels changed: its mean height."""
    return float(np.trapezoid(curve, steps(k) / k))


def heaviest_first(weights: NDArray[np.floating]) -> NDArray[np.intp]:
    """The order of a curve: the superpixel that speaks most for the label first, the one most against it last."""
    return np.argsort(-weights, kind="stable")


def at_random(k: int, seed: int) -> NDArray[np.intp]:
    """An order that knows nothing, for comparison."""
    return _generator(seed, k, STEPS).permutation(k)


def subsets(k: int, seed: int) -> Masks:
    """Masks without a fifth of the superpixels, drawn at random, bool [SUBSETS, k]."""
    taken = np.arange(k) < max(1, round(SUBSET * k))
    return np.asarray(~_generator(seed, k, SUBSETS).permuted(np.tile(taken, (SUBSETS, 1)), axis=1))


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
    taken, left = rankdata((~masks) @ weights), rankdata(scores)
    if np.ptp(taken) == 0 or np.ptp(left) == 0:
        return float("nan")
    return float(-np.corrcoef(taken, left)[0, 1])


def _generator(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
