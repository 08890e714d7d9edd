"""Exhaustive: every mask there is, once, where superpixels are so few that a design would only repeat them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.answer.attribution import Attribution, Fit, LabelAttribution
from pipeline.conversation.probe import Evidence, Probe
from pipeline.methods.asked import BASE_ROWS, base, chosen, every, named
from pipeline.methods.surrogate import Sample, fit, kernel, r2
from pipeline.recipe import AUTO, Recipe
from pipeline.scene.scene import Scene

FEW = 5  # superpixels, which have 32 masks


@dataclass(frozen=True, slots=True)
class Exhaustive:
    """A recipe's surrogate, fitted to all masks: no chance is left in its weights, and no mask to hold out."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and every mask."""
        return Probe(scene.k, (base(scene.k), every(scene.k)))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Attribution:
        """The fit; each mask counts as often as the seeds would have drawn it, so that a ridge shrinks as ever."""
        [shown] = evidence
        whole, bare = shown.scores[:BASE_ROWS]
        columns = chosen(self.recipe, self.labels, whole)
        masks = shown.probe.masks()[BASE_ROWS:]
        often = len(self.recipe.seeds) * self.recipe.drawn(scene.k) / len(masks)
        sample = Sample(
            masks, shown.scores[BASE_ROWS:, columns].astype(float), often * kernel(masks, self.recipe.kernel_width)
        )
        found = fit(self.recipe.surrogate, sample)
        inside = r2(sample, found.predict(masks))
        return Attribution(
            probabilities=named(self.labels, whole),
            fill_probabilities=named(self.labels, bare),
            evaluations=shown.probe.n,
            labels=tuple(
                LabelAttribution(
                    self.labels[column],
                    found.coefficients[c],
                    fit=Fit(float(found.intercepts[c]), float(inside[c]), math.nan),
                )
                for c, column in enumerate(columns)
            ),
        )


def exhausts(recipe: Recipe, k: int) -> bool:
    """Whether a recipe puts every mask of k superpixels to the model."""
    return recipe.samples == AUTO and k <= FEW
