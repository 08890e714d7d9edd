"""Removal: deletion and insertion curves in the order of the weights, beside the same in a random order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.attribution import Attribution
from pipeline.faithfulness import STEPS, area, at_random, deletion, heaviest_first, insertion
from pipeline.judgement import Curves
from pipeline.methods.examination import Scores
from pipeline.probe import Block, Listed
from pipeline.scene import Scene
from pipeline.variant import Variant

PLANNED = 4 * (STEPS + 1)  # evaluations for one label: two curves, each by weight and at random
BLURRED = Variant("blur")


@dataclass(frozen=True, slots=True)
class Removal:
    """Take the evidence away, and show it alone: does the score follow? See `pipeline.faithfulness`."""

    labels: tuple[str, ...]
    seed: int

    def blocks(self, scene: Scene, attribution: Attribution) -> list[Block]:
        """A deletion curve for the random order and each label's, and an insertion curve for each."""
        orders = [at_random(scene.k, self.seed), *(heaviest_first(label.weights) for label in attribution.labels)]
        deletions = [Listed.of(deletion(order)) for order in orders]
        return [*deletions, *(Listed.of(insertion(order), BLURRED) for order in orders)]

    def findings(self, scene: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """`curves` of each label."""
        deletions, insertions = scores[: len(scores) // 2], scores[len(scores) // 2 :]
        found: list[Mapping[str, Any]] = []
        for place, label in enumerate(attribution.labels, start=1):
            column = self.labels.index(label.label)
            curves = (deletions[place], deletions[0], insertions[place], insertions[0])
            found.append({"curves": Curves(*(area(curve[:, column], scene.k) for curve in curves))})
        return found
