"""LIME: a local linear model (or any scikit-learn regressor) on superpixels switched on and off.

Ribeiro, Singh and Guestrin, "Why should I trust you?", KDD 2016, section 3.4. The seeds are replicates: each is fitted
alone for the stability, all together for the estimate. With a stopping rule they are asked in rounds, until it holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, Claim, Errors, Fit, LabelAttribution
from pipeline.conversation.probe import Draw, Evidence, Listed, Probe
from pipeline.judge.stability import stability
from pipeline.methods.method import DISPENSABLE, Method
from pipeline.methods.stopping import enough
from pipeline.methods.surrogate import Fit as Fitted
from pipeline.methods.surrogate import Sample, cross_fit, fit, jackknife, kernel, r2, r2_held_out
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene

Fits = tuple[Fitted, list[Fitted]]  # the fit to all rows, and those that leave out each seed, or fold

BASE_ROWS = 2  # every probe begins with the whole photograph and the bare fill
LEAST_FIT = 0.5  # of held-out R2: half of what the model does is in the weights
FOLDS = 5  # for the held-out fit where there is one seed only


@dataclass(frozen=True, slots=True)
class Lime:
    """LIME after a recipe, for a model with these labels."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and the masks of every seed, or of the first where they are asked in
        rounds."""
        rounds = self.recipe.rounds()
        base = Listed.of(np.repeat([[True], [False]], scene.k, axis=1))
        return Probe(scene.k, (base, *self._draws(0, rounds.first if rounds else len(self.recipe.seeds))))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The next seeds, while it takes more and there are any; then the answer."""
        base, (sample, seeds) = evidence[0].scores, self._sample(evidence)
        fits = fit(self.recipe.surrogate, sample), cross_fit(self.recipe.surrogate, sample, _blocks(seeds))
        if further := self._further(scene, int(seeds[-1]) + 1, fits):
            return further
        named = [self.labels[index] for index in self._chosen(base[0])]
        return Attribution(
            probabilities=self._named(base[0]),
            fill_probabilities=self._named(base[1]),
            evaluations=sum(one.probe.n for one in evidence),
            labels=tuple(self._explained((sample, seeds), fits, named)),
        )

    def _further(self, scene: Scene, asked: int, fits: Fits) -> Probe | None:
        """The next seeds after so many, if there are any and it takes more."""
        rounds = self.recipe.rounds()
        if rounds is None or asked == len(self.recipe.seeds) or enough(rounds, *fits):
            return None
        return Probe(scene.k, self._draws(asked, asked + rounds.step))

    def _draws(self, first: int, last: int) -> tuple[Draw, ...]:
        return tuple(Draw(self.recipe.design, seed, self.recipe.samples) for seed in self.recipe.seeds[first:last])

    def _sample(self, evidence: Sequence[Evidence]) -> tuple[Sample, NDArray[np.intp]]:
        """What the surrogate is fitted to, and the number of the seed of each row."""
        masks = np.concatenate([one.probe.masks() for one in evidence])[BASE_ROWS:]
        scores = np.concatenate([one.scores for one in evidence])
        chosen = scores[BASE_ROWS:, self._chosen(scores[0])].astype(float)
        seeds = np.arange(len(masks)) // self.recipe.samples
        return Sample(masks, chosen, kernel(masks, self.recipe.kernel_width)), seeds

    def _explained(
        self, drawn: tuple[Sample, NDArray[np.intp]], fits: Fits, named: Sequence[str]
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


METHOD = Method(Lime, lambda recipe: BASE_ROWS + len(recipe.seeds) * recipe.samples, frozenset(DISPENSABLE))
