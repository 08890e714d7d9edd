"""Grounded: the object alone and the background alone, where the object's mask is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.attribution import Attribution
from pipeline.grounding import ground
from pipeline.methods.examination import Scores
from pipeline.probe import Block, Listed
from pipeline.scene import Scene
from pipeline.variant import Variant

OBJECT = (Variant("mean", "object"), Variant("blur", "object"))
KEPT = np.array([[False, True], [True, False], [False, False]])  # the object alone, the background alone, neither


@dataclass(frozen=True, slots=True)
class Grounded:
    """Is the evidence on the object, and does the score need it? See `pipeline.grounding`."""

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
