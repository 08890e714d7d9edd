"""Stopping: has a photograph been asked about often enough, or would asking more be futile?"""

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from pipeline.answer.stopped import FUTILE, PARTED, PRECISE, SPENT, Stopped
from pipeline.judge.stability import top_sets
from pipeline.methods.surrogate import Fit, jackknife
from pipeline.recipe import Stopping

Array = NDArray[np.float64]


def stopped(rule: Stopping, pooled: Fit, left_out: Sequence[Fit], most: int) -> list[Stopped | None]:
    """Why no more need be asked of each label; None of one that more seeds may settle.

    Parameters
    ----------
    rule : Stopping
    pooled, left_out : Fit
        To all seeds, and to all but each of them.
    most : int
        How many seeds there are to ask.
    """
    errors = jackknife(left_out)
    weights = np.stack([one.coefficients for one in (pooled, *left_out)], axis=1)  # [c, 1 + seeds, k]
    found = [_reason(rule, *label, most) for label in zip(weights, errors, strict=True)]
    if len(left_out) < most:
        return found
    return [one or _spent(rule, weights[c], errors[c]) for c, one in enumerate(found)]


def _reason(rule: Stopping, weights: Array, error: Array, most: int) -> Stopped | None:
    if rule.ratio is not None:
        return Stopped(PRECISE) if error.max() <= rule.ratio * np.ptp(weights[0]) else None
    size, miss = _root_mean_square(weights[0]), _root_mean_square(error)
    if miss <= rule.tie * size:
        return Stopped(PRECISE, rule.top)
    if miss > rule.precision * size:
        return None
    if _all_on_top(rule, weights):
        return Stopped(PRECISE, rule.top)
    if _settled(rule, weights, error):
        return Stopped(PARTED, rule.top)
    return _futile(rule, weights, error, most)


def _spent(rule: Stopping, weights: Array, error: Array) -> Stopped:
    """That there are no more seeds, and what that leaves open: which are on top, or else the weights alone."""
    by_weights = rule.ratio is not None or _all_on_top(rule, weights) or _settled(rule, weights, error)
    return Stopped(SPENT, None if by_weights else rule.top)


def _all_on_top(rule: Stopping, weights: Array) -> bool:
    """Whether there are no more superpixels than are on top, so that nothing is to be told from a next."""
    return len(weights[0]) <= rule.top


def _settled(rule: Stopping, weights: Array, error: Array) -> bool:
    """Whether the same superpixels would be on top again."""
    apart, miss = _edge(rule, weights[0], error)
    sets = top_sets(weights, rule.top)
    return apart >= _gap(rule, len(weights) - 1) * miss and all(one == sets[0] for one in sets)


def _futile(rule: Stopping, weights: Array, error: Array, most: int) -> Stopped | None:
    """That more seeds are futile, where the rule says how small a chance is."""
    seeds = len(weights) - 1
    if rule.futility is None or seeds >= most:
        return None
    chance = parting(_edge(rule, weights[0], error), seeds, most, _gap(rule, most))
    return Stopped(FUTILE, rule.top, chance) if chance <= rule.futility else None


def parting(edge: tuple[float, float], seeds: int, most: int, gap: float) -> float:
    """The chance that all the seeds there are will part two superpixels that some of them have not.

    The mean over N seeds lies about that over the first n of them with variance s²(1/n - 1/N), whatever the truth is,
    and s² is known by n - 1 degrees of freedom: so it is Student's t that predicts it. This is the predictive power of
    Spiegelhalter, Freedman and Blackburn (1986), which is conditional power averaged over what the true difference may
    be: at the estimate itself one would despair of near ties too soon, when it is still uncertain. They are parted
    whichever then weighs more.

    Parameters
    ----------
    edge : float, float
        By how much they differ after so many seeds, and the standard error of that.
    seeds, most : int
        Asked, and that there are; n and N, n < N.
    gap : float
        Standard errors that part them in the end.

    Examples
    --------
    >>> [round(parting((apart, 1.0), 9, 14, 2.16), 2) for apart in (0, 1, 2)]
    [0.02, 0.13, 0.67]
    """
    apart, miss = edge
    if not miss:
        return 1.0
    wanted, spread = gap * miss * (seeds / most) ** 0.5, miss * (1 - seeds / most) ** 0.5
    beyond = (apart - wanted) / spread, (-apart - wanted) / spread  # on either side
    return float(sum(scipy.special.stdtr(seeds - 1, one) for one in beyond))


def _edge(rule: Stopping, weights: Array, error: Array) -> tuple[float, float]:
    """By how much the last on top outweighs the next, and the standard error of it."""
    sizes = np.abs(weights)
    edge = np.argsort(-sizes, kind="stable")[rule.top - 1 : rule.top + 1]
    return float(sizes[edge[0]] - sizes[edge[1]]), float(np.linalg.norm(error[edge]))


def _gap(rule: Stopping, seeds: int) -> float:
    """Standard errors that tell two superpixels apart."""
    return rule.gap if rule.confidence is None else float(scipy.special.stdtrit(seeds - 1, (1 + rule.confidence) / 2))


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt((values**2).mean()))
