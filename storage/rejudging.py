"""Rejudging: an audit's answers get the judgement of today from the scores that were kept, and keep their weights.

An explanation that is judged anew goes through all the steps of the ledger again, with what the model has said before
written down as answered. Until the new judgement is there the earlier one stands, and if the steps fail it stays.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, text

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.answer.judgement import Thresholds
from pipeline.rejudge import rejudged
from storage import attributions
from storage import statements as sql
from storage.audits import Audits
from storage.blobs import Blobs
from storage.counters import count_done
from storage.keys import scores_key
from storage.ledger import Job, Ledger
from storage.planning import mask_anew
from storage.rates import drop_parts
from storage.registry import find

LOOKED_AT = 20  # photographs whose scores are looked for before all are refused for want of them


@dataclass(frozen=True, slots=True)
class Outdated:
    """What of an audit is to be judged anew.

    Attributes
    ----------
    photographs : int
        All that the audit has explained.
    outdated : int
        Those judged by other thresholds than today's, or by an earlier version.
    tested : int
        Those of them that an earlier version put to other tests: the model is asked for today's.
    masks : int
        Those whose mask is another one by now: the model is asked what it shows.
    """

    photographs: int
    outdated: int
    tested: int
    masks: int


@dataclass(frozen=True, slots=True)
class Rejudging:
    """The audits of a database, to be judged anew by these thresholds."""

    engine: Engine
    thresholds: Thresholds

    def outdated(self, number: int) -> Outdated:
        """Count what is to be judged anew.

        Raises
        ------
        ValueError
            If there is no such audit, it goes on or was cancelled, or its recipe asks for no judgement.
        """
        audit = Audits(self.engine).get(number)
        if audit.state != "done":
            ways = "`polelens audit resume` goes on" if audit.state == "cancelled" else "wait for its end"
            raise ValueError(f"audit {number} is {audit.state}; only an audit that is done can be judged anew: {ways}")
        if not audit.recipe.judge:
            raise ValueError(f"the recipe of audit {number} has judge off: there is no judgement to be renewed")
        with self.engine.begin() as c:
            return Outdated(**c.execute(text(_COUNT), self._values(number)).one()._mapping)

    def refuse_lost(self, number: int, blobs: Blobs) -> None:
        """Raise ValueError if the scores of none of the first explanations to be judged anew are kept."""
        with self.engine.begin() as c:
            keys = c.scalars(text(_KEYS), self._values(number) | {"most": LOOKED_AT}).all()
        if keys and not any(blobs.exists(scores_key(key)) for key in keys):
            raise ValueError(
                f"the scores that audit {number} kept are gone: put {scores_key(keys[0])} and its like back"
            )

    def plan(self, number: int) -> list[tuple[int, int]]:
        """Let an audit go on with what is to be judged anew; the comparisons made of it, which are outdated by that.

        Audits that share its explanations share their new judgement.
        """
        audit = Audits(self.engine).get(number)
        with self.engine.begin() as c:
            values = self._values(number)
            mask_anew(c, number, find(c, audit.model), audit.recipe)
            c.execute(text(_PLAN), values)  # after it: an answer by the new mask may itself be outdated
            c.execute(text("UPDATE audit SET state = 'running', finished_at = NULL WHERE id = :id"), values)
            c.execute(text(_SHARING), values)
            made = [(row.before_id, row.after_id) for row in c.execute(text(_COMPARED), values)]
        Ledger(self.engine).settle()  # there may be nothing to do
        return made

    def _values(self, number: int) -> dict[str, Any]:
        return {"id": number, "thresholds": json.dumps(asdict(self.thresholds))}


def labels(engine: Engine, job: Job, attribution: Attribution) -> Sequence[LabelAttribution]:
    """What was answered before, with the judgement of today; see `pipeline.rejudge` for what is refused."""
    with engine.begin() as c:
        return rejudged(attributions.read(c, [job.id]).get(job.id, ()), attribution.labels)


def finish(engine: Engine, job: Job, judged: Sequence[LabelAttribution]) -> bool:
    """Keep the new judgement of an explanation and drop the parts; False if another reducer was first."""
    with engine.begin() as c:
        if c.execute(text(_FINISH), {"id": job.id}).rowcount == 0:
            return False
        attributions.judge(c, job.id, judged)
        count_done(c, job.id, new=False)
        drop_parts(c, job.id, job.model, job.precision)
        return True


_IN_AUDIT = """FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id
JOIN image i ON i.id = e.image_id WHERE ae.audit_id = :id AND e.state = 'done'"""

_MASKED = "i.mask_sha256 IS DISTINCT FROM e.mask_sha256"

# What lacks a threshold was judged before there was that test.
_OUTDATED = f"""(NOT {_MASKED}) AND EXISTS (
    SELECT FROM attribution t WHERE t.explanation_id = e.id AND (t.verdict IS NOT NULL
        OR t.judgement -> 'thresholds' IS DISTINCT FROM CAST(:thresholds AS jsonb)))"""  # noqa: S608  of constants alone

_TESTED = """EXISTS (
    SELECT FROM attribution t WHERE t.explanation_id = e.id AND t.judgement -> 'neighbourhood' IS NULL)"""

_COUNT = f"""
SELECT count(*) AS photographs, count(*) FILTER (WHERE {_OUTDATED}) AS outdated,
       count(*) FILTER (WHERE {_TESTED}) AS tested,
       count(*) FILTER (WHERE {_MASKED}) AS masks {_IN_AUDIT}
"""

_KEYS = f"SELECT e.key {_IN_AUDIT} AND {_OUTDATED} ORDER BY e.id LIMIT :most"

_SHARING = """
UPDATE audit SET rejudged_at = now() WHERE id = :id OR id IN (
    SELECT other.audit_id FROM audit_explanation ae JOIN explanation e ON e.id = ae.explanation_id
    JOIN audit_explanation other ON other.explanation_id = e.id WHERE ae.audit_id = :id AND e.state = 'planned')
"""

_PLAN = f"""
UPDATE explanation SET state = 'planned', reason = NULL, attempts = 0, probes = '[]'
WHERE id IN (SELECT e.id {_IN_AUDIT} AND {_OUTDATED}) AND state = 'done'
"""  # noqa: S608  of constants alone

_COMPARED = """
SELECT c.before_id, c.after_id FROM comparison c JOIN audit b ON b.id = c.before_id JOIN audit a ON a.id = c.after_id
WHERE c.state = 'done' AND greatest(b.rejudged_at, a.rejudged_at) = now() ORDER BY c.id
"""

_FINISH = f"""
UPDATE explanation SET state = 'done', lease_until = NULL, reason = NULL, attempts = 0,
       evaluations = evaluations + (SELECT coalesce(sum({sql.COST}), 0) FROM part p
                                    WHERE explanation_id = :id AND seconds IS NOT NULL)
WHERE id = :id AND state = 'reducing'
"""  # noqa: S608  of constants alone
