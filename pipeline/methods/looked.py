"""Looked: what methods do that read the network's inside once: ask which labels there are, then read it for them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.conversation.looks import Whole
from pipeline.conversation.probe import Evidence, Probe
from pipeline.conversation.reading import Reading
from pipeline.methods.asked import BASE_ROWS, base, chosen, named
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene


@dataclass(frozen=True, slots=True)
class Looked(ABC):
    """An explainer after a recipe, for a model with these labels, whose second probe is its last."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph and the bare fill: which labels there are to explain."""
        return Probe(scene.k, (base(scene.k),))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """What is read of the inside for these labels; then the heat map of each, laid on the superpixels."""
        asked, *read = evidence
        whole, bare = asked.scores[:BASE_ROWS]
        columns = chosen(self.recipe, self.labels, whole)
        if not read:
            return Probe(scene.k, self.looks(), reading=self.reading(columns))
        explained, inside = self.answer(scene, columns, read[0])
        evaluations = sum(one.probe.evaluations for one in evidence)
        probabilities = named(self.labels, whole), named(self.labels, bare)
        return Attribution(*probabilities, evaluations, tuple(explained), inside=inside)

    def looks(self) -> tuple[Whole, ...]:
        """What it is read of: the photograph, as it is."""
        return (Whole(),)

    @abstractmethod
    def reading(self, columns: Sequence[int]) -> Reading:
        """What is read, for the labels in these columns."""

    @abstractmethod
    def answer(
        self, scene: Scene, columns: Sequence[int], read: Evidence
    ) -> tuple[list[LabelAttribution], Mapping[str, Any]]:
        """The answer for each label from what was read, and `Attribution.inside`."""
