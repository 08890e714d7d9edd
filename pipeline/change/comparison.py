"""Comparison: one photograph under two models. What changed, and is it more than seeds alone change?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.judgement import Grounding
from pipeline.change.alignment import Seen, spread
from pipeline.change.difference import Replicates, apart, differ
from pipeline.judge.stability import spearman, top_jaccard
from pipeline.recipe import Recipe

Array = NDArray[np.float64]

TOP = 5


@dataclass(frozen=True, slots=True)
class Change:
    """A photograph before and after; NaN and None where there is nothing to say.

    Attributes
    ----------
    label_before, label_after, confidence_before, confidence_after : str, 0..1
        The model's prediction.
    explained_before, explained_after : str
        The labels whose attributions are compared: of those explained the most probable.
    spearman, top5_jaccard, overlap : float
        Rank correlation of the two pooled attributions, overlap of their five strongest superpixels, and the part of
        the positive evidence that lies in the same place (histogram intersection): 1 is alike.
    seeds_spearman : float
        The agreement of each model's own seeds, the lower of the two: what spearman is to be seen beside.
    distance, noise, p_value, test : 0..2, >= 0, 0..1, "paired" or "permutation"
        See `pipeline.change.difference.Difference`; p_value is NaN and test None where there are too few seeds to tell,
        or the superpixels are not the same: how much other superpixels move the evidence, seeds do not show.
    """

    label_before: str
    label_after: str
    confidence_before: float
    confidence_after: float
    explained_before: str
    explained_after: str
    spearman: float
    top5_jaccard: float
    overlap: float
    seeds_spearman: float
    distance: float
    noise: float
    p_value: float
    reliance_before: float
    reliance_after: float
    share_before: float
    share_after: float
    verdict_before: str | None
    verdict_after: str | None
    test: str | None = None  # none is told of comparisons made before there were two


def comparable(before: Recipe, after: Recipe) -> None:
    """Refuse recipes that differ in more than their names and seeds: what changed could be the recipe's doing."""
    names = {one.name for one in fields(Recipe)} - {"name", "seeds"}
    differing = sorted(name for name in names if getattr(before, name) != getattr(after, name))
    if differing:
        raise ValueError(
            f"the audits' recipes differ in {', '.join(differing)}: audit both models with one recipe to compare them"
        )


def compare(
    before: Attribution,
    after: Attribution,
    seeds: tuple[Sequence[int], Sequence[int]],
    seen: tuple[Seen, Seen] | None = None,
) -> Change:
    """Compare two attributions of one photograph.

    Parameters
    ----------
    seeds : two sequences of int
        Those of each one's recipe; an attribution may have used the first few only.
    seen : two Seen, or None
        What each model saw, where their superpixels are not the same.
    """
    first, second = before.labels[0], after.labels[0]
    views = seen or (None, None)
    one, other = map(_replicates, (first, second), seeds, views)
    difference = apart(one, other) if seen else differ(one, other)
    pooled = np.stack([one.pooled, other.pooled])
    grounding = [one.judgement.grounding if one.judgement else Grounding() for one in (first, second)]
    return Change(
        label_before=before.predicted,
        label_after=after.predicted,
        confidence_before=before.confidence,
        confidence_after=after.confidence,
        explained_before=first.label,
        explained_after=second.label,
        spearman=spearman(pooled) if pooled.any(axis=1).all() else math.nan,
        top5_jaccard=_top5(first, second, seen),
        overlap=_overlap(pooled),
        seeds_spearman=min(first.agreement.spearman, second.agreement.spearman),
        distance=difference.distance,
        noise=difference.noise,
        p_value=difference.p_value,
        reliance_before=grounding[0].background_reliance,
        reliance_after=grounding[1].background_reliance,
        share_before=grounding[0].mask_share,
        share_after=grounding[1].mask_share,
        verdict_before=first.judgement.words if first.judgement else None,
        verdict_after=second.judgement.words if second.judgement else None,
        test=difference.test,
    )


def _replicates(label: LabelAttribution, seeds: Sequence[int], view: Seen | None) -> Replicates:
    """An attribution over superpixels, or over the photograph as its model saw it."""
    pooled, by_seed = (spread(view, rows) if view else rows for rows in (label.weights, label.weights_by_seed))
    return Replicates(pooled, by_seed, seeds[: len(by_seed)])


def _overlap(pooled: Array) -> float:
    positive = pooled.clip(min=0)
    total = positive.sum(axis=1, keepdims=True)
    return float(np.min(positive / total, axis=0).sum()) if total.all() else math.nan


def _top5(first: LabelAttribution, second: LabelAttribution, seen: tuple[Seen, Seen] | None) -> float:
    """Of superpixels; of the area that they cover where the two models' are not the same."""
    if seen is None:
        return top_jaccard(np.stack([first.weights, second.weights]), TOP)
    strongest = [np.argsort(-np.abs(one.weights), kind="stable")[:TOP] for one in (first, second)]
    one, other = (np.isin(view.cells(), top) for view, top in zip(seen, strongest, strict=True))
    return float((one & other).sum() / max((one | other).sum(), 1))
