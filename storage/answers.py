"""Answers: what the ledger knows of some photographs under a model, whichever audits asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from pipeline.recipe import Recipe
from pipeline.recipes import PREDICTION
from storage import statements as sql
from storage.registry import Version


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one photograph: nothing beyond its digest, perhaps.

    Attributes
    ----------
    image : str
        Its SHA-256.
    there : bool
        Whether the archive has it.
    explanation, state, reason
        The row that answers, or will; None where nobody has planned one. `reason` says why it failed.
    predicted, confidence
        What the model says of the photograph, once it is done.
    """

    image: str
    there: bool
    explanation: int | None
    state: str | None
    reason: str | None
    predicted: str | None
    confidence: float | None
    audit: int | None  # the newest that has it

    @property
    def done(self) -> bool:
        """Whether there is an answer."""
        return self.state == "done"


def there(c: Connection, images: Sequence[str]) -> set[str]:
    """Those of these digests that the archive has photographs of."""
    return set(c.scalars(text("SELECT sha256 FROM image WHERE sha256 = ANY(:images)"), {"images": list(images)}))


def explanations(c: Connection, model: Version, recipe: Recipe, images: Sequence[str]) -> dict[str, Known]:
    """The explanations of photographs by a recipe, with the masks that they have now, under the same black box."""
    return _known(c, model, recipe, images, whichever=False)


def predictions(c: Connection, model: Version, images: Sequence[str]) -> dict[str, Known]:
    """What a model says of photographs: an explanation by any recipe has asked it that."""
    return _known(c, model, PREDICTION, images, whichever=True)


def _known(
    c: Connection, model: Version, recipe: Recipe, images: Sequence[str], *, whichever: bool
) -> dict[str, Known]:
    values = {"images": list(images), "digest": model.digest, "recipe": recipe.digest, "judged": recipe.judge}
    rows = c.execute(text(_KNOWN), values | {"whichever": whichever})
    return {row.image: Known(*row) for row in rows}


# Only a judged answer depends on the mask, as `storage.planning` has it.
_KNOWN = f"""
SELECT asked.sha256 AS image, i.id IS NOT NULL AS there, found.id AS explanation, found.state, found.reason,
       found.predicted, found.confidence,
       (SELECT max(ae.audit_id) FROM audit_explanation ae WHERE ae.explanation_id = found.id) AS audit
FROM unnest(CAST(:images AS text[])) asked (sha256) LEFT JOIN image i ON i.sha256 = asked.sha256
LEFT JOIN LATERAL (
    SELECT e.id, {sql.STATE} AS state, e.reason, e.predicted, e.confidence
    FROM explanation e JOIN model m ON m.id = e.model_id
    WHERE e.image_id = i.id AND m.digest = :digest
      AND (:whichever AND e.state = 'done' OR e.recipe_digest = :recipe
           AND e.mask_sha256 IS NOT DISTINCT FROM CASE WHEN :judged THEN i.mask_sha256 END)
    ORDER BY {sql.STATE} <> 'done', e.recipe_digest <> :recipe, e.id LIMIT 1) found ON true
"""  # noqa: S608  of constants alone
