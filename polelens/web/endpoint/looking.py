"""Looking: what the ledger knows of a question, and what has to be asked of the model yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from pipeline.recipe import Recipe
from pipeline.recipes import PREDICTION
from polelens.web.endpoint.condition import Condition
from storage.answers import Known, explanations, predictions
from storage.jobs import PREDICT, Missing, Question


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of the photographs of a question, by their SHA-256.

    Attributes
    ----------
    predicted : mapping
        What the model says alone; empty where the explanations tell it.
    explained : mapping
        Of the photographs that are to be explained.
    missing : Missing or None
        What has to be asked next; None if the answer is whole.
    """

    predicted: Mapping[str, Known] = field(default_factory=dict)
    explained: Mapping[str, Known] = field(default_factory=dict)
    missing: Missing | None = None

    @property
    def rows(self) -> Mapping[str, Known]:
        """The row that says most of each photograph."""
        return {**self.predicted, **self.explained}


def look(c: Connection, question: Question, *, again: bool) -> Look:
    """What is known; `again` asks once more for what has failed."""
    images = question.images
    if question.verb != PREDICT and not question.condition:
        explained = explanations(c, question.model, question.recipe, images)
        return Look({}, explained, _missing(explained, question.recipe, again=again))
    predicted = predictions(c, question.model, images)
    missing = _missing(predicted, PREDICTION, again=again)
    if missing or question.verb == PREDICT:
        return Look(predicted, {}, missing)
    condition = Condition.of(question.condition)
    chosen = [one.image for one in predicted.values() if one.done and condition.holds(one.confidence or 0.0)]
    explained = explanations(c, question.model, question.recipe, chosen)
    return Look(predicted, explained, _missing(explained, question.recipe, again=again))


def _missing(known: Mapping[str, Known], recipe: Recipe, *, again: bool) -> Missing | None:
    """What has no answer and may get one. A photograph that the archive has not, or no more, never will."""
    ended = ("done",) if again else ("done", "failed")
    images = [one.image for one in known.values() if one.there and one.state not in ended]
    return Missing(images, recipe) if images else None
