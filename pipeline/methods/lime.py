"""LIME: a local linear model (or any scikit-learn regressor) on superpixels switched on and off.

Ribeiro, Singh and Guestrin, "Why should I trust you?", KDD 2016, section 3.4. The seeds are replicates: each is fitted
alone for the stability, all together for the estimate. With a stopping rule they are asked in rounds, until it holds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pipeline.answer.attribution import Attribution, Claim, LabelAttribution
from pipeline.conversation.probe import Draw, Evidence, Probe
from pipeline.methods.asked import BASE_ROWS, base, chosen, named
from pipeline.methods.exhaustive import Exhaustive, exhausts
from pipeline.methods.method import DISPENSABLE, Method
from pipeline.methods.replicates import Replicates, first, further
from pipeline.methods.surrogate import Sample, fit, kernel
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene

LEAST_FIT = 0.5  # of held-out R2: half of what the model does is in the weights


@dataclass(frozen=True, slots=True)
class Lime:
    """LIME after a recipe, for a model with these labels."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and the masks of every seed, or of the first where they are asked in
        rounds; every mask there is where superpixels are few."""
        if exhausts(self.recipe, scene.k):
            return Exhaustive(self.recipe, self.labels).open(scene)
        return Probe(scene.k, (base(scene.k), *self._draws(scene.k, first(self.recipe))))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The next seeds, while it takes more and there are any; then the answer."""
        if exhausts(self.recipe, scene.k):
            return Exhaustive(self.recipe, self.labels).proceed(scene, evidence)
        found = self._replicates(scene, evidence)
        if seeds := further(self.recipe, found):
            return Probe(scene.k, self._draws(scene.k, seeds))
        whole, bare = evidence[0].scores[:BASE_ROWS]
        explained = [self.labels[index] for index in chosen(self.recipe, self.labels, whole)]
        return Attribution(
            probabilities=named(self.labels, whole),
            fill_probabilities=named(self.labels, bare),
            evaluations=sum(one.probe.n for one in evidence),
            labels=found.explained(explained, self.recipe, _claims),
        )

    def _draws(self, k: int, seeds: Sequence[int]) -> tuple[Draw, ...]:
        return tuple(Draw(self.recipe.design, seed, self.recipe.drawn(k)) for seed in seeds)

    def _replicates(self, scene: Scene, evidence: Sequence[Evidence]) -> Replicates:
        masks = np.concatenate([one.probe.masks() for one in evidence])[BASE_ROWS:]
        scores = np.concatenate([one.scores for one in evidence])
        columns = chosen(self.recipe, self.labels, scores[0])
        sample = Sample(masks, scores[BASE_ROWS:, columns].astype(float), kernel(masks, self.recipe.kernel_width))
        seeds = np.arange(len(masks)) // self.recipe.drawn(scene.k)
        return Replicates.of(sample, seeds, partial(fit, self.recipe.surrogate))


def follows(r2_held_out: float) -> Claim:
    """The claim of every surrogate: on masks that it has not seen it says what the model says."""
    sentence = "The simple model behind the colours does not follow the classifier: do not rely on it."
    return Claim("fidelity.r2_held_out", r2_held_out, LEAST_FIT, sentence)


def _claims(label: LabelAttribution) -> tuple[Claim, ...]:
    return (follows(label.fit.r2_held_out if label.fit else math.nan),)


def planned(recipe: Recipe) -> int:
    """Evaluations that an explanation takes; at most so many where it asks in rounds."""
    k = recipe.superpixels
    return 2**k if exhausts(recipe, k) else BASE_ROWS + len(recipe.seeds) * recipe.drawn(k)


METHOD = Method(Lime, planned, frozenset(DISPENSABLE))
