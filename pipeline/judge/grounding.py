"""Grounding: is the evidence on the object, and does the score need it?"""

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

OBJECT = (Variant("mean", "object"), Variant("blur", "object"))
KEPT = np.array([[False, True], [True, False], [False, False]])  # the object alone, the background alone, neither
SHUFFLES = 1000  # of the weights over the superpixels, for the interval that chance gives
Array = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Grounded:
    """Is the evidence on the object, and does the score need it?"""

    labels: tuple[str, ...]

    def blocks(self, scene: Scene, _: Attribution) -> list[Block]:
        """Object and background under two fills; nothing where no mask divides the canvas."""
        divided = scene.mask is not None and scene.mask.any() and not scene.mask.all()
        return [Listed.of(KEPT, variant) for variant in OBJECT] if divided else []

    def findings(self, scene: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """`grounding` of each label."""
        kept = np.stack(scores) if scores else None  # [fills, 3, c]
        columns = [self.labels.index(label.label) for label in attribution.labels]
        return [
            {"grounding": ground(scene, label.weights, None if kept is None else kept[:, :, column])}
            for label, column in zip(attribution.labels, columns, strict=True)
        ]


def ground(scene: Scene, weights: Array, kept: Array | None) -> Grounding:
    """How an attribution, float [k], lies to the scene's mask.

    Parameters
    ----------
    kept : float [fills, 3] or None
        The label's score with the object alone, the background alone, and neither, under each fill; None if the mask
        does not divide the canvas.
    """
    if scene.mask is None:
        return Grounding()
    if kept is None:
        return Grounding(mask_area=float(scene.mask.mean()))  # 0 or 1: it lies outside of the canvas, or fills it
    inside = shares_inside(scene, scene.mask)
    area, share = float(scene.mask.mean()), mask_share(weights, inside)
    low, high = _chance(weights, inside)
    return Grounding(
        mask_area=area,
        mask_share=share,
        chance_low=low,
        chance_high=high,
        pointing=float(inside[np.argmax(weights)] > 0.5) if weights.any() else float("nan"),
        object_only=float(kept[:, 0].mean()),
        background_only=float(kept[:, 1].mean()),
        background_reliance=background_reliance(kept[:, 0] - kept[:, 2], kept[:, 1] - kept[:, 2]),
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
    return float(positive @ inside / positive.sum()) if positive.any() else float("nan")


def background_reliance(alone: Array, background: Array) -> float:
    """The background's part of what the object alone and the background alone bring, neither below nothing.

    Of several fills the one kinder to the object counts on each side, for a fill may leave the object's silhouette in
    the background, or strand the object in an odd place.

    Parameters
    ----------
    alone, background : float [fills]
        The score with the object alone, the background alone, less the score of neither.

    Examples
    --------
    >>> background_reliance(np.array([0.6, 0.1]), np.array([0.9, 0.2]))
    0.25
    """
    brought, rest = max(float(np.max(alone)), 0.0), max(float(np.min(background)), 0.0)
    return round(rest / (brought + rest), 12) if brought + rest > 0 else float("nan")


def _chance(weights: Array, inside: Array) -> tuple[float, float]:
    """The middle 95 % of the mask share when the weights are dealt to the superpixels at random."""
    generator = np.random.Generator(np.random.Philox(len(weights)))
    dealt = generator.permuted(np.tile(np.clip(weights, 0, None), (SHUFFLES, 1)), axis=1)
    total = dealt[0].sum()
    if total == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(dealt @ inside / total, [0.025, 0.975])
    return float(low), float(high)
