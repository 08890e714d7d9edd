"""Chosen fill: ask the model which fill is the least of an answer, and have the conversation with that one.

A fill that the model takes for the label is no picture with something taken away: weights are measured against it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.answer.attribution import Attribution, FillChoice
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.probe import Block, Evidence, Listed, Probe, Scatter, shown
from pipeline.methods.asked import chosen
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant, vary

PURPOSE = "fill"
CANDIDATES = ("mean", "blur", "black", "grey", "noise")  # of two alike the first is taken


@dataclass(frozen=True, slots=True)
class ChosenFill:
    """A recipe's conversation, tests and all, about the scene with the fill least taken for the first label."""

    recipe: Recipe
    labels: tuple[str, ...]
    make: Callable[[Recipe], Explainer]

    def open(self, scene: Scene) -> Probe:
        """The whole photograph, and every candidate bare."""
        nothing = np.zeros((1, scene.k), dtype=bool)
        bare = (Listed.of(nothing, Variant(name)) for name in CANDIDATES)
        return Probe(scene.k, (Listed.of(~nothing), *bare), PURPOSE)

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The conversation about the fill that is taken."""
        choice = self._choice(evidence[0])
        variant, explainer = Variant(choice.taken), self.make(replace(self.recipe, fill=choice.taken))
        about, told = filled(scene, choice), [_told(one) for one in evidence[1:]]
        step = explainer.proceed(about, told) if told else explainer.open(about)
        if isinstance(step, Probe):
            return replace(step, blocks=tuple(shown(block, variant, step.k) for block in step.blocks))
        return replace(step, fill_choice=choice, evaluations=step.evaluations + evidence[0].probe.n)

    def _choice(self, asked: Evidence) -> FillChoice:
        whole, *bare = asked.scores
        label = chosen(self.recipe, self.labels, whole)[0]
        scores = {name: float(row[label]) for name, row in zip(CANDIDATES, bare, strict=True)}
        return FillChoice(min(scores, key=lambda name: scores[name]), scores)


def filled(scene: Scene, choice: FillChoice | None) -> Scene:
    """The scene that an answer is about: the recipe's own, or the one with the fill that was taken."""
    return scene if choice is None else vary(scene, Variant(choice.taken))


def _told(one: Evidence) -> Evidence:
    """What the inner explainer is told: its own probe's answers, as if the filled scene were all there is."""
    return Evidence(replace(one.probe, blocks=tuple(map(_unshown, one.probe.blocks))), one.scores)


def _unshown(block: Block) -> Block:
    if isinstance(block, Scatter):
        return replace(block, variant=block.variant.within() or block.variant)  # its cells are a look of their own
    return replace(block, variant=block.variant.within() if block.variant else None)
