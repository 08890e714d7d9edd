"""Many labels: of a model that has hundreds, an explanation keeps those that it speaks of and sums up the rest.

Those are the labels explained, the most probable ones of the photograph, and what the bare fill is taken for, which the
judgement asks. Of all others each row of scores has their sum and the greatest of them, so that a row's most probable
label, which the rules of anchors are made of, is still known to be one of them or one of those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.conversation.probe import Evidence, Scores

Columns = NDArray[np.intp]
ALL = 0  # as a limit: whatever a model has


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """What is kept of the labels that are not listed.

    Attributes
    ----------
    sums, greatest : float32 [n]
        Of their scores, in each of n rows.
    """

    sums: NDArray[np.float32]
    greatest: NDArray[np.float32]


def shortened(attribution: Attribution, most: int) -> Attribution:
    """An answer whose probabilities list the labels explained and the most probable ones, of more than `most`.

    Those of the bare fill list the same labels and its own most probable one; those of the noise experiment the same.
    """
    if not _many(len(attribution.probabilities), most):
        return attribution
    names = listed(attribution, most)
    fill = attribution.fill_probabilities
    return replace(
        attribution,
        probabilities=_only(attribution.probabilities, names),
        fill_probabilities=None if fill is None else _only(fill, {*names, max(fill, key=lambda name: fill[name])}),
        labels=tuple(
            replace(one, denoised=replace(one.denoised, probabilities=_only(one.denoised.probabilities, names)))
            if one.denoised
            else one
            for one in attribution.labels
        ),
        unlisted=attribution.unlisted + len(attribution.probabilities) - len(names),
    )


def listed(attribution: Attribution, most: int) -> set[str]:
    """The labels explained, and the most probable half of `most`; of two alike the model's first."""
    names, scores = list(attribution.probabilities), np.array(list(attribution.probabilities.values()))
    probable = np.argsort(-scores, kind="stable")[: most // 2]
    return {names[column] for column in probable} | {one.label for one in attribution.labels}


def columns(
    evidence: Sequence[Evidence], attribution: Attribution, labels: tuple[str, ...], most: int
) -> Columns | None:
    """The columns of the scores that are kept, ascending; None where all of them are.

    Parameters
    ----------
    evidence : sequence of Evidence
        All that was said in a conversation.
    attribution : Attribution
        What came of it, with every label's probability.
    labels : the model's
    most : int
        A model with so many labels, or fewer, keeps all; so does any where it is 0.
    """
    if not _many(len(labels), most):
        return None
    names = listed(attribution, most)
    kept = {column for column, label in enumerate(labels) if label in names}
    for one in evidence:
        if not one.probe.reading.pooled:  # what is read of the network's inside is no score of a label
            kept |= set(one.scores[_bare(one)].argmax(axis=1).tolist())
    return None if len(kept) == len(labels) else np.array(sorted(kept), dtype=np.intp)


def columns_kept(labels: int, most: int) -> int:
    """About how many columns of scores an explanation of one label keeps, the rest's two among them.

    Examples
    --------
    >>> columns_kept(3, 32), columns_kept(1000, 32), columns_kept(1000, 0)
    (3, 20, 1000)
    """
    return most // 2 + 4 if _many(labels, most) else labels


def rest(scores: Scores, kept: Columns) -> Rest:
    """The sum and the greatest of the scores, float32 [n, c], that are not kept."""
    left = np.delete(scores, kept, axis=1)
    return Rest(left.sum(axis=1, dtype=np.float64).astype(np.float32), left.max(axis=1))


def restored(scores: Scores, kept: Columns, labels: int, others: Rest) -> Scores:
    """Rows with a column for every label, float32 [n, labels], from those kept, float32 [n, m], and the rest.

    The labels that were not kept share their sum: the last has the greatest, the others the same each. So a row's sum,
    its greatest score, and what is kept again of it, are what they were, and none of these labels can be explained.
    """
    left = np.delete(np.arange(labels), kept)
    whole = np.empty((len(scores), labels), dtype=np.float32)
    whole[:, kept] = scores
    whole[:, left] = ((others.sums - others.greatest) / max(len(left) - 1, 1))[:, None]
    whole[:, left[-1]] = others.greatest
    return whole


def _many(labels: int, most: int) -> bool:
    return most != ALL and labels > most


def _only(probabilities: Mapping[str, float], names: set[str]) -> dict[str, float]:
    return {name: share for name, share in probabilities.items() if name in names}


def _bare(one: Evidence) -> NDArray[np.bool_]:
    """The rows of a probe in which nothing is on, bool [n]."""
    return np.concatenate([~masks.any(axis=1) for _, masks in one.probe.pieces()])
