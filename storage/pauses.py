"""Pauses: while the blob store is full or does not answer, the audits that need it wait, and nothing of them fails.

A paused audit is wanted by nobody, so that its work drops out of every question of the ledger by itself. What was in
flight stays as it is, and is handed out again when the audit goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from storage import statements as sql


@dataclass(frozen=True, slots=True)
class Paused:
    """An audit that is paused: since when, what its workers saw, and the digest of its model.

    `rested`: for half a minute by each other pause of the last hour. What works for the sweeper and not for a worker,
    such as a mount that one machine lacks, would else have it pause and go on without end.
    """

    audit: int
    since: datetime
    reason: str
    model: str
    rested: bool


@dataclass(frozen=True, slots=True)
class Pauses:
    """The paused audits of a database."""

    engine: Engine

    def all(self) -> Sequence[Paused]:
        """Every audit that is paused, by its number."""
        with self.engine.begin() as c:
            return [Paused(*row) for row in c.execute(text(_PAUSED))]

    def model(self, explanation: int) -> str:
        """The digest of the model of an explanation, whose blob every step needs."""
        with self.engine.begin() as c:
            digest: str = c.execute(text(_MODEL), {"explanation": explanation}).scalar_one()
            return digest

    def pause(self, explanation: int, reason: str) -> Sequence[int]:
        """Pause every running audit that wants an explanation, and write down that it is to be told; their numbers."""
        with self.engine.begin() as c:
            wanting = c.scalars(text(_WANTING), {"explanation": explanation}).all()
            return c.scalars(text(_PAUSE), {"audits": wanting, "reason": reason}).all()

    def lift(self, audits: Sequence[int]) -> Sequence[int]:
        """Let those of these audits go on that are still paused; their numbers."""
        with self.engine.begin() as c:
            lifted = c.scalars(text(_LIFT), {"audits": audits}).all()
            c.execute(text(sql.LAPSE), {"audits": lifted})
            return lifted


_PAUSED = """
SELECT a.id, a.paused_at, a.pause_reason, m.digest, now() >= a.paused_at + interval '30 seconds' * (
    SELECT count(*) FROM notice n WHERE n.audit_id = a.id AND n.state = 'paused' AND n.ended_at < a.paused_at
                                    AND n.ended_at > a.paused_at - interval '1 hour')
FROM audit a JOIN model m ON m.id = a.model_id WHERE a.state = 'paused' ORDER BY a.id
"""

_MODEL = "SELECT m.digest FROM explanation e JOIN model m ON m.id = e.model_id WHERE e.id = :explanation"

_WANTING = """
SELECT a.id FROM audit a JOIN audit_explanation ae ON ae.audit_id = a.id
WHERE ae.explanation_id = :explanation AND a.state = 'running' ORDER BY a.id FOR NO KEY UPDATE OF a
"""

_CHANGE = "state = 'paused', paused_at = now(), pause_reason = :reason WHERE a.id = ANY(:audits)"
_PAUSE = sql.END.format(change=_CHANGE) + "RETURNING audit_id"

_LIFT = "UPDATE audit SET state = 'running' WHERE id = ANY(:audits) AND state = 'paused' RETURNING id"
