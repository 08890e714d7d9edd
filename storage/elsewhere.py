"""Elsewhere: the other explanations of a photograph, by other models, recipes and audits."""

from dataclasses import dataclass

from sqlalchemy import Engine, text


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another explanation of the same photograph."""

    audit: int
    name: str
    object_word: str
    model: str
    recipe: str
    key: str
    predicted: str
    confidence: float
    explained: str
    soundness: str | None
    reason: str | None
    basis: str | None
    verdict: str | None
    reliance: float | None


def elsewhere(engine: Engine, image: str, most: int = 24) -> list[Elsewhere]:
    """The explanations of a photograph, each under the newest audit that has it, the newest first."""
    with engine.begin() as c:
        return [Elsewhere(*row) for row in c.execute(text(_ELSEWHERE), {"image": image, "most": most})]


_ELSEWHERE = """
SELECT a.id AS audit, a.name, a.object_word, m.name || '@' || m.version AS model, r.name AS recipe, e.key,
       e.predicted, e.confidence, t.label AS explained, t.soundness, t.reason, t.basis, t.verdict,
       t.background_reliance AS reliance
FROM image i JOIN explanation e ON e.image_id = i.id
JOIN attribution t ON t.explanation_id = e.id AND t.place = 1
JOIN model m ON m.id = e.model_id JOIN recipe r ON r.digest = e.recipe_digest
CROSS JOIN LATERAL (
    SELECT au.id, au.name, au.object_word FROM audit_explanation ae JOIN audit au ON au.id = ae.audit_id
    WHERE ae.explanation_id = e.id ORDER BY au.id DESC LIMIT 1) a
WHERE i.sha256 = :image ORDER BY a.id DESC, e.id DESC LIMIT :most
"""
