"""The neighbourhood of a photograph: each superpixel alone off.

A surrogate describes pictures of which half is hidden. A model may answer one way while the picture is whole and
another as soon as it notices that something is hidden (Slack et al. 2020, "Fooling LIME and SHAP"): where it does so
near the photograph itself, the falls of the score with one superpixel off tell. A model that answers every picture with
something hidden as an honest one would cannot be found out by any method that hides things.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.answer.judgement import Neighbourhood
from pipeline.conversation.probe import Block, Listed, Scores
from pipeline.scene.scene import Scene

APPRECIABLE = 0.5  # of an even share of the gap: where all falls are smaller, they have nothing to agree on


@dataclass(frozen=True, slots=True)
class OneOff:
    """Does the photograph's own neighbourhood contradict the weights?"""

    labels: tuple[str, ...]

    def blocks(self, scene: Scene, _: Attribution) -> list[Block]:
        """The whole photograph, the bare fill, and each superpixel alone off; the same for all labels."""
        whole, bare = np.ones((1, scene.k), dtype=bool), np.zeros((1, scene.k), dtype=bool)
        return [Listed.of(np.concatenate([whole, bare, ~np.eye(scene.k, dtype=bool)]))]

    def findings(self, _: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """`gap`, `fill` and `neighbourhood` of each label."""
        found: list[Mapping[str, Any]] = []
        for label in attribution.labels:
            whole, bare, *off = scores[0][:, self.labels.index(label.label)].astype(float).tolist()
            near = neighbourhood(label.weights, whole - np.array(off), whole - bare)
            found.append({"gap": whole - bare, "fill": bare, "neighbourhood": near})
        return found


def neighbourhood(weights: NDArray[np.floating], falls: NDArray[np.floating], gap: float) -> Neighbourhood:
    """What the falls of a score say of the weights.

    Parameters
    ----------
    weights : float [k]
    falls : float [k]
        Of the score, with each superpixel alone off.
    gap : float
        The score's fall with all of them off.
    """
    if gap == 0:
        return Neighbourhood()
    moved = np.abs(falls).max() >= APPRECIABLE * abs(gap) / len(falls)
    return Neighbourhood(float(np.median(falls) / gap), _pearson(weights, falls) if moved else math.nan)


def _pearson(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Pearson's correlation, NaN where either does not vary.

    Ranks would count the order among superpixels that all weigh next to nothing as much as that of the strongest.
    """
    centred = np.stack([one, other]).astype(float)
    centred -= centred.mean(axis=1, keepdims=True)
    first, second = np.linalg.norm(centred, axis=1)
    return float(centred[0] @ centred[1] / (first * second)) if first * second > 0 else math.nan
