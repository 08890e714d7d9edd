"""Variations: the explanation again under other superpixels, another fill and noise, to see what moves it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.judgement import Likeness
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.probe import Block, Evidence, Probe, Scores, shown
from pipeline.judge.sensitivity import likeness
from pipeline.recipe import QUICKSHIFT, SLIC, Recipe
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant, vary

NOISE = 2.0  # of 255: what no eye sees
SHARE = 3  # each variation is explained with a third of the seeds


@dataclass(frozen=True, slots=True)
class Variations:
    """Explain again with one choice changed, and compare with what other seeds alone change."""

    recipe: Recipe
    make: Callable[[Recipe], Explainer]  # the recipe's method, which asks once

    def blocks(self, scene: Scene, attribution: Attribution) -> list[Block]:
        """For each variation, the probe of a smaller explanation over what it shows."""
        found: list[Block] = []
        for variant in variants(self.recipe, scene.k).values():
            varied, explainer = vary(scene, variant), self._smaller(attribution, variant)
            found += [shown(block, variant, varied.k) for block in explainer.open(varied).blocks]
        return found

    def findings(self, scene: Scene, attribution: Attribution, scores: Sequence[Scores]) -> list[Mapping[str, Any]]:
        """`sensitivity` of each label: how like the explanation is under each variation, and under other seeds."""
        rest = list(scores)
        found = [self._other_seeds(scene, label) for label in attribution.labels]
        for name, variant in variants(self.recipe, scene.k).items():
            varied, explainer = vary(scene, variant), self._smaller(attribution, variant)
            probe = explainer.open(varied)
            answers, rest = rest[: len(probe.blocks)], rest[len(probe.blocks) :]
            step = explainer.proceed(varied, [Evidence(probe, np.concatenate(answers))])
            if isinstance(step, Probe):
                raise ValueError(
                    f"recipe: method {self.recipe.method} asks again, so it cannot be thorough; leave it out"
                )
            again = {one.label: one for one in step.labels}
            for mine, label in zip(found, attribution.labels, strict=True):
                now = (varied.segments, self._mean(again[label.label]))
                mine[name] = likeness((scene.segments, self._mean(label)), now)
        return [{"sensitivity": mine} for mine in found]

    def _smaller(self, attribution: Attribution, variant: Variant) -> Explainer:
        """A smaller explanation, which knows that the choice is another one: a method may have looks of its own."""
        made = smaller(self.recipe)
        fill, segmenter = variant.fill or made.fill, variant.segmenter or made.segmenter
        labels = tuple(label.label for label in attribution.labels)
        return self.make(replace(made, labels=labels, fill=fill, segmenter=segmenter))

    def _other_seeds(self, scene: Scene, label: LabelAttribution) -> dict[str, Likeness]:
        """What chance alone changes: the first third of the seeds against the next."""
        others = label.weights_by_seed[few(self.recipe) : 2 * few(self.recipe)]
        if not len(others):
            return {}
        return {"seeds": likeness((scene.segments, self._mean(label)), (scene.segments, others.mean(axis=0)))}

    def _mean(self, label: LabelAttribution) -> NDArray[np.float64]:
        """Of the first third of the seeds, which see the same masks wherever the superpixels are the same."""
        first = label.weights_by_seed[: few(self.recipe)]
        return np.asarray(first.mean(axis=0)) if len(first) else label.weights


def few(recipe: Recipe) -> int:
    """How many seeds a variation is explained with: a third of those that are asked in any case."""
    rounds = recipe.rounds()
    return max(1, (rounds.first if rounds else len(recipe.seeds)) // SHARE)


def smaller(recipe: Recipe) -> Recipe:
    """The recipe that a variation is explained by: with few seeds, all at once."""
    return replace(recipe, seeds=recipe.seeds[: few(recipe)], stopping=None)


def variants(recipe: Recipe, k: int) -> dict[str, Variant]:
    """What is changed, by name: each of two other segmenters, the fill, and the canvas itself."""
    others = {
        "slic": SLIC,
        "quickshift": QUICKSHIFT,
        "grid": {"name": "grid", "n_segments": k},
    }
    others.pop(recipe.segmenter["name"], None)
    fill = "mean" if recipe.fill == "blur" else "blur"
    segmenters = {f"segmenter:{name}": Variant(recipe.fill, segmenter=others[name]) for name in list(others)[-2:]}
    return segmenters | {f"fill:{fill}": Variant(fill), f"noise:{NOISE:g}": Variant(noise=NOISE)}


def planned(recipe: Recipe, explanation: Callable[[Recipe], int]) -> int:
    """Evaluations that the variations take, however many labels are explained, where an explanation takes so many."""
    return len(variants(recipe, 1)) * explanation(smaller(recipe))
