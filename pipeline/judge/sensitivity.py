"""Sensitivity: which of the choices behind an explanation moves it, compared pixel by pixel."""

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.judgement import Likeness
from pipeline.judge.stability import spearman, top_sets

TOP = 5
Segments = NDArray[np.int32]
Weights = NDArray[np.float64]


def likeness(first: tuple[Segments, Weights], second: tuple[Segments, Weights]) -> Likeness:
    """How like two explanations of one canvas are, whatever their superpixels.

    Spearman's rank correlation is that of the pixels, each superpixel's weight spread evenly over its own: 1 is the
    same, 0 is chance, NaN is one that says nothing. The Jaccard index is that of the pixels of the five superpixels
    with the largest absolute weights.

    Parameters
    ----------
    first, second : int32 [h, w] of labels 0..k-1, and float64 [k]
        Superpixels and their weights; the two may have different k.
    """
    maps = np.stack([_spread(*first), _spread(*second)])
    tops = [_top(*first), _top(*second)]
    either = np.count_nonzero(tops[0] | tops[1])
    shared = np.count_nonzero(tops[0] & tops[1]) / either if either else math.nan
    return Likeness(spearman(maps), float(shared))


def _spread(segments: Segments, weights: Weights) -> Weights:
    return (weights / np.bincount(segments.ravel()))[segments].ravel()


def _top(segments: Segments, weights: Weights) -> NDArray[np.bool_]:
    return np.isin(segments, list(top_sets(weights[None], TOP)[0]))
