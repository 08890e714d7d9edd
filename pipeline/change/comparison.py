"""Comparison: one photograph under two models. What changed, and is it more than seeds alone change?"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.judgement import Grounding
from pipeline.change.alignment import Seen, spread
from pipeline.change.permutation import p_value, smallest_p
from pipeline.judge.stability import NEGLIGIBLE, spearman, top_jaccard
from pipeline.recipe import Recipe

Array = NDArray[np.float64]

FALSE_ALARMS = 0.05  # of the photographs said to have changed, at most so many are expected not to have
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
    distance, noise : 0..2, >= 0
        Distance between the two models' mean attributions, each seed's scaled to length 1, and what seeds alone would
        make of it.
    p_value : 0..1
        See `pipeline.change.permutation.p_value`, over seeds; NaN where there are too few to tell, or the superpixels
        are not the same: how much other superpixels move the evidence, seeds do not show.
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


def comparable(before: Recipe, after: Recipe) -> None:
    """Refuse recipes that differ in more than their names and seeds: what changed could be the recipe's doing."""
    names = {one.name for one in fields(Recipe)} - {"name", "seeds"}
    differing = sorted(name for name in names if getattr(before, name) != getattr(after, name))
    if differing:
        raise ValueError(
            f"the audits' recipes differ in {', '.join(differing)}: audit both models with one recipe to compare them"
        )


def compare(before: Attribution, after: Attribution, seen: tuple[Seen, Seen] | None = None) -> Change:
    """Compare two attributions of one photograph.

    Parameters
    ----------
    seen : two Seen, or None
        What each model saw, where their superpixels are not the same.
    """
    first, second = before.labels[0], after.labels[0]
    maps = _maps(first, second, seen)
    distance, noise = _distance(maps[0], maps[1])
    pooled = _rows([first.weights, second.weights], seen)
    grounding = [one.judgement.grounding if one.judgement else Grounding() for one in (first, second)]
    return Change(
        label_before=before.predicted,
        label_after=after.predicted,
        confidence_before=before.confidence,
        confidence_after=after.confidence,
        explained_before=first.label,
        explained_after=second.label,
        spearman=spearman(pooled) if pooled.any(axis=1).all() else float("nan"),
        top5_jaccard=_top5(first, second, seen),
        overlap=_overlap(pooled),
        seeds_spearman=min(first.agreement.spearman, second.agreement.spearman),
        distance=distance,
        noise=noise,
        p_value=_p_value(maps[0], maps[1], distance) if seen is None else float("nan"),
        reliance_before=grounding[0].background_reliance,
        reliance_after=grounding[1].background_reliance,
        share_before=grounding[0].mask_share,
        share_after=grounding[1].mask_share,
        verdict_before=_word(first),
        verdict_after=_word(second),
    )


def _word(label: LabelAttribution) -> str | None:
    return label.judgement.words if label.judgement else None


def _p_value(first: Array, second: Array, distance: float) -> float:
    """Over the seeds; 1 where the difference is rounding, NaN where even the clearest one would not be told."""
    if smallest_p(len(first), len(second)) > FALSE_ALARMS:
        return float("nan")
    return 1.0 if distance < NEGLIGIBLE else p_value(first, second)


def _maps(first: LabelAttribution, second: LabelAttribution, seen: tuple[Seen, Seen] | None) -> tuple[Array, Array]:
    """Each seed's attribution, or the one there is without seeds, as a row of length 1: how sure the model is has a
    figure of its own."""
    rows = [one.weights_by_seed if len(one.weights_by_seed) else one.weights[None] for one in (first, second)]
    placed = [spread(view, row) for view, row in zip(seen, rows, strict=True)] if seen else rows
    lengths = [np.linalg.norm(row, axis=1, keepdims=True) for row in placed]
    one, other = (row / np.where(length == 0, 1, length) for row, length in zip(placed, lengths, strict=True))
    return one, other


def _distance(first: Array, second: Array) -> tuple[float, float]:
    """Between the means of rows, and the root of what it would be, squared, by the rows' own spread alone."""
    variances = [rows.var(axis=0, ddof=1).sum() / len(rows) if len(rows) > 1 else np.nan for rows in (first, second)]
    return float(np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))), float(np.sqrt(sum(variances)))


def _rows(weights: list[Array], seen: tuple[Seen, Seen] | None) -> Array:
    """Two attributions as rows over the same places."""
    return np.stack([spread(view, row) for view, row in zip(seen, weights, strict=True)] if seen else weights)


def _overlap(pooled: Array) -> float:
    positive = pooled.clip(min=0)
    total = positive.sum(axis=1, keepdims=True)
    return float(np.min(positive / total, axis=0).sum()) if total.all() else float("nan")


def _top5(first: LabelAttribution, second: LabelAttribution, seen: tuple[Seen, Seen] | None) -> float:
    """Of superpixels; of the area that they cover where the two models' are not the same."""
    if seen is None:
        return top_jaccard(np.stack([first.weights, second.weights]), TOP)
    strongest = [np.argsort(-np.abs(one.weights), kind="stable")[:TOP] for one in (first, second)]
    one, other = (np.isin(view.cells(), top) for view, top in zip(seen, strongest, strict=True))
    return float((one & other).sum() / max((one | other).sum(), 1))
