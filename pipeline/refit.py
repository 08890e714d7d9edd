"""Refit: another surrogate, kernel or label from scores that are there, without the model."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from pipeline.answer.attribution import Attribution
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.known import Known
from pipeline.conversation.probe import Evidence, Probe
from pipeline.methods import method
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene

FREE = ("name", "kernel_width", "surrogate", "labels")  # what may differ: it changes no mask
OFF: Mapping[str, Any] = {
    "judge": False,
    "thorough": False,
    "denoise": None,
}  # these ask for masks in the order of the new weights


def refit_recipe(before: Recipe, after: Recipe) -> Recipe:
    """The second recipe as far as the scores of an audit by the first can serve it: without tests of the answer.

    Raises
    ------
    ValueError
        If it wants other masks than were scored; the message names the field.
    """
    for field in fields(Recipe):
        was, wanted = getattr(before, field.name), getattr(after, field.name)
        if field.name not in FREE and field.name not in OFF and was != wanted:
            raise ValueError(
                f"recipe: {field.name} is {wanted!r}, the audit's is {was!r}: its scores are others. Only "
                f"{', '.join(FREE[1:])} can be refitted; `polelens audit start` asks the model"
            )
    if method(before).inside and after.labels != before.labels:
        raise ValueError(
            f"recipe: labels is {after.labels!r}, the audit's is {before.labels!r}, and {before.method} is read of the "
            "network label by label; `polelens audit start` asks it"
        )
    return after.override(OFF)


def refit(scene: Scene, explainer: Explainer, known: Known) -> tuple[Attribution, list[Evidence]]:
    """The conversation again, answered by what the model said then.

    Returns
    -------
    Attribution, list of Evidence
        The answer, which took no evaluation, and the evidence that it rests on.

    Raises
    ------
    ValueError
        If the explainer shows a mask that was not shown then.
    """
    evidence: list[Evidence] = []
    step: Probe | Attribution = explainer.open(scene)
    while isinstance(step, Probe):
        scores = [row for row in known.answers(step) if row is not None]
        missing = step.answers - len(scores)
        if missing and step.reading.pooled:
            raise ValueError(
                f"{step.reading.kind} for the refit was not read of the network then; `polelens audit start` asks it"
            )
        if missing:
            raise ValueError(f"{missing} masks of the refit were not scored; `polelens audit start` asks the model")
        evidence.append(Evidence(step, np.stack(scores)))
        step = explainer.proceed(scene, evidence)
    return replace(step, evaluations=0), evidence
