"""Filters: what is asked of the photographs of an audit, as SQL has it. Every value is a parameter."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from storage.listing import like


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked of photographs, all of it; an empty text asks nothing.

    Attributes
    ----------
    soundness, basis : str
        The two answers, or `verdict`, an earlier version's one word, of the most probable label explained.
    known, predicted : str
        Labels: the one a person gave, and the model's.
    right : str
        "yes" or "no": whether they are the same, where the model has the known label.
    name : str
        A part of the photograph's name, or a pattern with * and ?; case does not count.
    least, most : float or None
        Confidence, 0..1.
    leans, leans_most : float or None
        Background reliance, 0..1.
    mark, tag : str
        "agree", "wrong" or "any": what a person has said of it; and a tag that a person gave it.
    """

    soundness: str = ""
    basis: str = ""
    verdict: str = ""
    known: str = ""
    predicted: str = ""
    right: str = ""
    name: str = ""
    least: float | None = None
    most: float | None = None
    leans: float | None = None
    leans_most: float | None = None
    mark: str = ""
    tag: str = ""

    @property
    def asked(self) -> dict[str, str]:
        """What is asked, as a query has it."""
        return {name: str(value) for name, value in asdict(self).items() if value not in ("", None)}


NOTHING = Filters()


FACETS = {
    "soundness": "t.soundness",
    "basis": "t.basis",
    "verdict": "t.verdict",
    "predicted": "e.predicted",
    "known": "i.label",
}

WRONG_LABEL = "CASE WHEN jsonb_exists(m.labels, i.label) THEN i.label <> e.predicted END"
FROM = """
FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id
JOIN attribution t ON t.explanation_id = e.id AND t.place = 1
JOIN image i ON i.id = e.image_id JOIN model m ON m.id = e.model_id
"""
CONDITIONS = {
    "soundness": "t.soundness = :soundness",
    "basis": "t.basis = :basis",
    "verdict": "t.verdict = :verdict",
    "known": "i.label = :known",
    "predicted": "e.predicted = :predicted",
    "right": f"{WRONG_LABEL} = (:right = 'no')",
    "name": "i.name ILIKE :name",
    "least": "e.confidence >= :least",
    "most": "e.confidence <= :most_confidence",
    "leans": "t.background_reliance >= :leans",
    "leans_most": "t.background_reliance <= :leans_most",
    "mark": "e.id IN (SELECT k.explanation_id FROM mark k WHERE k.word = :mark OR :mark = 'any')",
    "tag": "e.id IN (SELECT k.explanation_id FROM mark k WHERE :tag = ANY(k.tags))",
}


def where(filters: Filters, without: Collection[str] = ()) -> str:
    """What is asked as a condition, but for some of it."""
    asked = [condition for name, condition in CONDITIONS.items() if name in filters.asked and name not in without]
    return " AND ".join(["ae.audit_id = :audit", *asked])


def values(audit: int, filters: Filters) -> dict[str, Any]:
    """The parameters of `where`."""
    name = filters.name if set(filters.name) & set("*?") else f"*{filters.name}*"
    return asdict(filters) | {"audit": audit, "name": like(name), "most_confidence": filters.most}
