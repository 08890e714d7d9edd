"""Standing: of several explanations of one photograph, which does the model bear out best, if any?

MuFidelity on one set of perturbed pictures, the same for all, so that the explanations are compared pair by pair by
resampling those pictures (the paired bootstrap of Efron and Tibshirani 1993, chapter 8).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy
from numpy.typing import NDArray

from pipeline.judge.faithfulness import mu_fidelity
from pipeline.judge.stability import spearman, top_jaccard

RESAMPLES = 2000
ERROR = 0.05  # that explanations equally well borne out are told apart, all pairs together
LEAST = 0.01  # of MuFidelity: of a model without chance any difference can be told, and so little does not matter
TOP = 5
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """How m explanations of a photograph stand to the model and to each other.

    Attributes
    ----------
    mu_fidelity : float64 [m]
        NaN for an explanation that weighs all alike, or of a score that never moves.
    rank_agreement, top5_jaccard : float64 [m, m]
        Of each pair's weights: Spearman's correlation, and the overlap of the five strongest.
    chance : float
        A rank agreement that 95 % of unrelated pairs stay below.
    best : int or None
        The explanation of the largest MuFidelity, if that is above what chance gives.
    tied : tuple of int
        Those that cannot be told from the best, itself among them.
    at_odds : tuple of (int, int)
        Pairs of the tied that agree no better than chance: the tests cannot tell which of the two is right.
    """

    mu_fidelity: Array
    rank_agreement: Array
    top5_jaccard: Array
    chance: float
    best: int | None
    tied: tuple[int, ...]
    at_odds: tuple[tuple[int, int], ...]

    def sentence(self, names: Sequence[str]) -> str:
        """What it comes to, for m names."""
        if self.best is None:
            return (
                "None of them is supported here: hiding what they call important moves the score no more than chance."
            )
        tied = [names[number] for number in self.tied]
        if self.at_odds:
            first, second = (names[number] for number in self.at_odds[0])
            return (
                f"{first} and {second} contradict each other here, and the tests cannot tell which is right: rely on "
                "neither alone."
            )
        silent = [name for name, value in zip(names, self.mu_fidelity, strict=True) if np.isnan(value)]
        others = [name for number, name in enumerate(names) if number not in self.tied and name not in silent]
        told = f"; {_listed(silent)} prefers no part of the picture" if silent else ""
        if len(tied) > 1:
            rest = f", and are better supported than {_listed(others)}" if others else ""
            return f"{_listed(tied)} cannot be told apart here{rest}{told}."
        return f"{tied[0]} is best supported here{', before ' + _listed(others) if others else ''}{told}."


def standing(
    weights: NDArray[np.floating], masks: NDArray[np.bool_], scores: NDArray[np.floating], key: int
) -> Standing:
    """How explanations stand.

    Parameters
    ----------
    weights : float [m, k]
        On the same superpixels.
    masks : bool [n, k]
        See `pipeline.judge.faithfulness.subsets`.
    scores : float [n]
        The label's, under each mask.
    key : int
        Of the resampling: `Scene.fingerprint`.
    """
    m, k = weights.shape
    borne_out = np.array([mu_fidelity(one, masks, scores) for one in weights])
    chance = float(scipy.special.ndtri(1 - ERROR) / np.sqrt(k - 1)) if k > 1 else math.nan
    pairs = [(a, b, weights[[a, b]].astype(float)) for a, b in combinations(range(m), 2)]
    ranks = _matrix(m, [(a, b, spearman(both)) for a, b, both in pairs])
    tops = _matrix(m, [(a, b, top_jaccard(both, TOP)) for a, b, both in pairs])
    best, tied = _leaders(borne_out, _resampled(weights, masks, scores, key))
    at_odds = [(a, b) for a, b in combinations(tied, 2) if not ranks[a, b] > chance]
    return Standing(borne_out, ranks, tops, chance, best, tied, tuple(at_odds))


def _leaders(borne_out: Array, resampled: Array) -> tuple[int | None, tuple[int, ...]]:
    """The best, and those that cannot be told from it, by the resamples of MuFidelity, float64 [m, resamples]."""
    if np.isnan(borne_out).all():
        return None, ()
    best, comparisons = int(np.nanargmax(borne_out)), max(len(borne_out) - 1, 1)
    if not np.quantile(resampled[best], ERROR / 2) > 0:
        return None, ()
    ahead = np.quantile(resampled[best] - resampled, ERROR / 2 / comparisons, axis=1)  # NaN: weighs all alike
    return best, tuple(np.flatnonzero((ahead <= LEAST) | (np.arange(len(ahead)) == best)).tolist())


def _resampled(
    weights: NDArray[np.floating], masks: NDArray[np.bool_], scores: NDArray[np.floating], key: int
) -> Array:
    """MuFidelity under resampled pictures, the same ones for all explanations, float64 [m, resamples]."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([key, len(masks)])))
    drawn = generator.integers(0, len(masks), (RESAMPLES, len(masks)))
    left = _standardised(scipy.stats.rankdata(scores[drawn], axis=1))
    taken = (_standardised(scipy.stats.rankdata(((~masks) @ one)[drawn], axis=1)) for one in weights)
    return np.stack([-(one * left).mean(axis=1) for one in taken])


def _standardised(ranks: Array) -> Array:
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    return np.asarray(np.divide(centred, spread, out=np.full_like(centred, np.nan), where=spread > 0))


def _matrix(m: int, pairs: Sequence[tuple[int, int, float]]) -> Array:
    full = np.eye(m)
    for a, b, value in pairs:
        full[a, b] = full[b, a] = value
    return full


def _listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them.

    Examples
    --------
    >>> _listed(["default"]), _listed(["default", "shap", "rise"])
    ('default', 'default, shap and rise')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
