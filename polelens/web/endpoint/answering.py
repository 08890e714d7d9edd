"""Answering: what the ledger has of a question, in the shapes of the endpoint."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pipeline.answer.attribution import Attribution as Found
from pipeline.answer.attribution import LabelAttribution
from pipeline.answer.nulls import to_null
from polelens.report.answers import answers as sentences
from polelens.web.desk import Desk
from polelens.web.endpoint import shapes
from polelens.web.endpoint.looking import Look
from polelens.web.endpoint.problems import Problem
from polelens.web.painter import SIZES, addresses
from storage.answers import Known
from storage.audits import Explained, read
from storage.jobs import PREDICT, Instance, Question

AGAIN = "ask again: what has failed is tried again"
OBJECT = "object"  # what sentences call it


def answer(desk: Desk, question: Question, found: Look) -> shapes.Predictions:
    """The answer to a question, as far as there is one: for each instance what it came to, in order."""
    with desk.engine.begin() as c:
        numbers = [one.explanation for one in found.rows.values() if one.done and one.explanation]
        numbers += [one.explanation for one in found.predicted.values() if one.done and one.explanation]
        rows = {row.id: row for row in read(c, sorted(set(numbers)))}
    answering = _Answering(desk, question, found, rows)
    head = {"model": question.model.name, "version": str(question.model.version)}
    predictions = [answering.predicted(one) for one in question.instances]
    told: dict[str, Any] = {**head, "deployed_model_id": str(question.model), "predictions": predictions}
    if question.verb == PREDICT:
        return shapes.Predictions(**told)
    return shapes.Explanations(**told, explanations=[answering.explained(one) for one in question.instances])


def failed(problem: Problem | Mapping[str, Any]) -> shapes.Failed:
    """What stands in the place of an answer."""
    told = problem.to_json() if isinstance(problem, Problem) else problem
    return shapes.Failed(error=shapes.Told(**told))


class _Answering:
    """The rows of an answer."""

    def __init__(self, desk: Desk, question: Question, found: Look, rows: Mapping[int, Explained]) -> None:
        self._desk, self._question, self._found, self._rows = desk, question, found, rows

    def predicted(self, instance: Instance) -> shapes.Prediction | shapes.Failed:
        """What the model says, whichever explanation tells it."""
        if "error" in instance:
            return failed(instance["error"])
        alone = self._found.predicted.get(instance["photograph"])
        known = alone or self._found.explained[instance["photograph"]]
        row = self._row(known)
        return row if isinstance(row, shapes.Failed) else prediction(_answer(row), self._question.model.labels)

    def explained(self, instance: Instance) -> shapes.Explanation | shapes.Failed | shapes.Skipped:
        """What its answer rests on; or why there is none."""
        if "error" in instance:
            return failed(instance["error"])
        known = self._found.explained.get(instance["photograph"])
        alone = self._found.predicted.get(instance["photograph"])
        if known is None and alone is not None and alone.done:
            says = f"{alone.predicted} with {alone.confidence or 0:.4g}"
            return shapes.Skipped(skipped=f"{self._question.condition} does not hold: the model says {says}")
        row = self._row(known or alone)
        return row if isinstance(row, shapes.Failed) else self._explanation(row, known.audit if known else None)

    def _row(self, known: Known | None) -> Explained | shapes.Failed:
        if known is None or not known.there:
            return failed(Problem(404, "the archive has no such photograph", "send its bytes as image.b64"))
        if known.done and (row := self._rows.get(known.explanation or 0)):
            return row
        if known.state == "failed":
            return failed(Problem(500, known.reason or "it failed", AGAIN))
        return failed(Problem(409, "its job was cancelled before the workers came to it", "ask again"))

    def _explanation(self, row: Explained, audit: int | None) -> shapes.Explanation:
        attribution, model = _answer(row), self._question.model
        page = f"/audits/{audit}/photographs/{row.image}" if audit else None
        provenance = shapes.Provenance(
            explanation=row.key,
            photograph=row.image,
            model=str(model),
            model_sha256=model.sha256,
            recipe=self._question.recipe.to_json() | {"digest": self._question.recipe.digest},
            mask=row.mask,
            evaluations=attribution.evaluations,
            audit=audit,
            page=page,
        )
        places = enumerate(attribution.labels, start=1)
        rows = [self._attribution(row, attribution, label, self._overlay(row, audit, n)) for n, label in places]
        return shapes.Explanation(attributions=rows, provenance=provenance)

    def _overlay(self, row: Explained, audit: int | None, place: int) -> str | None:
        if not audit:
            return None
        return addresses(self._desk.painter, audit, row.image, row.key)("overlay", SIZES[-1], place)

    def _attribution(
        self, row: Explained, found: Found, label: LabelAttribution, overlay: str | None
    ) -> shapes.Attribution:
        fill = found.fill_probabilities or {}
        evidence = shapes.Evidence(
            segments=f"/v1/explanations/{row.key}/segments.png",
            weights=to_null(label.weights.tolist()),
            std_error=to_null(label.std_error.tolist()),
            overlay=overlay,
        )
        told = label.to_json()
        return shapes.Attribution(
            output_display_name=label.label,
            output_index=[self._question.model.labels.index(label.label)],
            baseline_output_value=fill.get(label.label),
            instance_output_value=found.probabilities.get(label.label),
            approximation_error=_size(label),
            feature_attributions=shapes.Features(image=evidence),
            **{name: told.get(name) for name in ("fidelity", "stability", "rule", "judgement")},
            claims=to_null([asdict(claim) for claim in label.claims]),
            answers=[one.text for one in sentences(label.judgement, OBJECT)] if label.judgement else [],
        )


def prediction(found: Found, labels: tuple[str, ...]) -> shapes.Prediction:
    """What the model says, the most probable label first."""
    shares = sorted(found.probabilities.items(), key=lambda pair: -pair[1])
    return shapes.Prediction(
        ids=[str(labels.index(name)) for name, _ in shares],
        display_names=[name for name, _ in shares],
        confidences=[share for _, share in shares],
        unlisted=found.unlisted,
    )


def _answer(row: Explained) -> Found:
    if row.attribution is None:
        raise RuntimeError(f"explanation {row.id} is done and has no attribution")
    return row.attribution


def _size(label: LabelAttribution) -> float | None:
    size = float(np.sqrt(np.mean(label.std_error**2)))
    return size if math.isfinite(size) else None
