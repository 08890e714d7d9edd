"""Stopping: has a photograph been asked about often enough?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from pipeline.judge.stability import top_sets
from pipeline.methods.surrogate import Fit, jackknife
from pipeline.recipe import Stopping

Array = NDArray[np.float64]


def enough(rule: Stopping, pooled: Fit, left_out: Sequence[Fit]) -> bool:
    """Whether enough is known of every label, from the fit to all seeds and those that leave out each of them."""
    errors = jackknife(left_out)
    weights = np.stack([one.coefficients for one in (pooled, *left_out)], axis=1)  # [c, 1 + seeds, k]
    return all(_known(rule, *label) for label in zip(weights, errors, strict=True))


def _known(rule: Stopping, weights: Array, error: Array) -> bool:
    if rule.ratio is not None:
        return bool(error.max() <= rule.ratio * np.ptp(weights[0]))
    size, miss = _root_mean_square(weights[0]), _root_mean_square(error)
    return miss <= rule.tie * size or (miss <= rule.precision * size and _settled(rule, weights, error))


def _settled(rule: Stopping, weights: Array, error: Array) -> bool:
    """Whether the same superpixels would be on top again."""
    sizes = np.abs(weights[0])
    edge = np.argsort(-sizes, kind="stable")[rule.top - 1 : rule.top + 1]
    clear = len(edge) < 2 or -np.diff(sizes[edge])[0] >= _gap(rule, len(weights) - 1) * np.linalg.norm(error[edge])
    sets = top_sets(weights, rule.top)
    return bool(clear) and all(one == sets[0] for one in sets)


def _gap(rule: Stopping, seeds: int) -> float:
    """Standard errors that tell two superpixels apart."""
    return rule.gap if rule.confidence is None else float(t.ppf((1 + rule.confidence) / 2, seeds - 1))


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt((values**2).mean()))
