"""Removing an audit: its list of photographs, its comparisons, and the explanations that no other audit wants."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from storage.audits import Audits
from storage.blobs import Blobs
from storage.forget.explanations import NEEDED, PAGE, Explanations, Going
from storage.forget.losses import Losses
from storage.forget.trail import Act
from storage.forget.unreferenced import Sweeper

GOES_ON = ("running", "paused")


@dataclass(frozen=True, slots=True)
class AuditRemoval:
    """Removes one audit of a database.

    Its rows go first, in one transaction and whole, so that nobody ever sees a part of it; the explanations follow in
    many. Killed in between they are what no audit wants, and `polelens gc` removes them.
    """

    engine: Engine
    blobs: Blobs
    number: int
    at_once: bool = True  # its blobs too; see Sweeper

    def losses(self) -> Losses:
        """What would go. Raises ValueError if there is no such audit, or it goes on."""
        Audits(self.engine).get(self.number)
        with self.engine.begin() as c:
            _refuse_going_on(c, self.number)
            losses = Going(_GOING, {"audit": self.number}).weigh(c, self.blobs)
            losses.add("audits", 1)
            losses.add("comparisons", c.execute(text(_COMPARED), {"audit": self.number}).scalar_one())
        return losses

    def carry_out(self, act: Act) -> Losses:
        """Remove it; nothing if another was first. Raises ValueError if it goes on."""
        explanations, losses = Explanations(Sweeper(self.engine, self.blobs, act, self.at_once)), Losses()
        with self.engine.connect() as c:
            c.execute(text("DROP TABLE IF EXISTS pg_temp.leaving"))  # of one that failed on this connection
            c.execute(text("CREATE TEMP TABLE leaving (id bigint PRIMARY KEY)"))
            losses.update(_remove(c, self.number, act))
            c.commit()
            for page in _leaving(c):
                losses.update(explanations.drop(page))
            c.execute(text("DROP TABLE leaving"))
            c.commit()
        return losses


def _remove(c: Connection, number: int, act: Act) -> Losses:
    """The audit's own rows; its explanations are in the table `leaving` of this connection then."""
    values, losses = {"audit": number}, Losses()
    _refuse_going_on(c, number)
    c.execute(text(_LEAVE), values)
    for statement in _LET_GO:
        c.execute(text(statement), values)
    losses.add("comparisons", c.execute(text(_UNCOMPARE), values).rowcount)
    losses.add("audits", c.execute(text("DELETE FROM audit WHERE id = :audit"), values).rowcount)
    act.note(c, losses)
    return losses


def _leaving(c: Connection) -> Iterator[list[int]]:
    after = 0
    while True:
        page = list(c.scalars(text(_PAGE), {"after": after, "page": PAGE}))
        c.commit()
        if not page:
            return
        yield page
        after = page[-1]


def _refuse_going_on(c: Connection, number: int) -> None:
    """Hold the audit as it is. Raises ValueError if it goes on."""
    state = c.scalar(text("SELECT state FROM audit WHERE id = :audit FOR UPDATE"), {"audit": number})
    if state in GOES_ON:
        ways = f"`polelens audit cancel {number}` stops it, and then it can be deleted"
        raise ValueError(f"audit {number} is {state}; {ways}")


_OTHERS = "SELECT FROM audit_explanation ae WHERE ae.explanation_id = e.id AND ae.audit_id <> :audit"

_GOING = f"""e.id IN (SELECT explanation_id FROM audit_explanation WHERE audit_id = :audit)
AND NOT EXISTS ({_OTHERS}) AND NOT {NEEDED}"""  # noqa: S608  of constants alone

_COMPARED = "SELECT count(*) FROM comparison WHERE :audit IN (before_id, after_id)"

_LEAVE = "INSERT INTO leaving SELECT explanation_id FROM audit_explanation WHERE audit_id = :audit"

_LET_GO = (
    "UPDATE audit SET refit_of = NULL WHERE refit_of = :audit",
    "UPDATE policy SET audit_id = NULL WHERE audit_id = :audit",
    "UPDATE schedule_run SET audit_id = NULL WHERE audit_id = :audit",
)

_UNCOMPARE = "DELETE FROM comparison WHERE :audit IN (before_id, after_id)"

_PAGE = "SELECT id FROM leaving WHERE id > :after ORDER BY id LIMIT :page"
