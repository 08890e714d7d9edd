"""Notices: that an audit has ended or is paused is written down with it, and remembered until somebody has heard."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text


@dataclass(frozen=True, slots=True)
class Notice:
    """The end or the pause of an audit, to be told: `id` is the same however often it is tried."""

    id: int
    audit: int
    state: str  # done, cancelled or paused, as it was then
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Notices:
    """The notices of a database.

    What is not heard is due again after `wait_seconds`, then twice as long, up to an hour, for three days: whoever sets
    up a receiver later is not told of last year. Waits begin with the attempt, so they are longer than one takes.
    """

    engine: Engine
    wait_seconds: float = 30

    def due(self) -> bool:
        """Whether there is anything to tell."""
        with self.engine.begin() as c:
            return bool(c.scalar(text(_IS_ANY_DUE)))

    def take(self) -> Notice | None:
        """A notice that is due, the longest first; nobody else gets it before its next wait is over."""
        with self.engine.begin() as c:
            row = c.execute(text(_TAKE), {"wait": self.wait_seconds}).first()
        return Notice(*row) if row else None

    def heard(self, notice: Notice) -> None:
        """Never tell it again."""
        with self.engine.begin() as c:
            c.execute(text("UPDATE notice SET heard_at = now() WHERE id = :id"), {"id": notice.id})

    def unheard(self) -> tuple[int, float]:
        """How many audits' ends nobody has heard of yet, and for how many seconds the first."""
        with self.engine.begin() as c:
            number, seconds = c.execute(text(_UNHEARD)).one()
        return int(number), float(seconds)

    def told(self, notice: Notice) -> dict[str, Any]:
        """What is to be said, as JSON: the audit, how many photographs came to what, and the answers' shares."""
        with self.engine.begin() as c:
            audit = dict(c.execute(text(_AUDIT), {"id": notice.audit}).one()._mapping)
            shares = {name: _shares(c, name, notice.audit) for name in ("soundness", "basis", "verdict")}
        reason, paused = audit.pop("pause_reason"), notice.state == "paused"
        audit["created_at"] = audit["created_at"].isoformat()
        audit |= {"paused_at" if paused else "ended_at": notice.ended_at.isoformat()}
        event = {"event": "audit.paused", "reason": reason} if paused else {"event": "audit.ended"}
        head = {"delivery": notice.id, "audit": notice.audit, "state": notice.state}
        verdicts = shares.pop("verdict")
        return event | head | audit | {"verdicts": verdicts, **shares}


def _shares(c: Connection, answer: str, audit: int) -> dict[str, float]:
    """The share of each word of an answer among the photographs that have that answer."""
    view = "verdicts" if answer == "verdict" else "judgements"
    query = f"SELECT {answer}, sum(share) FROM {view} WHERE audit = :id GROUP BY 1"  # noqa: S608  of constants alone
    return {word: float(share) for word, share in c.execute(text(query), {"id": audit})}


_OPEN = "FROM notice WHERE heard_at IS NULL AND ended_at > now() - interval '3 days'"

_DUE = f"{_OPEN} AND due_at <= now()"

_UNHEARD = f"SELECT count(*), coalesce(extract(epoch FROM now() - min(ended_at)), 0) {_OPEN}"  # noqa: S608

_IS_ANY_DUE = f"SELECT EXISTS (SELECT {_DUE})"

_TAKE = f"""
UPDATE notice n SET attempts = attempts + 1,
       due_at = now() + least(:wait * 2 ^ least(attempts, 12), 3600) * interval '1 second'
FROM (SELECT id {_DUE} ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) next
WHERE n.id = next.id RETURNING n.id, n.audit_id, n.state, n.ended_at
"""  # noqa: S608  of constants alone

_AUDIT = """
SELECT m.name || '@' || m.version AS model, r.name AS recipe, a.recipe_digest, a.selection AS images,
       count(*) AS photographs, count(*) FILTER (WHERE e.state = 'done') AS done,
       count(*) FILTER (WHERE e.state = 'failed') AS failed, sum(e.evaluations) AS evaluations, a.created_at,
       a.pause_reason
FROM audit a JOIN model m ON m.id = a.model_id JOIN recipe r ON r.digest = a.recipe_digest
JOIN audit_explanation ae ON ae.audit_id = a.id JOIN explanation e ON e.id = ae.explanation_id
WHERE a.id = :id GROUP BY a.id, m.id, r.digest
"""
