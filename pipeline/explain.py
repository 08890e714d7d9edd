"""The conversation with the black box, whole: what the distributed audit does, in one process."""

from collections.abc import Callable
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.probe import Evidence, Probe, Scores
from pipeline.scene.scene import Scene
from pipeline.scene.variant import vary

Predict = Callable[[Scene, NDArray[np.bool_]], Scores]


def explain(scene: Scene, explainer: Explainer, predict: Predict) -> Attribution:
    """Explain one scene: show the model what the explainer asks for, until it answers.

    Parameters
    ----------
    scene : Scene
        One photograph, cut into k superpixels.
    explainer : Explainer
        Such as `pipeline.methods.explainer` makes of a recipe.
    predict : (scene, masks bool [n, k]) -> scores float32 [n, c]
        The model, which may be shown variants of the scene with another k.

    Returns
    -------
    Attribution
    """
    evidence: list[Evidence] = []
    step: Probe | Attribution = explainer.open(scene)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, answer(scene, step, predict)))
        step = explainer.proceed(scene, evidence)
    return step


def answer(scene: Scene, probe: Probe, predict: Predict, rows: tuple[int, int | None] = (0, None)) -> Scores:
    """The model's scores for a range of a probe's rows, each block on the variant of the scene that it is about.

    Parameters
    ----------
    rows : (start, stop)
        All of the probe's n rows unless told otherwise.

    Returns
    -------
    float32 [stop - start, c]
    """
    answers = []
    for variant, pieces in groupby(probe.pieces(*rows), key=itemgetter(0)):
        masks = np.concatenate([piece for _, piece in pieces])
        answers.append(predict(vary(scene, variant), masks))
    return np.concatenate(answers)
