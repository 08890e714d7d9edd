"""The conversation with the black box, whole: what the distributed audit does, in one process."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.attribution import Attribution
from pipeline.methods import Explainer
from pipeline.probe import Evidence, Probe
from pipeline.scene import Scene

Predict = Callable[[Scene, NDArray[np.bool_]], NDArray[np.float32]]


def explain(scene: Scene, explainer: Explainer, predict: Predict) -> Attribution:
    """Explain one scene.

    Parameters
    ----------
    predict : (scene, masks bool [n, k]) -> scores float32 [n, c]
    """
    evidence: list[Evidence] = []
    step: Probe | Attribution = explainer.open(scene)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, predict(scene, step.masks())))
        step = explainer.proceed(scene, evidence)
    return step
