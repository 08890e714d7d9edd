"""LIME: a local linear model (or any scikit-learn regressor) on superpixels switched on and off.

Ribeiro, Singh and Guestrin, "Why should I trust you?", KDD 2016, section 3.4. The seeds are replicates: each is fitted
alone for the stability, all together for the estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.attribution import Attribution, Fidelity, LabelAttribution
from pipeline.probe import Draw, Evidence, Listed, Probe
from pipeline.recipe import Recipe
from pipeline.scene import Scene
from pipeline.stability import stability
from pipeline.surrogate import Sample, check, cross_fit, fit, jackknife, kernel, r2, r2_held_out

BASE_ROWS = 2  # every probe begins with the whole photograph and the bare fill
FOLDS = 5  # for the held-out fit where there is one seed only


@dataclass(frozen=True, slots=True)
class Lime:
    """LIME after a recipe, for a model with these labels."""

    recipe: Recipe
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        check(self.recipe.surrogate)

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and the masks of every seed."""
        base = Listed.of(np.repeat([[True], [False]], scene.k, axis=1))
        draws = [Draw(self.recipe.design, seed, self.recipe.samples) for seed in self.recipe.seeds]
        return Probe(scene.k, (base, *draws))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Attribution:
        """The attribution that the answers give; LIME asks once."""
        probe, scores = evidence[0].probe, evidence[0].scores
        chosen = self._chosen(scores[0])
        masks = probe.masks(BASE_ROWS)
        sample = Sample(masks, scores[BASE_ROWS:, chosen].astype(float), kernel(masks, self.recipe.kernel_width))
        named = [self.labels[index] for index in chosen]
        return Attribution(
            probabilities=self._named(scores[0]),
            fill_probabilities=self._named(scores[1]),
            evaluations=probe.n,
            labels=tuple(self._judged(sample, named)),
        )

    def _judged(self, sample: Sample, named: Sequence[str]) -> list[LabelAttribution]:
        seeds = np.repeat(np.arange(len(self.recipe.seeds)), self.recipe.samples)
        pooled = fit(self.recipe.surrogate, sample)
        alone = [fit(self.recipe.surrogate, sample.at(seeds == s)) for s in range(len(self.recipe.seeds))]
        by_seed = np.stack([one.coefficients for one in alone])
        by_seed_error = np.stack([one.std_error for one in alone])
        inside = r2(sample, pooled.predict(sample.masks))
        blocks = _blocks(seeds)
        left_out = cross_fit(self.recipe.surrogate, sample, blocks)
        outside = r2_held_out(sample, blocks, left_out)
        # The seeds are independent replicates, so leaving each out measures the pool's error without any model of it.
        errors = jackknife(left_out) if len(alone) > 1 else pooled.std_error
        return [
            LabelAttribution(
                label=name,
                weights=pooled.coefficients[c],
                std_error=errors[c],
                weights_by_seed=by_seed[:, c],
                intercept=float(pooled.intercepts[c]),
                fidelity=Fidelity(float(inside[c]), float(outside[c])),
                stability=stability(by_seed[:, c], by_seed_error[:, c]),
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


def _blocks(seeds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Seeds are blocks; one seed alone is cut into folds, in even lengths so that no fold-over pair is parted."""
    if seeds[-1] > 0:
        return seeds
    return np.arange(len(seeds)) // (2 * -(-len(seeds) // (2 * FOLDS)))
