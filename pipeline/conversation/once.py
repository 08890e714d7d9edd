"""Once: another explainer's conversation, in which no mask is put to the model twice."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.answer.attribution import Attribution
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.known import Key, Row, keys
from pipeline.conversation.probe import Evidence, Probe
from pipeline.scene.scene import Scene


@dataclass(frozen=True, slots=True)
class Once:
    """The same conversation, less the rows whose answers are known; the inner explainer is told them all the same.

    A round of which every answer is known is not asked: the next that is says how many went before it. What is read of
    the network's inside goes through as it is.
    """

    inner: Explainer

    def open(self, scene: Scene) -> Probe:
        """The inner explainer's first probe, each mask once."""
        return _unknown(self.inner.open(scene), {})

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """What the inner explainer still has to know, or its answer."""
        known: dict[Key, Row] = {}
        told = list[Evidence]()
        for one in evidence:
            for _ in range(one.probe.unasked):
                told += _answered(self.inner.proceed(scene, told), known)
            if not one.probe.reading.pooled:
                known |= zip(keys(one.probe.pieces()), one.scores, strict=True)
            told += _answered(replace(one.probe, skip=(), unasked=0), known) or [one]
        return self._next(scene, told, known, sum(one.probe.evaluations for one in evidence))

    def _next(
        self, scene: Scene, told: list[Evidence], known: Mapping[Key, Row], evaluations: int
    ) -> Probe | Attribution:
        """The inner explainer's next step that is not known already."""
        step, unasked = self.inner.proceed(scene, told), 0
        while answered := _answered(step, known):
            told += answered
            step, unasked = self.inner.proceed(scene, told), unasked + 1
        if isinstance(step, Probe):
            return replace(_unknown(step, known), unasked=unasked)
        return replace(step, evaluations=evaluations)


def _answered(step: Probe | Attribution, known: Mapping[Key, Row]) -> list[Evidence]:
    """A probe with its answers, if all of them are known; else nothing."""
    if not isinstance(step, Probe) or step.reading.pooled:
        return []
    asked = list(keys(step.pieces()))
    return [Evidence(step, np.stack([known[key] for key in asked]))] if all(key in known for key in asked) else []


def _unknown(probe: Probe, known: Collection[Key]) -> Probe:
    """The probe less the rows whose answers are known, or that stand in it before."""
    if probe.reading.pooled:
        return probe
    seen, skip = set(known), []
    for row, key in enumerate(keys(probe.pieces())):
        if key in seen:
            skip.append(row)
        seen.add(key)
    return replace(probe, skip=tuple(skip))
