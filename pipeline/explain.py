"""The conversation with the black box, whole: what the distributed audit does, in one process."""

from collections.abc import Callable
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.known import NOTHING, Known
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
    return converse(scene, explainer, predict)[0]


def converse(
    scene: Scene, explainer: Explainer, predict: Predict, known: Known = NOTHING
) -> tuple[Attribution, list[Evidence]]:
    """The same, and all that the model said; of what is known it is not asked again."""
    evidence: list[Evidence] = []
    step: Probe | Attribution = explainer.open(scene)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, recalled(scene, step, predict, known)))
        step = explainer.proceed(scene, evidence)
    return step, evidence


def recalled(scene: Scene, probe: Probe, predict: Predict, known: Known) -> Scores:
    """The model's scores for all of a probe's rows, float32 [n, c], of which it is asked those that are not known."""
    told = known.answers(probe)
    unknown = [row for row, one in enumerate(told) if one is None]
    asked = probe.only(unknown)
    fresh = iter(Evidence(asked, answer(scene, asked, predict)).scores if unknown else ())
    return np.stack([next(fresh) if one is None else one for one in told])


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
