"""Comparison: one photograph under two models, or two recipes. What changed, and is it more than seeds alone change?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.change.alignment import Seen, spread
from pipeline.change.difference import Replicates, apart, differ
from pipeline.judge.stability import spearman, top_jaccard, top_sets

Array = NDArray[np.float64]

TOP = 5
CURVES = ("deletion", "insertion")
JUDGED = ("reliance", "share", *CURVES)
FIGURES = (
    *("spearman", "top5_jaccard", "overlap", "seeds_spearman", "distance", "noise", "p_value"),
    *(f"{name}_{when}" for name in JUDGED for when in ("before", "after")),
)


@dataclass(frozen=True, slots=True)
class Change:
    """A photograph before and after; NaN and None where there is nothing to say.

    Attributes
    ----------
    label_before, label_after, confidence_before, confidence_after : str, 0..1
        The model's prediction.
    explained_before, explained_after : str
        The labels whose attributions are compared: of those explained the most probable; under two recipes the most
        probable that both explain, and where there is none nothing more is said.
    spearman, top5_jaccard, overlap : float
        Rank correlation of the two pooled attributions, overlap of their five strongest superpixels, and the part of
        the positive evidence that lies in the same place (histogram intersection): 1 is alike.
    seeds_spearman : float
        The agreement of each model's own seeds, the lower of the two: what spearman is to be seen beside.
    distance, noise, p_value, test : 0..2, >= 0, 0..1, "paired" or "permutation"
        See `pipeline.change.difference.Difference`; p_value is NaN and test None where there are too few seeds to tell,
        or the superpixels are not the same: how much other superpixels move the evidence, seeds do not show; nor where
        the recipes are not: a difference between methods is no change of the model.
    deletion_before, deletion_after, insertion_before, insertion_after : 0..1
        Areas under both curves, see `pipeline.answer.judgement.Curves`; NaN for weights that are all alike, which have
        no order, and where the two were given other fills: those curves are not of one measure.
    on_grid : bool or None
        Whether the superpixels were not the same, and the two were laid onto a grid over the photograph.
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
    deletion_before: float = nan  # these five are not told of comparisons made before recipes were compared
    deletion_after: float = nan
    insertion_before: float = nan
    insertion_after: float = nan
    on_grid: bool | None = None


def compare(
    before: Attribution,
    after: Attribution,
    seeds: tuple[Sequence[int], Sequence[int]],
    seen: tuple[Seen, Seen] | None = None,
    *,
    one_recipe: bool = True,
) -> Change:
    """Compare two attributions of one photograph.

    Parameters
    ----------
    seeds : two sequences of int
        Those of each one's recipe; an attribution may have used the first few only.
    seen : two Seen, or None
        What each model saw, where their superpixels are not the same.
    one_recipe : bool
        Whether the recipes differ in nothing but seeds.
    """
    first, second = (before.labels[0], after.labels[0]) if one_recipe else _of_one_label(before, after)
    figures: dict[str, Any] = dict.fromkeys(FIGURES, nan)
    if one_recipe or first.label == second.label:
        figures = _figures((first, second), seeds, seen, tested=one_recipe)
        figures |= _judged(first, "before") | _judged(second, "after")
        if _fill(before) != _fill(after):
            figures |= dict.fromkeys((name for name in FIGURES if name.startswith(CURVES)), nan)
    return Change(
        label_before=before.predicted,
        label_after=after.predicted,
        confidence_before=before.confidence,
        confidence_after=after.confidence,
        explained_before=first.label,
        explained_after=second.label,
        verdict_before=first.judgement.words if first.judgement else None,
        verdict_after=second.judgement.words if second.judgement else None,
        on_grid=seen is not None,
        **figures,
    )


def _of_one_label(before: Attribution, after: Attribution) -> tuple[LabelAttribution, LabelAttribution]:
    """The most probable label that both explain; where there is none, that of each."""
    others = {one.label: one for one in after.labels}
    common = ((one, others[one.label]) for one in before.labels if one.label in others)
    return next(common, (before.labels[0], after.labels[0]))


def _figures(
    labels: tuple[LabelAttribution, LabelAttribution],
    seeds: tuple[Sequence[int], Sequence[int]],
    seen: tuple[Seen, Seen] | None,
    *,
    tested: bool,
) -> dict[str, Any]:
    """How the weights compare."""
    views = seen or (None, None)
    one, other = map(_replicates, labels, seeds, views)
    difference = differ(one, other) if tested and not seen else apart(one, other)
    pooled = np.stack([one.pooled, other.pooled])
    return {
        "spearman": spearman(pooled),
        "top5_jaccard": _top5(*labels, seen),
        "overlap": _overlap(pooled),
        "seeds_spearman": min(label.agreement.spearman for label in labels),
        **asdict(difference),
    }


def _fill(one: Attribution) -> str | None:
    """The fill that was chosen for it, where one was."""
    return one.fill_choice.taken if one.fill_choice else None


def _judged(label: LabelAttribution, when: str) -> dict[str, float]:
    """What the judgement says of one of the two; NaN without one."""
    if label.judgement is None:
        return dict.fromkeys((f"{name}_{when}" for name in JUDGED), nan)
    grounding, curves = label.judgement.grounding, label.judgement.curves
    areas = (curves.deletion, curves.insertion) if np.ptp(label.weights) else (nan, nan)  # all alike: in no order
    values = (grounding.background_reliance, grounding.mask_share, *areas)
    return {f"{name}_{when}": value for name, value in zip(JUDGED, values, strict=True)}


def _replicates(label: LabelAttribution, seeds: Sequence[int], view: Seen | None) -> Replicates:
    """An attribution over superpixels, or over the photograph as its model saw it."""
    pooled, by_seed = (spread(view, rows) if view else rows for rows in (label.weights, label.weights_by_seed))
    return Replicates(pooled, by_seed, seeds[: len(by_seed)])


def _overlap(pooled: Array) -> float:
    positive = pooled.clip(min=0)
    total = positive.sum(axis=1, keepdims=True)
    return float(np.min(positive / total, axis=0).sum()) if total.all() else nan


def _top5(first: LabelAttribution, second: LabelAttribution, seen: tuple[Seen, Seen] | None) -> float:
    """Of superpixels; of the area that they cover where the two models' are not the same."""
    if seen is None:
        return top_jaccard(np.stack([first.weights, second.weights]), TOP)
    strongest = [list(top_sets(label.weights[None], TOP)[0]) for label in (first, second)]
    one, other = (np.isin(view.cells(), top) for view, top in zip(seen, strongest, strict=True))
    either = (one | other).sum()
    return float((one & other).sum() / either) if either else 1.0  # two empty sets are alike, as of superpixels
