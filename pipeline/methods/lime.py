"""LIME: a local linear model (or any scikit-learn regressor) on superpixels switched on and off.

Ribeiro, Singh and Guestrin, "Why should I trust you?", KDD 2016, section 3.4. The seeds are replicates: each is fitted
alone for the stability, all together for the estimate. With a stopping rule they are asked in rounds, until it holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, Claim, Errors, Fit, LabelAttribution
from pipeline.conversation.probe import Draw, Evidence, Probe
from pipeline.judge.stability import stability
from pipeline.methods.asked import BASE_ROWS, base, chosen, named
from pipeline.methods.exhaustive import Exhaustive, exhausts
from pipeline.methods.method import DISPENSABLE, Method
from pipeline.methods.stopping import enough
from pipeline.methods.surrogate import Fit as Fitted
from pipeline.methods.surrogate import Sample, cross_fit, fit, jackknife, kernel, r2, r2_held_out
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene

Fits = tuple[Fitted, list[Fitted]]  # the fit to all rows, and those that leave out each seed, or fold

LEAST_FIT = 0.5  # of held-out R2: half of what the model does is in the weights
FOLDS = 5  # for the held-out fit where there is one seed only


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
        rounds = self.recipe.rounds()
        first = rounds.first if rounds else len(self.recipe.seeds)
        return Probe(scene.k, (base(scene.k), *self._draws(scene.k, 0, first)))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The next seeds, while it takes more and there are any; then the answer."""
        if exhausts(self.recipe, scene.k):
            return Exhaustive(self.recipe, self.labels).proceed(scene, evidence)
        (whole, bare), (sample, seeds) = evidence[0].scores[:BASE_ROWS], self._sample(scene, evidence)
        fits = fit(self.recipe.surrogate, sample), cross_fit(self.recipe.surrogate, sample, _blocks(seeds))
        if further := self._further(scene, int(seeds[-1]) + 1, fits):
            return further
        explained = [self.labels[index] for index in chosen(self.recipe, self.labels, whole)]
        return Attribution(
            probabilities=named(self.labels, whole),
            fill_probabilities=named(self.labels, bare),
            evaluations=sum(one.probe.n for one in evidence),
            labels=tuple(self._explained((sample, seeds), fits, explained)),
        )

    def _further(self, scene: Scene, asked: int, fits: Fits) -> Probe | None:
        """The next seeds after so many, if there are any and it takes more."""
        rounds = self.recipe.rounds()
        if rounds is None or asked == len(self.recipe.seeds) or enough(rounds, *fits):
            return None
        return Probe(scene.k, self._draws(scene.k, asked, asked + rounds.step))

    def _draws(self, k: int, first: int, last: int) -> tuple[Draw, ...]:
        return tuple(Draw(self.recipe.design, seed, self.recipe.drawn(k)) for seed in self.recipe.seeds[first:last])

    def _sample(self, scene: Scene, evidence: Sequence[Evidence]) -> tuple[Sample, NDArray[np.intp]]:
        """What the surrogate is fitted to, and the number of the seed of each row."""
        masks = np.concatenate([one.probe.masks() for one in evidence])[BASE_ROWS:]
        scores = np.concatenate([one.scores for one in evidence])
        columns = chosen(self.recipe, self.labels, scores[0])
        seeds = np.arange(len(masks)) // self.recipe.drawn(scene.k)
        weights = kernel(masks, self.recipe.kernel_width)
        return Sample(masks, scores[BASE_ROWS:, columns].astype(float), weights), seeds

    def _explained(
        self, drawn: tuple[Sample, NDArray[np.intp]], fits: Fits, explained: Sequence[str]
    ) -> list[LabelAttribution]:
        (sample, seeds), (pooled, left_out) = drawn, fits
        alone = [fit(self.recipe.surrogate, sample.at(seeds == seed)) for seed in range(seeds[-1] + 1)]
        by_seed = np.stack([one.coefficients for one in alone])
        by_seed_error = np.stack([one.std_error for one in alone])
        inside = r2(sample, pooled.predict(sample.masks))
        outside = r2_held_out(sample, _blocks(seeds), left_out)
        # The seeds are independent replicates, so leaving each out measures the pool's error without any model of it.
        errors = jackknife(left_out) if len(alone) > 1 else pooled.std_error
        return [
            LabelAttribution(
                label=name,
                weights=pooled.coefficients[c],
                errors=Errors(errors[c], by_seed[:, c]),
                fit=Fit(float(pooled.intercepts[c]), float(inside[c]), float(outside[c])),
                stability=stability(by_seed[:, c], by_seed_error[:, c]),
                claims=(follows(float(outside[c])),),
            )
            for c, name in enumerate(explained)
        ]


def follows(r2_held_out: float) -> Claim:
    """The claim of every surrogate: on masks that it has not seen it says what the model says."""
    sentence = "The simple model behind the colours does not follow the classifier: do not rely on it."
    return Claim("fidelity.r2_held_out", r2_held_out, LEAST_FIT, sentence)


def _blocks(seeds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Seeds are blocks; one seed alone is cut into folds, in even lengths so that no fold-over pair is parted."""
    if seeds[-1] > 0:
        return seeds
    return np.arange(len(seeds)) // (2 * -(-len(seeds) // (2 * FOLDS)))


METHOD = Method(
    Lime, lambda recipe: BASE_ROWS + len(recipe.seeds) * recipe.drawn(recipe.superpixels), frozenset(DISPENSABLE)
)
