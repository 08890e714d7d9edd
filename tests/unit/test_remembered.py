"""Nothing is worked out twice: what an explainer has said of the same evidence is said again."""

import numpy as np

from pipeline.conversation.probe import Evidence, Listed, Probe
from pipeline.conversation.remembered import HELD, Remembered
from pipeline.scene.scene import Scene


class Counting:
    """An explainer that counts how often it is asked to proceed, and answers with another probe each time."""

    def __init__(self):
        self.asked = 0

    def open(self, scene):
        return Probe(scene.k, (Listed.of(np.ones((1, scene.k), bool)),))

    def proceed(self, scene, evidence):
        self.asked += 1
        return Probe(scene.k, (Listed.of(np.ones((self.asked, scene.k), bool)),))


def scene(seed):
    canvas = np.random.default_rng(seed).integers(0, 256, (2, 3, 3), dtype=np.uint8)
    return Scene(canvas, np.arange(6, dtype=np.int32).reshape(2, 3), np.zeros_like(canvas))


def evidence(value, shown):
    return [Evidence(Counting().open(shown), np.array([[value]], dtype=np.float32))]


def test_the_same_evidence_gives_the_same_step_at_once():
    """Also where arrays and objects are others that hold the same."""
    counting = Counting()
    asking = Remembered(counting)
    first = asking.proceed(scene(1), evidence(0.5, scene(1)))
    assert asking.proceed(scene(1), evidence(0.5, scene(1))) is first
    assert counting.asked == 1


def test_other_scores_or_another_photograph_are_worked_out():
    """A step is remembered by all that it was worked out from."""
    counting = Counting()
    asking = Remembered(counting)
    for shown, value in ((scene(1), 0.5), (scene(1), 0.6), (scene(2), 0.5)):
        asking.proceed(shown, evidence(value, shown))
    assert counting.asked == 3


def test_memory_is_bounded():
    """The oldest goes first."""
    counting = Counting()
    asking = Remembered(counting)
    for seed in range(HELD + 1):
        asking.proceed(scene(seed), evidence(0.5, scene(seed)))
    assert len(asking.steps) == HELD
    asking.proceed(scene(HELD), evidence(0.5, scene(HELD)))
    assert counting.asked == HELD + 1
    asking.proceed(scene(0), evidence(0.5, scene(0)))
    assert counting.asked == HELD + 2
