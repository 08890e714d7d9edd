"""Remembered: another explainer's conversation, in which nothing is worked out twice.

`proceed` gets all the evidence each time, so that any process may call it; the one that called it last need not fit
again what it has fitted, as when an answer is put to the test and comes back with the test's scores.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.answer.attribution import Attribution
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.probe import Evidence, Probe
from pipeline.scene.scene import Scene

HELD = 16  # photographs whose last step is remembered: about as many as are in one reducer's hands at once


@dataclass(frozen=True, slots=True)
class Remembered:
    """The same conversation; the last steps are kept by what they were worked out from."""

    inner: Explainer
    steps: dict[bytes, Probe | Attribution] = field(default_factory=dict, compare=False, repr=False)

    def open(self, scene: Scene) -> Probe:
        """The inner explainer's first probe."""
        return self.inner.open(scene)

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The inner explainer's next step."""
        key = _key(scene, evidence)
        if key not in self.steps:
            step = self.inner.proceed(scene, evidence)
            while len(self.steps) >= HELD:
                self.steps.pop(next(iter(self.steps)))
            self.steps[key] = step
        return self.steps[key]


def _key(scene: Scene, evidence: Sequence[Evidence]) -> bytes:
    """What a step depends on, digested."""
    digest = hashlib.sha256()
    for array in (scene.canvas, scene.segments, scene.fill):
        digest.update(array.tobytes())
    for one in evidence:
        digest.update(json.dumps(one.probe.to_json(), sort_keys=True).encode())
        digest.update(one.scores.tobytes())
    return digest.digest()
