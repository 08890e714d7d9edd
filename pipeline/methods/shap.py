"""KernelSHAP: Shapley values of superpixels.

A superpixel's Shapley value is what the score gains when it is shown, averaged over all orders in which superpixels may
be shown one after another; together they are f(canvas) - f(fill), to the last bit. Masks of all sizes are asked alike
often, each with its complement (Musco and Witter 2025: `pipeline.conversation.designs.shapley`). The seeds are
replicates as LIME's are, and asked in rounds where there is a stopping rule.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.answer.attribution import Attribution, Claim, LabelAttribution
from pipeline.answer.attribution import Fit as Fitted
from pipeline.conversation.probe import Draw, Evidence, Probe
from pipeline.methods.asked import BASE_ROWS, base, chosen, every, named
from pipeline.methods.method import Method
from pipeline.methods.replicates import Explained, Replicates, first, further
from pipeline.methods.shapley import Game
from pipeline.methods.surrogate import Sample, r2
from pipeline.recipe import AUTO, USUAL, Recipe
from pipeline.scene.scene import Scene

RELIABLE = 0.5  # half of what the values differ by is no chance


@dataclass(frozen=True, slots=True)
class Shap:
    """KernelSHAP after a recipe, for a model with these labels."""

    recipe: Recipe
    labels: tuple[str, ...]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, the bare fill, and the masks of the seeds that are asked in any case; or every mask
        there is, where that is no more than a plan counts for them."""
        if exhausts(self.recipe, scene.k):
            return Probe(scene.k, (base(scene.k), every(scene.k)))
        return Probe(scene.k, (base(scene.k), *self._draws(scene.k, first(self.recipe))))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The next seeds, while it takes more and there are any; then the answer."""
        whole, bare = evidence[0].scores[:BASE_ROWS]
        columns = chosen(self.recipe, self.labels, whole)
        game = Game(whole[columns].astype(float), bare[columns].astype(float))
        sample, explained = self._sample(game, columns, evidence), [self.labels[column] for column in columns]
        if exhausts(self.recipe, scene.k):
            answers = _exact(game, sample, explained)
        else:
            found = Replicates.of(sample, np.arange(len(sample.masks)) // drawn(self.recipe, scene.k), game.values)
            if seeds := further(self.recipe, found):
                return Probe(scene.k, self._draws(scene.k, seeds))
            answers = found.explained(explained, self.recipe, _claims)
        evaluations = sum(one.probe.n for one in evidence)
        return Attribution(named(self.labels, whole), named(self.labels, bare), evaluations, answers)

    def _draws(self, k: int, seeds: Sequence[int]) -> tuple[Draw, ...]:
        return tuple(Draw("shapley", seed, drawn(self.recipe, k)) for seed in seeds)

    def _sample(self, game: Game, columns: Sequence[int], evidence: Sequence[Evidence]) -> Sample:
        masks = np.concatenate([one.probe.masks() for one in evidence])[BASE_ROWS:]
        scores = np.concatenate([one.scores for one in evidence])[BASE_ROWS:, columns]
        return game.sample(masks, scores.astype(float))


def drawn(recipe: Recipe, k: int) -> int:
    """Masks drawn under each seed: `auto` is twice as many as of LIME's design, which is orthogonal."""
    return recipe.drawn(k) * (2 if recipe.samples == AUTO else 1)


def exhausts(recipe: Recipe, k: int) -> bool:
    """Whether every mask of k superpixels is asked: they are no more than the seeds asked in any case usually draw."""
    return bool(2**k <= len(first(recipe)) * drawn(recipe, USUAL))


def planned(recipe: Recipe) -> int:
    """Evaluations that an explanation takes; at most so many where it asks in rounds."""
    k = recipe.superpixels
    return 2**k if exhausts(recipe, k) else BASE_ROWS + len(recipe.seeds) * drawn(recipe, k)


def reliability(label: LabelAttribution) -> float:
    """The share of the variance of the values that is no error of them; NaN where they do not vary.

    The reliability of classical test theory (Lord and Novick 1968), each superpixel a person and each seed a test.
    """
    varied = float(label.weights.var())
    return 1 - float((label.std_error**2).mean()) / varied if varied else math.nan


def _claims(label: LabelAttribution) -> tuple[Claim, ...]:
    """None of one seed, whose error nobody knows."""
    if len(label.weights_by_seed) < 2:
        return ()
    sentence = "Other masks would give other colours: too few were asked to rely on these."
    return (Claim("reliability", reliability(label), RELIABLE, sentence),)


def _exact(game: Game, sample: Sample, explained: Sequence[str]) -> Explained:
    """The answer from every mask: nothing is left to chance, and nothing to hold out."""
    found = game.values(sample)
    inside = r2(sample, found.predict(sample.masks)) if sample.weights.any() else [math.nan] * len(explained)
    return tuple(
        LabelAttribution(
            name, found.coefficients[c], fit=Fitted(float(found.intercepts[c]), float(inside[c]), math.nan)
        )
        for c, name in enumerate(explained)
    )


METHOD = Method(Shap, planned, frozenset({"samples", "seeds", "stopping"}))
