"""Replicates: masks drawn under several seeds, fitted all together, each seed alone, and all but each.

The pool is the estimate. Each seed alone shows whether another run would have said the same; leaving each out measures
the error of the pool, and predicts masks that the fit has not seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.answer import attribution
from pipeline.answer.attribution import Claim, Errors, LabelAttribution
from pipeline.answer.stopped import Stopped
from pipeline.judge.stability import stability
from pipeline.methods.stopping import stopped
from pipeline.methods.surrogate import Fit, Sample, cross_fit, jackknife, r2, r2_held_out
from pipeline.recipe import Recipe

Array = NDArray[np.float64]
Explained = tuple[LabelAttribution, ...]

FOLDS = 5  # for the held-out fit where there is one seed only


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """What was drawn, and the fits to it.

    Attributes
    ----------
    sample : Sample
        Every seed's rows, one seed after another.
    seeds : int [n]
        The number of the seed of each row, 0..s-1.
    fit : Sample -> Fit
    pooled : Fit
        To all rows.
    left_out : sequence of Fit
        To all rows but those of each seed; of one seed, of each fold.
    """

    sample: Sample
    seeds: NDArray[np.intp]
    fit: Callable[[Sample], Fit]
    pooled: Fit
    left_out: Sequence[Fit]

    @classmethod
    def of(cls, sample: Sample, seeds: NDArray[np.intp], fit: Callable[[Sample], Fit]) -> Self:
        """Fit to the pool and to all but each; raises ValueError where `fit` does."""
        return cls(sample, seeds, fit, fit(sample), cross_fit(fit, sample, blocks(seeds)))

    @property
    def asked(self) -> int:
        """How many seeds there are."""
        return int(self.seeds[-1]) + 1

    def errors(self) -> Array:
        """Standard errors of the pooled weights, [c, k].

        The seeds are independent, so leaving each out measures the pool's error without any model of it.
        """
        return jackknife(self.left_out) if self.asked > 1 else self.pooled.std_error

    def ends(self, recipe: Recipe) -> list[Stopped | None]:
        """Why no more seeds are asked for each label; None where more are, or the recipe asks all at once."""
        rounds = recipe.rounds()
        if rounds is None:
            return [None] * len(self.pooled.coefficients)
        return stopped(rounds, self.pooled, self.left_out, len(recipe.seeds))

    def explained(
        self, labels: Sequence[str], recipe: Recipe, claims: Callable[[LabelAttribution], tuple[Claim, ...]]
    ) -> Explained:
        """The answer for each label, in the order of the scores' columns, with the claims that a method makes of it."""
        alone = [self.fit(self.sample.at(self.seeds == seed)) for seed in range(self.asked)]
        by_seed = np.stack([one.coefficients for one in alone], axis=1)  # [c, seeds, k]
        by_seed_error = np.stack([one.std_error for one in alone], axis=1)
        inside = r2(self.sample, self.pooled.predict(self.sample.masks))
        outside = r2_held_out(self.sample, blocks(self.seeds), self.left_out)
        errors, ends = self.errors(), self.ends(recipe)
        found = [
            LabelAttribution(
                label=name,
                weights=self.pooled.coefficients[c],
                errors=Errors(errors[c], by_seed[c]),
                fit=attribution.Fit(float(self.pooled.intercepts[c]), float(inside[c]), float(outside[c])),
                stability=replace(stability(by_seed[c], by_seed_error[c]), stopped=ends[c]),
            )
            for c, name in enumerate(labels)
        ]
        return tuple(replace(one, claims=claims(one)) for one in found)


def blocks(seeds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Seeds are blocks; one seed alone is cut into folds, in even lengths so that no fold-over pair is parted."""
    if seeds[-1] > 0:
        return seeds
    return np.arange(len(seeds)) // (2 * -(-len(seeds) // (2 * FOLDS)))


def first(recipe: Recipe) -> tuple[int, ...]:
    """The seeds that are asked in any case: all, or those of the first round."""
    rounds = recipe.rounds()
    return recipe.seeds[: rounds.first if rounds else len(recipe.seeds)]


def further(recipe: Recipe, found: Replicates) -> tuple[int, ...]:
    """The seeds of the next round; none where there are none, or more would settle nothing."""
    rounds = recipe.rounds()
    if rounds is None or all(found.ends(recipe)):
        return ()
    return recipe.seeds[found.asked : found.asked + rounds.step]
