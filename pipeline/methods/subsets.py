"""Subsets: MuFidelity, a random fifth of the superpixels taken away two hundred times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.attribution import Attribution
from pipeline.faithfulness import SUBSETS, mu_fidelity, subsets
from pipeline.methods.examination import Scores
from pipeline.probe import Block, Listed
from pipeline.scene import Scene

PLANNED = SUBSETS


@dataclass(frozen=True, slots=True)
class Subsets:
    """Does the score fall by as much as the weights taken away say? See `pipeline.faithfulness.mu_fidelity`."""

    labels: tuple[str, ...]
    seed: int

    def blocks(self, scene: Scene, _: Attribution) -> list[Block]:
        """One block, the same for all labels."""
        return [Listed.of(subsets(scene.k, self.seed))]

    def findings(self, scene: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """`mu_fidelity` of each label."""
        masks = subsets(scene.k, self.seed)
        return [
            {"mu_fidelity": mu_fidelity(label.weights, masks, scores[0][:, self.labels.index(label.label)])}
            for label in attribution.labels
        ]
