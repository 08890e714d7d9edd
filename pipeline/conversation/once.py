"""Once: another explainer's conversation, in which no mask is put to the model twice."""

from collections.abc import Collection, Sequence
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

    A round of which every answer is known asks for its first row again: a round of nothing would never be answered.
    """

    inner: Explainer

    def open(self, scene: Scene) -> Probe:
        """The inner explainer's first probe, each mask once."""
        return _unknown(self.inner.open(scene), {})

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """What the inner explainer still has to know, or its answer."""
        known: dict[Key, Row] = {}
        told = []
        for one in evidence:
            known |= zip(keys(one.probe.pieces()), one.scores, strict=True)
            whole = replace(one.probe, skip=())
            told.append(Evidence(whole, np.stack([known[key] for key in keys(whole.pieces())])))
        step = self.inner.proceed(scene, told)
        if isinstance(step, Probe):
            return _unknown(step, known)
        return replace(step, evaluations=sum(one.probe.n for one in evidence))


def _unknown(probe: Probe, known: Collection[Key]) -> Probe:
    """The probe less the rows whose answers are known, or that stand in it before."""
    seen, skip = set(known), []
    for row, key in enumerate(keys(probe.pieces())):
        if key in seen:
            skip.append(row)
        seen.add(key)
    return replace(probe, skip=tuple(skip[len(skip) == probe.n :]))
