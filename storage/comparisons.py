"""Comparisons of two audits: planned when the second one starts, made when both have ended, and read."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.dialects.postgresql import insert

from pipeline.answer.nulls import to_null
from pipeline.change.comparison import Change
from pipeline.change.criteria import LEAST_DISTANCE
from pipeline.change.outcome import Outcome
from pipeline.change.terms import Terms
from pipeline.recipe import Recipe
from storage import comparison_statements as sql
from storage.audits import Audits, Explained, read
from storage.locks import want
from storage.reaudit_tables import change as table

PAGE = 200  # photographs
FIGURES = tuple(field.name for field in fields(Change))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two audits, and what their comparison came to; outcome is `pipeline.change.outcome.Outcome` as JSON."""

    id: int
    before: int
    after: int
    model_before: str
    model_after: str
    state: str  # waiting, done or failed
    reason: str | None
    outcome: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None
    object_word: str = "object"  # of the later audit
    outdated: bool = False  # an audit of it was judged anew since, or photographs of it were removed
    removed: int = 0  # so many photographs
    recipe_before: str = ""
    recipe_after: str = ""
    differing: tuple[str, ...] = ()  # the fields in which the recipes differ, but for names and seeds

    @property
    def terms(self) -> Terms:
        """What the two have in common."""
        return Terms(self.model_before == self.model_after, self.differing)

    @property
    def names(self) -> tuple[str, str]:
        """What tells the two apart: their models, their recipes, or both; recipes of one name by their audits."""
        models, recipes = (self.model_before, self.model_after), (self.recipe_before, self.recipe_after)
        if self.terms.one_recipe:
            return models
        if not self.terms.one_model:
            return f"{recipes[0]} on {models[0]}", f"{recipes[1]} on {models[1]}"
        if recipes[0] == recipes[1]:
            return f"audit {self.before}", f"audit {self.after}"
        return recipes


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A photograph that both audits have explained."""

    image: int
    before: Explained
    after: Explained


@dataclass(frozen=True, slots=True)
class Compared:
    """A photograph of a comparison: what changed, and the keys of the two explanations' blobs."""

    sha256: str
    name: str
    label: str | None
    key_before: str
    key_after: str
    known_before: bool  # whether the label is one that the first model has: else nobody knows whether it is right
    known_after: bool
    changed: bool | None
    change: Change
    place_before: int = 1  # of the label compared among those explained, the most probable first
    place_after: int = 1


@dataclass(frozen=True, slots=True)
class Comparisons:
    """The comparisons of a database. One whose processes died `attempts` times is failed.

    Who begins one holds it for a lease, and with each page for another. Should somebody go on with it after that, no
    harm is done: the first answer stays, and a word that comes late finds another state.
    """

    engine: Engine
    lease_seconds: float = 300
    attempts: int = 3
    least_distance: float = LEAST_DISTANCE  # of a change that counts

    def start(self, before: int, after: int, *, again: bool = False) -> Comparison:
        """Plan the comparison of two audits that have ended; the one there is, if it was planned before.

        Where an audit was judged anew since, what there is is dropped, to be made again; with `again` also where it
        failed, for workers do not go on with what was given up.

        Raises
        ------
        ValueError
            If there is no such audit, or one has not ended.
        """
        audits = [Audits(self.engine).get(number) for number in (before, after)]
        if before == after:
            raise ValueError(f"audit {before} is given twice; compare it with another audit")
        for audit in audits:
            if audit.state != "done":
                raise ValueError(f"audit {audit.id} is {audit.state}; only audits that are done can be compared")
        with self.engine.begin() as c:
            one = _get(c, plan(c, before, after))
            return _anew(c, one.id) if one.outdated or (again and one.state == "failed") else one

    def get(self, number: int) -> Comparison:
        """A comparison by its number."""
        with self.engine.begin() as c:
            return _get(c, number)

    def between(self, before: int, after: int) -> Comparison | None:
        """The comparison of two audits, if somebody has asked for it."""
        with self.engine.begin() as c:
            row = c.execute(text(sql.COMPARISONS + sql.BETWEEN), {"before": before, "after": after}).first()
        return None if row is None else _comparison(row)

    def with_audit(self, audit: int, most: int) -> Sequence[Comparison]:
        """The comparisons that an audit is in, the newest first."""
        with self.engine.begin() as c:
            rows = c.execute(text(sql.COMPARISONS + sql.WITH_AUDIT), {"audit": audit, "most": most})
            return [_comparison(row) for row in rows]

    def all(self) -> Sequence[Comparison]:
        """Every comparison, the newest first."""
        with self.engine.begin() as c:
            return [_comparison(row) for row in c.execute(text(sql.COMPARISONS + "ORDER BY c.id DESC"))]

    def due(self) -> list[int]:
        """The comparisons whose audits have both ended and that nobody is at, to be published."""
        with self.engine.begin() as c:
            return list(c.scalars(text(sql.DUE)))

    def begin(self, number: int) -> bool:
        """Start or go on with a comparison; False if it is done or given up, or another holds it."""
        values = {"id": number, "lease": self.lease_seconds}
        with self.engine.begin() as c:
            attempts = c.scalar(text(sql.BEGIN), values)
        if attempts is not None and attempts > self.attempts:
            self.fail(number, f"comparing killed its process {self.attempts} times")
            return False
        return attempts is not None

    def pairs(self, number: int) -> Iterator[list[Pair]]:
        """The photographs that both audits have explained and nobody has compared, page by page."""
        after = 0
        while True:
            values = {"id": number, "after": after, "page": PAGE}
            with self.engine.begin() as c:
                rows = c.execute(text(sql.PAIRS), values).all()
                found = {one.id: one for one in read(c, [number for row in rows for number in row[1:]])}
            if rows:
                yield [Pair(row.image, found[row.before], found[row.after]) for row in rows]
            if len(rows) < PAGE:
                return
            after = rows[-1].image

    def keep(self, number: int, changes: Sequence[tuple[int, Change]]) -> None:
        """Keep what changed on some photographs, by their ids; the first answer stays."""
        with self.engine.begin() as c:
            want(c)
            there = set(c.scalars(text(sql.THERE), {"images": [image for image, _ in changes]}))  # none removed since
            rows = [
                {"comparison_id": number, "image_id": image, **to_null(asdict(change))}
                for image, change in changes
                if image in there
            ]
            if rows:
                c.execute(insert(table).values(rows).on_conflict_do_nothing())
            c.execute(text(sql.CHANGE.format(change=sql.RENEW)), {"id": number, "lease": self.lease_seconds})

    def p_values(self, number: int) -> NDArray[np.float64]:
        """The p-value of every photograph that has one, 1 where its distance would not count.

        So those who count are chosen once, by both, and the share of false ones among them is what was asked for.
        """
        values = {"id": number, "least": self.least_distance}
        with self.engine.begin() as c:
            return np.fromiter(c.scalars(text(sql.P_VALUES), values), dtype=float)

    def compared(self, number: int) -> Iterator[Compared]:
        """The photographs of a comparison, page by page in the archive's order."""
        after = 0
        while True:
            values = {"id": number, "after": after, "page": PAGE}
            with self.engine.begin() as c:
                rows = c.execute(text(sql.CHANGES.format(which=sql.IN_ORDER)), values).all()
            yield from map(compared, rows)
            if len(rows) < PAGE:
                return
            after = rows[-1].image_id

    def foremost(self, number: int, order: str, most: int) -> list[Compared]:
        """The photographs that moved most: by `distance`, or towards (`worse`) or off (`better`) the background.

        Or those whose two explanations contradict each other most, by rank correlation (`contrary`). Without those that
        are judged not to have changed.
        """
        values = {"id": number, "most": most}
        with self.engine.begin() as c:
            rows = c.execute(text(sql.CHANGES.format(which=sql.FOREMOST.format(**sql.ORDERS[order]))), values).all()
        return [compared(row) for row in rows]

    def finish(self, number: int, outcome: Outcome) -> None:
        """Write down what a comparison came to, and which changes count, unless it came to more before."""
        judged = {"id": number, "believed": outcome.believed, "least": outcome.least_distance}
        told = {"id": number, "outcome": json.dumps(outcome.to_json()), "compared": outcome.counts.compared}
        with self.engine.begin() as c:
            if c.execute(text(sql.FINISH), told).rowcount:
                c.execute(text(sql.MARK), judged)

    def release(self, number: int) -> None:
        """Let another go on with it at once."""
        self._change(number, "lease_until = NULL")

    def forgive(self, number: int) -> None:
        """Take back an attempt that ended in an error and not in a dead process: it is due again after its lease."""
        self._change(number, "attempts = greatest(attempts - 1, 0)")

    def fail(self, number: int, reason: str) -> None:
        """Give a comparison up, with the reason, unless it was made meanwhile."""
        failed = "state = 'failed', reason = :reason, finished_at = now(), lease_until = NULL"
        self._change(number, failed, reason=reason)

    def _change(self, number: int, change: str, **values: Any) -> None:
        with self.engine.begin() as c:
            c.execute(text(sql.CHANGE.format(change=change)), {"id": number, **values})


def plan(c: Connection, before: int, after: int) -> int:
    """Write down that two audits are to be compared when both have ended; the comparison's number."""
    number: int = c.execute(text(sql.PLAN), {"before": before, "after": after}).scalar_one()
    return number


def _anew(c: Connection, number: int) -> Comparison:
    """A comparison with nothing in it yet."""
    for statement in (sql.DROP, sql.REOPEN):
        c.execute(text(statement), {"id": number})
    return _get(c, number)


def _get(c: Connection, number: int) -> Comparison:
    row = c.execute(text(sql.COMPARISONS + "WHERE c.id = :id"), {"id": number}).first()
    if row is None:
        raise ValueError(f"there is no comparison {number}; `polelens audit comparisons` shows those there are")
    return _comparison(row)


def _comparison(row: Row[Any]) -> Comparison:
    told: dict[str, Any] = dict(row._mapping)
    before, after = (Recipe.from_json(told.pop(f"body_{when}")) for when in ("before", "after"))
    told |= {"recipe_before": before.name, "recipe_after": after.name}
    return Comparison(**told, differing=Terms.of(before, after, one_model=True).differing)


def compared(row: Row[Any]) -> Compared:
    """The photograph in a row of `CHANGES`."""
    told: dict[str, Any] = {name: getattr(row, name) for name in FIGURES}
    known: dict[str, Any] = {key: _known(key, value) for key, value in told.items()}
    return Compared(
        row.sha256,
        row.name,
        row.label,
        row.key_before,
        row.key_after,
        row.known_before,
        row.known_after,
        row.changed,
        Change(**known),
        row.place_before,
        row.place_after,
    )


def _known(name: str, value: Any) -> Any:
    return math.nan if value is None and not name.startswith(("verdict", "test", "on_grid")) else value
