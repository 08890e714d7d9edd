"""Stability: do the seeds agree on what counts?"""

import math
from itertools import combinations

import numpy as np
import scipy
from numpy.typing import NDArray

from pipeline.answer.attribution import Stability

Array = NDArray[np.float64]

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution
NEGLIGIBLE = 1e-3  # of a seed's largest weight: below it is shrinkage and rounding, which have no order to agree on
VSI_TOP = 10  # superpixels that count as selected in VSI: lime's usual number of features shown


def spearman(weights: Array, constant: float = math.nan) -> float:
    """Mean pairwise Spearman rank correlation of the rows of weights, float64 [s, k].

    Here as in the other figures of order, weights below `NEGLIGIBLE` count as zero, and so as tied. A row that is
    constant has the correlation `constant` with the others.
    """
    return _mean_correlation(scipy.stats.rankdata(appreciable(weights), axis=1), constant)


def kendall(weights: Array, constant: float = math.nan) -> float:
    """Mean pairwise Kendall tau-b of the rows of weights, float64 [s, k]; with a constant row it is `constant`."""
    first, second = np.triu_indices(weights.shape[1], 1)
    weights = appreciable(weights)
    signs = np.sign(weights[:, first] - weights[:, second])
    return _mean_pair(_cosines(signs, constant))


def top_jaccard(weights: Array, top: int) -> float:
    """Mean pairwise Jaccard index of the sets of the `top` superpixels with the largest absolute weight.

    A superpixel that weighs nothing is in no set: which of them came first would be chance, or its number. Two empty
    sets are alike.

    Parameters
    ----------
    weights : float64 [s, k], of s >= 2 seeds

    Returns
    -------
    0..1
    """
    pairs = combinations(top_sets(weights, top), 2)
    return float(np.mean([_share(a & b, len(a | b)) for a, b in pairs]))


def top_jaccard_chance(k: int, top: int) -> float:
    """Expected Jaccard index of two sets of `top` superpixels drawn at random from k: the hypergeometric mean.

    Examples
    --------
    >>> top_jaccard_chance(2, 1)
    0.5
    """
    top = min(top, k)
    shared = np.arange(top + 1)
    return float(scipy.stats.hypergeom(k, top, top).pmf(shared) @ (shared / (2 * top - shared)))


def sign_agreement(weights: Array) -> float:
    """Share of superpixels, 0..1, whose weight is of one sign under every seed and zero under none.

    Parameters
    ----------
    weights : float64 [s, k]
    """
    signs = np.sign(weights)
    return float(np.mean((signs[0] != 0) & (signs == signs[0]).all(axis=0)))


def vsi(weights: Array, top: int = VSI_TOP) -> float:
    """Variables stability index, 0..100 (Visani et al. 2020, section 4.1).

    100 times the mean over pairs of seeds of the share of selected superpixels that both select; selected are the
    `top` largest in absolute weight that weigh anything. Where k is not larger than `top` it says next to nothing.
    """
    pairs = combinations(top_sets(weights, top), 2)
    return float(100 * np.mean([_share(a & b, max(len(a), len(b))) for a, b in pairs]))


def csi(weights: Array, std_error: Array) -> float:
    """Coefficients stability index, 0..100 (Visani et al. 2020, section 4.2).

    For each superpixel the share of pairs of seeds whose 95 % confidence intervals overlap, averaged, times 100. It
    rewards wide intervals: near 100 wherever the design folds over, since the sandwich of
    `pipeline.methods.surrogate.ridge` is several times too wide there. NaN where a standard error is unknown.

    Parameters
    ----------
    weights, std_error : float64 [s, k], of s >= 2 seeds

    Returns
    -------
    0..100, or NaN
    """
    low, high = weights - Z95 * std_error, weights + Z95 * std_error
    overlaps = [(low[a] <= high[b]) & (low[b] <= high[a]) for a, b in combinations(range(len(weights)), 2)]
    return float(100 * np.mean(overlaps)) if np.isfinite(std_error).all() else math.nan


def stability(weights: Array, std_error: Array) -> Stability:
    """All figures of agreement between seeds. A seed that finds nothing where others do disagrees with them.

    Parameters
    ----------
    weights, std_error : float64 [s, k]
        Each seed's own estimate and its standard error.
    """
    seeds, k = weights.shape
    if seeds < 2 or not weights.any():
        return Stability(seeds)
    finds = np.ptp(appreciable(weights), axis=1) > 0
    constant = 0.0 if finds.any() else math.nan
    return Stability(
        seeds=seeds,
        spearman=spearman(weights, constant),
        kendall=kendall(weights, constant),
        top3_jaccard=top_jaccard(weights, 3),
        top3_jaccard_chance=top_jaccard_chance(k, 3),
        top5_jaccard=top_jaccard(weights, 5),
        top5_jaccard_chance=top_jaccard_chance(k, 5),
        top10_jaccard=top_jaccard(weights, 10),
        top10_jaccard_chance=top_jaccard_chance(k, 10),
        sign_agreement=sign_agreement(weights),
        vsi=vsi(weights),
        csi=csi(weights, std_error),
    )


def rerun(spearman: float, seeds: int) -> float:
    """The rank correlation to expect of two explanations, each of as many seeds of its own as one was made of.

    After Spearman and Brown (British Journal of Psychology 3, 1910), who ask how like two tests of n items are whose
    items are so like each other.

    Parameters
    ----------
    spearman : -1..1 or NaN
        The mean correlation of two seeds, see `spearman`; below 0 it says no more than 0.
    seeds : int

    Examples
    --------
    >>> round(rerun(0.5, 9), 3)
    0.9
    """
    shared = max(spearman, 0.0)  # in this order NaN stays NaN
    return seeds * shared / (1 + (seeds - 1) * shared)


def top_sets(weights: Array, top: int) -> list[set[int]]:
    """For each row of weights, float64 [s, k], its `top` largest in absolute weight that weigh anything."""
    sizes = np.abs(appreciable(weights))
    order = np.argsort(-sizes, axis=1, kind="stable")[:, :top]
    return [set(row[size[row] > 0].tolist()) for row, size in zip(order, sizes, strict=True)]


def appreciable(weights: Array) -> Array:
    """The weights, float64 [s, k], with zero for those below `NEGLIGIBLE` of their row's largest."""
    sizes = np.abs(weights)
    return np.where(sizes < NEGLIGIBLE * sizes.max(axis=1, keepdims=True), 0, weights)


def _share(part: set[int], whole: int) -> float:
    return len(part) / whole if whole else 1.0


def _mean_correlation(rows: Array, constant: float) -> float:
    return _mean_pair(_cosines(rows - rows.mean(axis=1, keepdims=True), constant))


def _cosines(rows: Array, constant: float) -> Array:
    norms = np.linalg.norm(rows, axis=1)
    scale = np.outer(norms, norms)
    cosines = np.clip(rows @ rows.T / np.where(scale == 0, 1, scale), -1, 1)
    return np.asarray(np.where(scale == 0, constant, cosines))


def _mean_pair(matrix: Array) -> float:
    return float(matrix[np.triu_indices(len(matrix), 1)].mean())
