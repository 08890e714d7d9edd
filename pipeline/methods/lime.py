"""LIME: a local linear model (or any scikit-learn regressor) on superpixels switched on and off.

Ribeiro, Singh and Guestrin, "Why should I trust you?", KDD 2016, section 3.4. The seeds are replicates: each is fitted
alone for the stability, all together for the estimate. With a stopping rule they are asked in rounds, until it holds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, Claim, Errors, Fit, LabelAttribution
from pipeline.conversation.probe import Block, Draw, Evidence, Listed, Probe
from pipeline.judge.stability import stability
from pipeline.methods.method import Method
from pipeline.methods.stopping import enough
from pipeline.methods.surrogate import Fit as Fitted
from pipeline.methods.surrogate import Sample, cross_fit, fit, jackknife, kernel, r2, r2_held_out
from pipeline.recipe import AUTO, Recipe
from pipeline.scene.scene import Scene

BASE_ROWS = 2  # every probe begins with the whole photograph and the bare fill
LEAST_FIT = 0.5  # of held-out R2: half of what the model does is in the weights
FEW = 5  # superpixels have 32 masks, which any design would only repeat
FOLDS = 5  # for the held-out fit where there is one seed only


@dataclass(frozen=True, slots=True)
class Lime:
    """LIME after a recipe, for a model with these labels."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and the masks of every seed, or of the first where they are asked in
        rounds; every mask there is where superpixels are few."""
        rounds = self.recipe.rounds()
        base = Listed.of(np.repeat([[True], [False]], scene.k, axis=1))
        return Probe(scene.k, (base, *self._draws(scene.k, 0, rounds.first if rounds else len(self.recipe.seeds))))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The next seeds, while it takes more and there are any; then the answer."""
        return self._further(scene, evidence) or self.answer(scene, evidence)

    def answer(self, scene: Scene, evidence: Sequence[Evidence]) -> Attribution:
        """The attribution that the scores so far give."""
        base, (sample, seeds) = evidence[0].scores, self._sample(scene, evidence)
        named = [self.labels[index] for index in self._chosen(base[0])]
        explained = self._counted if self._exhausts(scene.k) else self._explained
        return Attribution(
            probabilities=self._named(base[0]),
            fill_probabilities=self._named(base[1]),
            evaluations=sum(one.probe.n for one in evidence),
            labels=tuple(explained(sample, seeds, named)),
        )

    def _exhausts(self, k: int) -> bool:
        """Whether there are so few masks that all are put to the model, once."""
        return self.recipe.samples == AUTO and k <= FEW

    def _further(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | None:
        rounds = self.recipe.rounds()
        if rounds is None or self._exhausts(scene.k):
            return None
        asked = (sum(one.probe.n for one in evidence) - BASE_ROWS) // self.recipe.drawn(scene.k)
        if asked == len(self.recipe.seeds) or enough(rounds, *self._fits(*self._sample(scene, evidence))):
            return None
        return Probe(scene.k, self._draws(scene.k, asked, asked + rounds.step))

    def _draws(self, k: int, first: int, last: int) -> tuple[Block, ...]:
        if self._exhausts(k):
            return (Listed.of(np.array(list(product([True, False], repeat=k)))),)
        return tuple(Draw(self.recipe.design, seed, self.recipe.drawn(k)) for seed in self.recipe.seeds[first:last])

    def _sample(self, scene: Scene, evidence: Sequence[Evidence]) -> tuple[Sample, NDArray[np.intp]]:
        """What the surrogate is fitted to, and the number of the seed of each row."""
        masks = np.concatenate([one.probe.masks() for one in evidence])[BASE_ROWS:]
        scores = np.concatenate([one.scores for one in evidence])
        chosen = scores[BASE_ROWS:, self._chosen(scores[0])].astype(float)
        seeds = np.arange(len(masks)) // (len(masks) if self._exhausts(scene.k) else self.recipe.drawn(scene.k))
        return Sample(masks, chosen, kernel(masks, self.recipe.kernel_width)), seeds

    def _fits(self, sample: Sample, seeds: NDArray[np.intp]) -> tuple[Fitted, list[Fitted]]:
        """The fit to all rows, and those that leave out each seed, or fold."""
        return fit(self.recipe.surrogate, sample), cross_fit(self.recipe.surrogate, sample, _blocks(seeds))

    def _counted(self, sample: Sample, _: NDArray[np.intp], named: Sequence[str]) -> list[LabelAttribution]:
        """From all masks there are: no chance is left in the weights, and no mask to hold out.

        Each counts as often as the seeds would have drawn it, so that the ridge shrinks no more than it does else.
        """
        often = len(self.recipe.seeds) * self.recipe.drawn(sample.masks.shape[1]) / len(sample.masks)
        whole = fit(self.recipe.surrogate, replace(sample, weights=often * sample.weights))
        inside = r2(sample, whole.predict(sample.masks))
        return [
            LabelAttribution(
                name, whole.coefficients[c], fit=Fit(float(whole.intercepts[c]), float(inside[c]), math.nan)
            )
            for c, name in enumerate(named)
        ]

    def _explained(self, sample: Sample, seeds: NDArray[np.intp], named: Sequence[str]) -> list[LabelAttribution]:
        pooled, left_out = self._fits(sample, seeds)
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
            for c, name in enumerate(named)
        ]

    def _chosen(self, base: NDArray[np.float32]) -> list[int]:
        """The columns of the labels explained, the most probable first."""
        wanted = self.recipe.labels
        order: list[int] = np.argsort(-base, kind="stable").tolist()
        if wanted in ("top", "all"):
            return order[:1] if wanted == "top" else order
        names = [wanted] if isinstance(wanted, str) else wanted
        return [index for index in order if self.labels[index] in names]

    def _named(self, row: NDArray[np.float32]) -> dict[str, float]:
        return dict(zip(self.labels, row.astype(float).tolist(), strict=True))


def follows(r2_held_out: float) -> Claim:
    """The claim of every surrogate: on masks that it has not seen it says what the model says."""
    sentence = "The simple model behind the colours does not follow the classifier: do not rely on it."
    return Claim("fidelity.r2_held_out", r2_held_out, LEAST_FIT, sentence)


def _blocks(seeds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Seeds are blocks; one seed alone is cut into folds, in even lengths so that no fold-over pair is parted."""
    if seeds[-1] > 0:
        return seeds
    return np.arange(len(seeds)) // (2 * -(-len(seeds) // (2 * FOLDS)))


METHOD = Method(Lime, lambda recipe: BASE_ROWS + len(recipe.seeds) * recipe.drawn(recipe.superpixels))
