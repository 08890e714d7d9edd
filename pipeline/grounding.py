"""Grounding: is the evidence on the object?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.attribution import Attribution
from pipeline.profile import Profile
from pipeline.scene import Scene


@dataclass(frozen=True, slots=True)
class Grounding:
    """How an attribution lies to a photograph's mask.

    mask_area is the share of the canvas that the mask covers: what evidence spread evenly would give. mask_shares has
    for each label explained the share of its positive weight inside, see `mask_share`.
    """

    mask_area: float
    mask_shares: tuple[float | None, ...]


def grounding(scene: Scene, attribution: Attribution, mask: NDArray[np.bool_]) -> Grounding:
    """How an attribution lies to a mask, bool [h, w], on the canvas."""
    shares = tuple(mask_share(scene, label.weights, mask) for label in attribution.labels)
    return Grounding(float(mask.mean()), shares)


def canvas_mask(profile: Profile, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A photograph's mask, bool [H, W], on the canvas, bool [h, w]: a pixel is in if at least half of it was."""
    shades = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    return np.asarray(profile.canvas(shades)[..., 0] > 127)


def mask_share(scene: Scene, weights: NDArray[np.floating], mask: NDArray[np.bool_]) -> float | None:
    """Share of the positive weight that lies inside a mask, each superpixel's weight spread evenly over its pixels.

    Parameters
    ----------
    weights : float [k]
    mask : bool [h, w], on the canvas

    Returns
    -------
    0..1, or None where no weight is positive.
    """
    flat = scene.segments.ravel()
    inside = np.bincount(flat, mask.ravel()) / np.bincount(flat)
    positive = np.clip(weights, 0, None)
    return float(positive @ inside / positive.sum()) if positive.sum() > 0 else None
