"""Schedules: audits that start themselves by the clock, each due time once, however many beats tick."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from sqlalchemy import Connection, Engine, Row, text

from storage.ledger import Ledger
from storage.planning import keep_recipe
from storage.reaudits import Order, Started, attempt, check
from storage.registry import canonical, find

CRON_FIELDS = 5  # of a sixth, the seconds, an archive has no use


@dataclass(frozen=True, slots=True)
class Timing:
    """When: a cron expression on the clock of a place.

    As in Debian's cron, what falls into an hour that the clock skips is due when the clock has skipped it, and what
    falls into an hour that the clock shows twice is due once; an expression for every hour or minute runs on.

    Raises
    ------
    ValueError
        If it is no cron expression of five fields, is never due, or there is no such time zone.
    """

    cron: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):  # of a name that is a folder, or leads out of the zones
            raise ValueError(f"timezone is {self.timezone!r}, expected a name like Europe/Oslo or UTC") from None
        try:
            if len(self.cron.split()) != CRON_FIELDS:
                raise CronSimError("wrong number of fields")
            next(CronSim(self.cron, datetime.now(UTC)))
        except (CronSimError, StopIteration) as error:
            reason = str(error).lower() or "never due"
            example = "minute hour day month weekday, like '0 2 * * 0' for Sundays at two"
            raise ValueError(f"cron is {self.cron!r} ({reason}), expected {example}") from None

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The due times after a moment, on the place's own clock.

        Counted from a noon two days before: from within an hour that the clock shows twice cronsim may step backwards.
        """
        local = moment.astimezone(ZoneInfo(self.timezone)) - timedelta(days=2)
        noon = local.replace(hour=12, minute=0, second=0, microsecond=0)
        return (due for due in CronSim(self.cron, noon) if due.astimezone(UTC) > moment)

    def last(self, since: datetime, moment: datetime) -> datetime | None:
        """The latest due time after `since` that is not after a moment."""
        passed = takewhile(lambda due: due.astimezone(UTC) <= moment, self.after(since))
        return next(iter(deque(passed, maxlen=1)), None)


@dataclass(frozen=True, slots=True)
class Run:
    """A due time that was answered, with the audit that it started or why it started none."""

    due_at: datetime
    audit: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """An audit that starts itself by the clock."""

    id: int
    model: str
    timing: Timing
    order: Order
    paused: bool
    since: datetime
    last: Run | None

    def due(self, now: datetime) -> datetime | None:
        """The due time to answer now: the latest that nobody has answered, and it alone, however many were missed."""
        answered = self.since if self.last is None else max(self.since, self.last.due_at)
        return None if self.paused else self.timing.last(answered, now)

    def coming(self, now: datetime, most: int) -> list[datetime]:
        """The next due times."""
        return [] if self.paused else list(islice(self.timing.after(now), most))


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedules of a database."""

    engine: Engine

    def add(self, model: str, timing: Timing, order: Order) -> Schedule:
        """Add a schedule for a model or a version of it. Raises ValueError if there is none, or the recipe misfits."""
        with self.engine.begin() as c:
            find(c, model)
            model = canonical(c, model)
            check(c, model, order.recipe)
            values: dict[str, Any] = {"model": model, "cron": timing.cron, "timezone": timing.timezone}
            values |= {"recipe": keep_recipe(c, order.recipe), "selection": order.selection}
            values |= {"object_word": order.object_word, "keep": order.keep, **order.title.ordered()}
            number = c.scalar(text(_ADD), values | {"compare": order.compare})
            return _get(c, number)

    def get(self, number: int) -> Schedule:
        """A schedule by its number. Raises ValueError."""
        with self.engine.begin() as c:
            return _get(c, number)

    def all(self) -> Sequence[Schedule]:
        """Every schedule."""
        with self.engine.begin() as c:
            return [_schedule(row) for row in c.execute(text(_SCHEDULES + "ORDER BY s.id"))]

    def runs(self, number: int) -> Sequence[Run]:
        """What a schedule has started, the newest first."""
        query = "SELECT due_at, audit_id, problem FROM schedule_run WHERE schedule_id = :id ORDER BY due_at DESC"
        with self.engine.begin() as c:
            return [Run(*row) for row in c.execute(text(query), {"id": number})]

    def pause(self, number: int) -> None:
        """Let a schedule start nothing until it is resumed. Raises ValueError if there is none."""
        self._change(number, "UPDATE schedule SET paused = true WHERE id = :id")

    def resume(self, number: int) -> None:
        """Let a paused schedule go on; what was due meanwhile is not caught up."""
        self._change(number, "UPDATE schedule SET paused = false, since = now() WHERE id = :id AND paused")

    def remove(self, number: int) -> None:
        """Forget a schedule; audits that it started go on."""
        self._change(number, "DELETE FROM schedule WHERE id = :id")

    def tick(self, now: datetime | None = None) -> list[Started]:
        """Start the audits that are due: each due time once, whoever asks and how often.

        Parameters
        ----------
        now : datetime or None
            With a time zone; the database's own clock, which all workers share, where it is not given.
        """
        with self.engine.begin() as c:
            moment = now or c.execute(text("SELECT now()")).scalar_one()
            numbers = c.scalars(text("SELECT id FROM schedule WHERE NOT paused ORDER BY id")).all()
        started = [found for number in numbers if (found := self._answer(number, moment))]
        if started:
            Ledger(self.engine).settle()  # all may have been explained before
        return started

    def _answer(self, number: int, now: datetime) -> Started | None:
        with self.engine.begin() as c:
            row = c.execute(text(_SCHEDULES + "WHERE s.id = :id"), {"id": number}).first()
            due = _schedule(row).due(now) if row else None
            if row is None or due is None or c.execute(text(_RUN), {"id": number, "due": due}).rowcount == 0:
                return None  # removed, not due, or another tick was first
            try:
                found, problem = attempt(c, find(c, row.model), Order.of(row), f"schedule {number}")
            except ValueError as error:
                found, problem = None, str(error)
            told = {"id": number, "due": due, "audit": found and found.audit, "problem": problem}
            c.execute(text(_ANSWERED), told)
            return found

    def _change(self, number: int, statement: str) -> None:
        self.get(number)
        with self.engine.begin() as c:
            c.execute(text(statement), {"id": number})


def _get(c: Connection, number: int | None) -> Schedule:
    row = c.execute(text(_SCHEDULES + "WHERE s.id = :id"), {"id": number}).first()
    if row is None:
        raise ValueError(f"there is no schedule {number}; `polelens schedule list` shows those there are")
    return _schedule(row)


def _schedule(row: Row[Any]) -> Schedule:
    last = None if row.due_at is None else Run(row.due_at, row.audit_id, row.problem)
    timing = Timing(row.cron, row.timezone)
    return Schedule(row.id, row.model, timing, Order.of(row), row.paused, row.since, last)


_SCHEDULES = """
SELECT s.*, r.body AS recipe, l.due_at, l.audit_id, l.problem
FROM schedule s JOIN recipe r ON r.digest = s.recipe_digest LEFT JOIN LATERAL (
    SELECT * FROM schedule_run WHERE schedule_id = s.id ORDER BY due_at DESC LIMIT 1) l ON true
"""

_ADD = """
INSERT INTO schedule (model, cron, timezone, recipe_digest, selection, object_word, name, note, tags, keep, compare)
VALUES (:model, :cron, :timezone, :recipe, :selection, :object_word, :name, :note, :tags, :keep, :compare) RETURNING id
"""

# A tick at the same time waits here for the other's end, and then does nothing.
_RUN = "INSERT INTO schedule_run (schedule_id, due_at) VALUES (:id, :due) ON CONFLICT DO NOTHING"

_ANSWERED = """
UPDATE schedule_run SET audit_id = :audit, problem = :problem WHERE schedule_id = :id AND due_at = :due
"""
