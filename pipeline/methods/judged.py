"""Judged: another explainer's answer, put to the test by one further probe.

The probe holds, for each label explained, a deletion and an insertion curve in the order of the weights and the same in
a random order; and, where the object's mask is known, the object alone and the background alone under two fills.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.attribution import Attribution, LabelAttribution
from pipeline.faithfulness import STEPS, area, at_random, deletion, heaviest_first, insertion
from pipeline.grounding import ground
from pipeline.judgement import Curves, Grounding, Judgement, Thresholds, verdict
from pipeline.methods.explainer import Explainer
from pipeline.probe import Evidence, Listed, Probe
from pipeline.scene import Scene
from pipeline.variant import Variant

PURPOSE = "judge"
PLANNED = 4 * (STEPS + 1)  # evaluations of one label's test: two curves, each by weight and at random
BLURRED = Variant("blur")
OBJECT = (Variant("mean", "object"), Variant("blur", "object"))
KEPT = np.array([[False, True], [True, False], [False, False]])  # the object alone, the background alone, neither


@dataclass(frozen=True, slots=True)
class Judged:
    """The same conversation as the inner explainer's, and one round more."""

    inner: Explainer
    labels: tuple[str, ...]
    seed: int
    thresholds: Thresholds = field(default_factory=Thresholds)

    def open(self, scene: Scene) -> Probe:
        """The inner explainer's first probe."""
        return self.inner.open(scene)

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The inner explainer's next step, until it has answered; then the test; then the judged answer."""
        asked = [one for one in evidence if one.probe.purpose != PURPOSE]
        step = self.inner.proceed(scene, asked)
        if isinstance(step, Probe):
            return step
        answers = evidence[len(asked) :]
        return self._judged(scene, step, answers[0]) if answers else self._test(scene, step)

    def _test(self, scene: Scene, attribution: Attribution) -> Probe:
        orders = [at_random(scene.k, self.seed), *(heaviest_first(label.weights) for label in attribution.labels)]
        blocks = [Listed.of(deletion(order)) for order in orders]
        blocks += [Listed.of(insertion(order), BLURRED) for order in orders]
        if _divides(scene):
            blocks += [Listed.of(KEPT, variant) for variant in OBJECT]
        return Probe(scene.k, tuple(blocks), PURPOSE)

    def _judged(self, scene: Scene, attribution: Attribution, answers: Evidence) -> Attribution:
        scores, orders = answers.blocks(), 1 + len(attribution.labels)
        deletions, insertions, kept = scores[:orders], scores[orders : 2 * orders], scores[2 * orders :]
        labels = []
        for place, label in enumerate(attribution.labels, start=1):
            column = self.labels.index(label.label)
            curves = (deletions[place], deletions[0], insertions[place], insertions[0])
            areas = Curves(*(area(curve[:, column], scene.k) for curve in curves))
            grounding = ground(scene, label.weights, np.stack(kept)[:, :, column] if kept else None)
            labels.append(self._with_judgement(attribution, label, areas, grounding))
        return replace(attribution, labels=tuple(labels), evaluations=attribution.evaluations + answers.probe.n)

    def _with_judgement(
        self, attribution: Attribution, label: LabelAttribution, curves: Curves, grounding: Grounding
    ) -> LabelAttribution:
        gap = attribution.probabilities[label.label] - attribution.fill_probabilities[label.label]
        word = verdict(gap, (label.fidelity, label.stability), curves, grounding, self.thresholds)
        return replace(label, judgement=Judgement(gap, curves, grounding, word))


def _divides(scene: Scene) -> bool:
    return scene.mask is not None and bool(scene.mask.any()) and not scene.mask.all()
