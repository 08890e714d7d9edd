"""Planted black boxes as functions of the masks alone, and a scene to ask them about."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.conversation.probe import Masks, Scores
from pipeline.explain import Predict
from pipeline.scene.scene import Scene

LABELS = ("yes", "no")


def striped(k: int = 49) -> Scene:
    """A scene of k superpixels, as far as masks can tell."""
    segments = np.repeat(np.arange(k, dtype=np.int32)[None], 8, axis=0)
    canvas = np.random.default_rng(k).integers(1, 256, (8, k, 3), dtype=np.uint8)
    return Scene(canvas, segments, np.zeros_like(canvas))


def planted(score: Callable[[Masks], NDArray[np.floating]]) -> Predict:
    """The black box whose first label scores as `score` of the masks says; the second is one less that."""

    def predict(_: Scene, masks: Masks) -> Scores:
        yes = score(masks)
        return np.stack([yes, 1 - yes], axis=1).astype(np.float32)

    return predict
