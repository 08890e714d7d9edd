"""Workers that compute nothing: `celery -A benchmarks.no_science worker`. For the row `coordination` alone.

Messages, claims, parts, scores and rows are the real ones; there is no photograph, no model, no fit and no picture.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, Errors, LabelAttribution, Stability
from pipeline.conversation.probe import Draw, Evidence, Probe
from pipeline.model.precision import CPU
from pipeline.scene.scene import Scene
from storage.ledger import Job
from tasks import app, prepare, reduce, runtime

__all__ = ["APP", "LABELS", "PARTS", "app"]

APP = "benchmarks.no_science"
LABELS = ("bright", "dark")
PARTS = 4
K = 50  # superpixels of the answer
PIXELS = np.zeros((2, 2, 3), np.uint8)
SCENE = Scene(PIXELS, np.zeros((2, 2), np.int32), PIXELS)
ANSWER = LabelAttribution(LABELS[0], np.zeros(K), Errors(np.zeros(K), np.zeros((9, K))), stability=Stability(9))


class Nothing:
    """A conversation of one probe with as many masks as there are parts, and always the same answer."""

    provider = CPU

    def open(self, scene: Scene) -> Probe:
        """The masks."""
        return Probe(scene.k, (Draw("coin", 1, PARTS),))

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Attribution:
        """The answer."""
        del scene
        none = dict.fromkeys(LABELS, 0.5)
        return Attribution(none, none, evidence[0].probe.n, (ANSWER,))

    def scores(self, scene: Scene, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The model's part."""
        del scene
        return np.full((len(masks), len(LABELS)), 0.5, np.float32)


def _keep(job: Job, scene: Scene, evidence: list[Evidence], attribution: Attribution) -> None:
    del scene, evidence
    runtime.ledger().finish(job, attribution)


def _replace() -> None:
    """Put nothing in the place of all that computes."""
    nothing = Nothing()
    for module, name, instead in (
        (runtime, "explainer", lambda _: nothing),
        (prepare, "_scene", lambda *_: SCENE),
        (reduce, "_keep", _keep),
        (runtime, "scene", lru_cache(lambda _: SCENE)),
        (runtime, "black_box", lru_cache(lambda *_: nothing)),
    ):
        setattr(module, name, instead)


_replace()
