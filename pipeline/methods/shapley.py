"""Shapley values, by the regression whose solution they are.

Over all masks z of k superpixels, of sizes s from 1 to k-1, they minimise the sum of (f(z) - f(fill) - z·v)² / C(k, s)
s (k-s) among the v that add up to f(canvas) - f(fill) (Lundberg and Lee 2017, theorem 2). Over some of the masks the
minimum is an estimate of them.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from pipeline.conversation.probe import Masks
from pipeline.methods.surrogate import RESOLUTION, Sample

Array = NDArray[np.float64]

CURVE = 6  # terms of the curve of the score over the share that is shown; further ones take no more noise away
NULL = 1e-10  # of the largest eigenvalue: what is below it is the direction in which all values grow alike


@dataclass(frozen=True, slots=True, eq=False)
class Game:
    """Scores that masks are compared with: float64 [c] each, for the whole photograph and for the bare fill."""

    whole: Array
    bare: Array

    def sample(self, masks: Masks, scores: Array) -> Sample:
        """What the values are fitted to: what is left of scores, float64 [n, c], at masks bool [n, k].

        Taken away is what masks of one size have in common: the straight line from the bare fill to the photograph, and
        how the scores bend from it, a polynomial of the share shown that is fitted beside the values. In all masks of
        a size together every superpixel is on alike often, so that moves no value; in some of them it is noise. The
        R² of the fit is of what differs between masks of one size, or sizes alone would make a good fit.
        """
        weights, share = kernel(masks), masks.mean(axis=1)
        left = scores - self.bare - np.outer(share, self.whole - self.bare)
        bend = np.stack([share * (1 - share) * (2 * share - 1) ** power for power in range(CURVE)], axis=1)
        root, both = np.sqrt(weights)[:, None], np.concatenate([bend, _centred(masks)], axis=1)
        left -= bend @ np.linalg.lstsq(root * both, root * left, rcond=None)[0][:CURVE]
        left[:, np.sqrt(weights @ left**2) < RESOLUTION * np.sqrt(weights.sum())] = 0
        return Sample(masks, left, weights)

    def values(self, sample: Sample) -> "Values":
        """The Shapley values: least squares, projected so that they add up to whole - bare."""
        x = _centred(sample.masks)
        weighted = x * sample.weights[:, None]
        free = scipy.linalg.pinvh(x.T @ weighted, rtol=NULL) @ (weighted.T @ sample.scores)  # [k, c]
        even = (self.whole - self.bare) / len(free)
        return Values((free - free.mean(axis=0) + even).T, self.bare)


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Shapley values as a fitted surrogate: see `pipeline.methods.surrogate.Fit`."""

    coefficients: Array
    intercepts: Array

    @property
    def std_error(self) -> Array:
        """Unknown for a single fit."""
        return np.full_like(self.coefficients, np.nan)

    def predict(self, masks: Masks) -> Array:
        """What a sample's scores should be: how far each mask is above those of its size."""
        return np.asarray(_centred(masks) @ self.coefficients.T)


def kernel(masks: Masks) -> Array:
    """The weights of masks in the regression, float64 [n]: those of one size share what all masks of that size weigh.

    That is 1 / s (k-s), whether all of them were drawn or only some; a mask drawn twice counts once. The whole
    photograph and the bare fill, which the constraint is about, weigh nothing.
    """
    distinct, which, often = np.unique(masks, axis=0, return_inverse=True, return_counts=True)
    sizes, k = distinct.sum(axis=1), masks.shape[1]
    together = np.arange(k + 1) * (k - np.arange(k + 1)) * np.bincount(sizes, minlength=k + 1)
    inside = together[sizes] > 0
    weights = np.divide(1, together[sizes] * often, where=inside, out=np.zeros(len(distinct)))
    return np.asarray(weights[which])


def _centred(masks: Masks) -> Array:
    """Masks less the share that each shows, float64 [n, k]: rows that add up to nothing."""
    return np.asarray(masks - masks.mean(axis=1, keepdims=True))
