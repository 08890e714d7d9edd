"""Grounding: is the evidence on the object, and does the score need it?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.answer.judgement import Grounding
from pipeline.conversation.probe import Block, Listed, Scores
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant

# Of a lattice, a mean colour or a blur leaves the silhouette, which a model may go by; continued from its surroundings
# the object is gone, and so is it from the background.
FILLS = (Variant("mean", "object"), Variant("blur", "object"), Variant("surroundings", "object"))
KEPT = np.array([[False, True], [True, False], [False, False]])  # the object alone, the background alone, neither
PLANNED = len(FILLS) * len(KEPT)  # evaluations
LEAST = 0.05  # of a score: a share of less is a share of noise
SHUFFLES = 1000  # of the weights over the superpixels, for the interval that chance gives
Array = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Grounded:
    """Is the evidence on the object, and does the score need it?"""

    labels: tuple[str, ...]

    def blocks(self, scene: Scene, _: Attribution) -> list[Block]:
        """The object alone, the background alone and neither, under each fill; nothing where no mask divides them."""
        divided = scene.mask is not None and scene.mask.any() and not scene.mask.all()
        return [Listed.of(KEPT, variant) for variant in FILLS] if divided else []

    def findings(self, scene: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """`grounding` of each label."""
        found: list[Mapping[str, Any]] = []
        for label in attribution.labels:
            kept = np.stack([fill[:, self.labels.index(label.label)] for fill in scores]) if scores else None
            whole = attribution.probabilities[label.label]
            found.append({"grounding": ground(scene, label.weights, kept, whole)})
        return found


def ground(scene: Scene, weights: Array, kept: Array | None, whole: float) -> Grounding:
    """How an attribution lies to the scene's mask, and what the score needs.

    Parameters
    ----------
    scene : Scene
        Its mask says where the object is.
    weights : float [k]
        Of one label; only what is positive counts as evidence for it.
    kept : float [fills, 3] or None
        The label's score with the object alone, the background alone, and neither, under each of `FILLS`; None if the
        mask does not divide the canvas.
    whole : float
        The label's score for the photograph.

    Returns
    -------
    Grounding
        All NaN without a mask or without `kept`.
    """
    if scene.mask is None:
        return Grounding()
    if kept is None:
        return Grounding(mask_area=float(scene.mask.mean()))  # 0 or 1: it lies outside of the canvas, or fills it
    inside = shares_inside(scene, scene.mask)
    area, share = float(scene.mask.mean()), mask_share(weights, inside)
    low, high = _chance(weights, inside, scene.fingerprint)
    return Grounding(
        mask_area=area,
        mask_share=share,
        chance_low=low,
        chance_high=high,
        pointing=float(inside[np.argmax(weights)] > 0.5) if weights.any() else math.nan,
        object_only=float(kept[:, 0].mean()),
        background_only=float(kept[-1, 1]),
        background_reliance=background_reliance(kept.astype(float), whole),
        lift=share / area,
    )


def shares_inside(scene: Scene, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each superpixel the share of its pixels that lie inside a mask, bool [h, w]; float64 [k]."""
    flat = scene.segments.ravel()
    return np.asarray(np.bincount(flat, mask.ravel()) / np.bincount(flat))


def mask_share(weights: Array, inside: Array) -> float:
    """Share of the positive weight inside a mask, each superpixel's spread evenly over its pixels; NaN without any.

    Examples
    --------
    >>> mask_share(np.array([3.0, 1.0, -5.0]), np.array([1.0, 0.0, 1.0]))
    0.75
    """
    positive = np.clip(weights, 0, None)
    return float(positive @ inside / positive.sum()) if positive.any() else math.nan


def background_reliance(kept: Array, whole: float) -> float:
    """The background's Shapley share of what object and background bring together, 0..1.

    Of two players who bring v(B) and v(O) alone, v() neither and v(OB) both, the background's Shapley value (Shapley
    1953) is the mean of v(B) - v() and v(OB) - v(O), of v(OB) - v() in all. The first is taken with the object
    continued from its surroundings, so that no silhouette of it speaks for the background; the second over all fills. A
    model that needs both, as a product does, has 1/2. NaN where both together bring next to nothing under every fill.

    Parameters
    ----------
    kept : float [fills, 3]
        The score with the object alone, the background alone, and neither, under each of `FILLS`.
    whole : float
        The score of the photograph.

    Examples
    --------
    >>> background_reliance(np.array([[0.75, 0.25, 0.0]]), 1.0)
    0.25
    """
    _, alone, bare = kept[-1]
    objects, _, neither = kept.mean(axis=0)
    halves = np.array([_part(alone - bare, whole - bare), _part(whole - objects, whole - neither)])
    known = halves[~np.isnan(halves)]
    return round(float(np.clip(known.mean(), 0, 1)), 12) if len(known) else math.nan


def _part(of: float, together: float) -> float:
    return of / together if together >= LEAST else math.nan


def _chance(weights: Array, inside: Array, key: int) -> tuple[float, float]:
    """The middle 95 % of the mask share when the weights are dealt to the superpixels at random."""
    generator = np.random.Generator(np.random.Philox([len(weights), key]))
    dealt = generator.permuted(np.tile(np.clip(weights, 0, None), (SHUFFLES, 1)), axis=1)
    total = dealt[0].sum()
    if total == 0:
        return math.nan, math.nan
    low, high = np.quantile(dealt @ inside / total, [0.025, 0.975])
    return float(low), float(high)
