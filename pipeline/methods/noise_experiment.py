"""Denoised: the noise experiment. Take away what speaks against the label, ask again, and explain again.

What is taken away shows its fill for good, so the superpixels are the same before and after, and their weights can be
laid side by side. The experiment is about the first label explained.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.denoised import Denoised
from pipeline.answer.selection import Selection
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.probe import Evidence, Probe, shown
from pipeline.judge.stability import appreciable
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from pipeline.scene.variant import Variant, vary

PURPOSE = "denoise"


@dataclass(frozen=True, slots=True)
class NoiseExperiment:
    """A recipe's conversation, and the same again with a photograph that lacks what speaks against the label."""

    recipe: Recipe
    share: float  # of the weight against the label that is taken away, the strongest superpixels first
    make: Callable[[Recipe], Explainer]

    def open(self, scene: Scene) -> Probe:
        """The first probe, of the whole photograph."""
        return self.make(self.recipe).open(scene)

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The first conversation to its end, then the second."""
        before = [one for one in evidence if one.probe.purpose != PURPOSE]
        answer = self.make(self.recipe).proceed(scene, before)
        if isinstance(answer, Probe):
            return answer
        removed = against(answer.labels[0], self.share)
        if not removed:
            return _with(answer, answer, removed)
        variant = Variant(without=removed)
        step = self._again(answer.labels[0].label, vary(scene, variant), evidence[len(before) :])
        if isinstance(step, Probe):
            return replace(step, blocks=tuple(shown(block, variant, step.k) for block in step.blocks), purpose=PURPOSE)
        return _with(answer, step, removed)

    def _again(self, label: str, denoised: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        explainer = self.make(replace(self.recipe, labels=(label,)))
        return explainer.proceed(denoised, evidence) if evidence else explainer.open(denoised)


def against(label: LabelAttribution, share: float) -> tuple[int, ...]:
    """The superpixels that speak against a label: as few as carry this share of the appreciable weight that does."""
    chosen = Selection("evidence", share).chosen(-appreciable(np.nan_to_num(label.weights)[None])[0])
    return tuple(np.flatnonzero(chosen).tolist())


def _with(before: Attribution, after: Attribution, removed: tuple[int, ...]) -> Attribution:
    """The first answer with what the second says of the photograph without the removed superpixels."""
    first, again = before.labels[0], after.labels[0]
    gone = np.isin(np.arange(len(again.weights)), removed)  # canvas and fill are alike there: nothing to switch
    denoised = Denoised(
        removed=removed,
        probabilities=after.probabilities,
        weights=np.where(gone, 0.0, again.weights),
        std_error=np.where(gone, 0.0, again.std_error),
        r2_held_out=again.fit.r2_held_out if again.fit else math.nan,
    )
    evaluations = before.evaluations + (after.evaluations if removed else 0)
    return replace(before, labels=(replace(first, denoised=denoised), *before.labels[1:]), evaluations=evaluations)
