"""Rejudge: today's judgement of an earlier answer, whose weights stay as they are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.answer.attribution import LabelAttribution

ROUNDING = 1e-6  # of weights fitted anew to float32 scores, by another release of the libraries or on another machine


def rejudged(before: Sequence[LabelAttribution], anew: Sequence[LabelAttribution]) -> tuple[LabelAttribution, ...]:
    """Earlier answers with the judgement of the same answers fitted anew to the scores that were kept.

    Weights, errors and fit stay to the bit; what they are judged by, agreement of the seeds and claims, is today's.

    Parameters
    ----------
    before, anew : LabelAttribution for each label explained
        In any order.

    Raises
    ------
    ValueError
        If the scores do not explain the same labels, or do not give the weights that were kept.
    """
    fitted = {label.label: label for label in anew}
    if sorted(fitted) != sorted(label.label for label in before):
        raise ValueError(f"the scores that were kept explain {', '.join(fitted)}, which is not what was explained")
    return tuple(_rejudged(label, fitted[label.label]) for label in before)


def _rejudged(before: LabelAttribution, anew: LabelAttribution) -> LabelAttribution:
    alike = before.weights.shape == anew.weights.shape
    if not (alike and np.allclose(before.weights, anew.weights, rtol=ROUNDING, atol=ROUNDING)):
        raise ValueError(f"the scores that were kept give other weights for {before.label} than were kept beside them")
    return replace(before, judgement=anew.judgement, stability=anew.stability, claims=anew.claims)
