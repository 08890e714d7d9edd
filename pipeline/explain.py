"""The conversation with the black box, whole: what the distributed audit does, in one process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.known import NOTHING, Known
from pipeline.conversation.looks import Rows
from pipeline.conversation.probe import Evidence, Probe, Scores
from pipeline.conversation.reading import Reading
from pipeline.scene.scene import Scene
from pipeline.scene.variant import vary

Predict = Callable[[Scene, NDArray[np.bool_]], Scores]
Read = Callable[[Scene, Reading, Rows], NDArray[np.float32]]


def closed(scene: Scene, reading: Reading, rows: Rows) -> NDArray[np.float32]:
    """The inside of a function of pictures: there is none to be read. Raises ValueError."""
    del scene, rows
    raise ValueError(
        f"{reading.kind} is read of the inside of a network, and a function shows none; give the model's file instead"
    )


def explain(scene: Scene, explainer: Explainer, predict: Predict, read: Read = closed) -> Attribution:
    """Explain one scene: show the model what the explainer asks for, until it answers.

    Parameters
    ----------
    scene : Scene
        One photograph, cut into k superpixels.
    explainer : Explainer
        Such as `pipeline.methods.explainer` makes of a recipe.
    predict : (scene, masks bool [n, k]) -> scores float32 [n, c]
        The model, which may be shown variants of the scene with another k.
    read : (scene, reading, rows) -> float32 [width]
        What is read of the network's inside, summed over the rows.

    Returns
    -------
    Attribution
    """
    return converse(scene, explainer, predict, read=read)[0]


def converse(
    scene: Scene, explainer: Explainer, predict: Predict, known: Known = NOTHING, read: Read = closed
) -> tuple[Attribution, list[Evidence]]:
    """The same, and all that the model said; of what is known it is not asked again."""
    evidence: list[Evidence] = []
    step: Probe | Attribution = explainer.open(scene)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, recalled(scene, step, predict, known, read)))
        step = explainer.proceed(scene, evidence)
    return step, evidence


def recalled(scene: Scene, probe: Probe, predict: Predict, known: Known, read: Read = closed) -> Scores:
    """The answer to a whole probe, of which the model is asked what is not known."""
    told = known.answers(probe)
    unknown = [row for row, one in enumerate(told) if one is None]
    fresh: Iterator[Scores] = iter(())
    if unknown and probe.reading.pooled:
        fresh = iter(
            answer(scene, replace(probe, blocks=tuple(probe.blocks[row] for row in unknown)), predict, read=read)
        )
    elif unknown:
        asked = probe.only(unknown)
        fresh = iter(Evidence(asked, answer(scene, asked, predict)).scores)
    return np.stack([next(fresh) if one is None else one for one in told])


def answer(
    scene: Scene, probe: Probe, predict: Predict, rows: tuple[int, int | None] = (0, None), read: Read = closed
) -> Scores:
    """The model's answer to a range of a probe's rows, each block on the variant of the scene that it is about.

    Parameters
    ----------
    rows : (start, stop)
        All of the probe's n rows unless told otherwise.

    Returns
    -------
    float32 [stop - start, c], or [blocks touched, width] where rows are summed
    """
    if probe.reading.pooled:
        looks = probe.looks(*rows)
        return np.stack([read(vary(scene, look.variant), probe.reading, some) for _, look, some in looks])
    answers = []
    for variant, pieces in groupby(probe.pieces(*rows), key=itemgetter(0)):
        masks = np.concatenate([piece for _, piece in pieces])
        answers.append(predict(vary(scene, variant), masks))
    return np.concatenate(answers)
