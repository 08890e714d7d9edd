"""How far an audit is: counted from its explanations, or, once it has ended, as it was counted and kept.

What is kept is what counting gives: triggers drop it in the transaction that changes a row that it was counted from,
see migration 0025. Whoever keeps a count has the lock alone, tried for and never waited for; so every change is in the
count, or comes after it and drops it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from storage import statements as sql

LOCK = 7_653_215  # any number, unlike the other locks; the triggers have it too
MOST = 20  # audits counted in one sweep
SMALL = 1_000  # explanations of an audit, which are counted in a few milliseconds


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an audit is."""

    state: str
    photographs: int
    done: int
    failed: int
    in_flight: int
    evaluations: int  # answered so far, those of photographs still under way included
    paused_at: datetime | None = None  # since when it is paused, and why
    pause_reason: str | None = None
    not_rejudged: int = 0  # of those done: judging them anew failed, and they keep the judgement that they had
    evaluations_done: int = 0  # of those answered, the ones of photographs that are done
    kept_at: datetime | None = None  # when it was counted for good; None: just now

    @property
    def remaining(self) -> int:
        """Photographs neither done nor failed."""
        return self.photographs - self.done - self.failed


def progress_of(c: Connection, audit: int) -> Progress:
    """How far an audit is, counted only where that is not kept."""
    return kept(c, [audit]).get(audit) or counted(c, audit)


def counted(c: Connection, audit: int) -> Progress:
    """How far an audit is, by its explanations: a look at each."""
    return Progress(**c.execute(text(_COUNTED), {"id": audit}).one()._mapping)


def kept(c: Connection, audits: Sequence[int]) -> dict[int, Progress]:
    """How far those of these audits are whose figures are kept."""
    rows = c.execute(text(_KEPT), {"audits": list(audits)}).mappings()
    return {row["id"]: Progress(**{name: value for name, value in row.items() if name != "id"}) for row in rows}


def large(c: Connection, audits: Sequence[int]) -> set[int]:
    """Those of these audits that want so many explanations that counting them is felt."""
    return set(c.scalars(text(_LARGE), {"audits": list(audits), "small": SMALL}))


def keep(engine: Engine, most: int = MOST) -> list[int]:
    """Count audits that have ended, up to so many, and keep their figures; the numbers of those that could be."""
    found: list[int] = []
    after = 0
    for _ in range(most):
        with engine.begin() as c:
            audit = c.scalar(text(_ENDED), {"after": after})
            if audit is None or not c.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK}):
                break
            found += c.scalars(text(_KEEP), {"id": audit})
        after = audit
    return found


# Of an audit, where a condition holds: else nothing is looked at.
COUNT = f"""
SELECT (SELECT state FROM audit WHERE id = {{audit}}) AS state,
       (SELECT paused_at FROM audit WHERE id = {{audit}} AND state = 'paused') AS paused_at,
       (SELECT pause_reason FROM audit WHERE id = {{audit}} AND state = 'paused') AS pause_reason,
       count(DISTINCT e.image_id) AS photographs,
       greatest(count(*) FILTER (WHERE e.state = 'done') - count(*) + count(DISTINCT e.image_id), 0) AS done,
       count(*) FILTER (WHERE e.state = 'failed') AS failed,
       count(*) FILTER (WHERE e.state = 'done' AND e.reason IS NOT NULL) AS not_rejudged,
       count(*) FILTER (WHERE e.state IN {sql.IN_FLIGHT}) AS in_flight,
       coalesce(sum(e.evaluations), 0) AS evaluations_done, coalesce(sum(e.evaluations), 0) + (
           SELECT coalesce(sum(p.stop - p.start), 0) FROM part p
           JOIN audit_explanation pe ON pe.explanation_id = p.explanation_id
           WHERE pe.audit_id = {{audit}} AND p.seconds IS NOT NULL AND {{where}}) AS evaluations
FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id WHERE ae.audit_id = {{audit}} AND {{where}}
"""  # noqa: S608  of constants alone
_COUNTED = COUNT.format(audit=":id", where="true")

_KEPT = """
SELECT a.id, a.state, CASE a.state WHEN 'paused' THEN a.paused_at END AS paused_at,
       CASE a.state WHEN 'paused' THEN a.pause_reason END AS pause_reason,
       f.photographs, f.done, f.failed, f.not_rejudged, 0 AS in_flight, f.evaluations,
       f.evaluations AS evaluations_done, f.counted_at AS kept_at
FROM audit a JOIN audit_figures f ON f.audit_id = a.id WHERE a.id = ANY(:audits)
"""

_LARGE = """
SELECT a.id FROM audit a WHERE a.id = ANY(:audits)
  AND EXISTS (SELECT FROM audit_explanation ae WHERE ae.audit_id = a.id OFFSET :small LIMIT 1)
"""

# Of an audit that is done, some explanation may be under way again, for another audit. The audit is held, that nobody
# deletes it meanwhile; one that somebody holds waits for another time.
_ENDED = f"""
SELECT a.id FROM audit a
WHERE a.id > :after AND a.state = 'done' AND NOT EXISTS (SELECT FROM audit_figures f WHERE f.audit_id = a.id)
  AND NOT EXISTS (SELECT FROM explanation e WHERE e.state IN {sql.IN_FLIGHT} AND {sql.IN_AUDIT.format(audit="a.id")})
  AND NOT EXISTS (SELECT FROM explanation e WHERE e.state = 'planned' AND {sql.IN_AUDIT.format(audit="a.id")})
ORDER BY a.id LIMIT 1 FOR KEY SHARE SKIP LOCKED
"""  # noqa: S608

_KEEP = f"""
INSERT INTO audit_figures (audit_id, photographs, done, failed, not_rejudged, evaluations)
SELECT :id, photographs, done, failed, not_rejudged, evaluations_done FROM ({_COUNTED}) counted
WHERE NOT EXISTS (SELECT FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id
                  WHERE ae.audit_id = :id AND e.state NOT IN ('done', 'failed'))
  AND evaluations = evaluations_done
ON CONFLICT DO NOTHING RETURNING audit_id
"""  # noqa: S608
