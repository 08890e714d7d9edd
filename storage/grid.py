"""The grid: every photograph that an audit has explained, filtered and in order, a page at a time and counted.

A page is found by where the one before ended, never by counting rows, so that the last costs what the first does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, Engine, Row, TextClause, text
from sqlalchemy.exc import OperationalError

from storage.filters import CONDITIONS, FACETS, FROM, NOTHING, WRONG_LABEL, Filters, values, where

PAGE = 48
COUNTING_MILLISECONDS = 10_000  # what counting may take
MOST_AT_ONCE = 200  # photographs of a list of all that are read in one look: the first come soon
MOST_WORDS = 100  # of a question that are counted
WRONG = "wrong"
Order = Literal["worst", "unsure", "name"]


class Answered(Protocol):
    """What has the answers of a judgement."""

    @property
    def soundness(self) -> str | None: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102
    @property
    def basis(self) -> str | None: ...  # noqa: D102
    @property
    def verdict(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Tile:
    """A photograph in the grid."""

    explanation: int
    key: str
    image: str
    name: str
    known: str | None
    predicted: str
    confidence: float
    explained: str
    soundness: str | None
    reason: str | None
    basis: str | None
    verdict: str | None
    reliance: float | None
    wrong: bool | None  # None where nobody said, or the model lacks what was said
    agreed: int  # people who marked it so
    disagreed: int
    tags: Sequence[str]
    place: str  # where it is in this order: see `Grid.page`

    @property
    def words(self) -> str | None:
        """Both answers in a few words, as `Judgement.words` has them."""
        return words(self)


@dataclass(frozen=True, slots=True)
class Page:
    """Some photographs, and whether there are any before and after them."""

    tiles: Sequence[Tile]
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """How many photographs there are: all that is asked, and by each answer, if that question were not asked."""

    photographs: int
    facets: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Grid:
    """The photographs of an audit in an order: the worst, the least sure, or the first by name at the front."""

    engine: Engine
    audit: int
    filters: Filters = NOTHING
    order: Order = "worst"

    def page(self, *, after: str = "", before: str = "", most: int = PAGE) -> Page:
        """The page after a place, or before it; the first where none is given. Raises ValueError for what is none."""
        back = bool(before)
        with self.engine.begin() as c:
            found = self._rows(c, before or after, back=back, most=most + 1)
        tiles = [_tile(row) for row in found[:most]]
        more = len(found) > most
        return Page(tiles[::-1], more, True) if back else Page(tiles, bool(after), more)

    def all(self) -> Iterator[Tile]:
        """Every photograph, in pages that nobody sees."""
        after = ""
        while True:
            page = self.page(after=after, most=MOST_AT_ONCE)
            yield from page.tiles
            if not page.after:
                return
            after = page.tiles[-1].place

    def tile(self, image: str) -> Tile | None:
        """The photograph with this SHA-256, whatever is asked of others."""
        with self.engine.begin() as c:
            query = _query(self.order, NOTHING, "i.sha256 = :image")
            row = c.execute(query, values(self.audit, NOTHING) | {"image": image, "most": 1}).first()
        return None if row is None else _tile(row)

    def counts(self, milliseconds: int = COUNTING_MILLISECONDS) -> Counts | None:
        """How many there are, in one look at them all; None where that takes longer than so many milliseconds."""
        try:
            with self.engine.begin() as c:
                c.execute(text(f"SET LOCAL statement_timeout = {int(milliseconds)}"))
                rows = c.execute(text(_counting(self.filters)), values(self.audit, self.filters)).all()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) == CANCELLED:
                return None
            raise
        found: dict[str, dict[str, int]] = {name: {} for name in FACETS}
        for row in rows:
            if row.facet and row.word is not None and row.n:
                found[row.facet][row.word] = row.n
        return Counts(next((row.n for row in rows if row.facet is None), 0), found)

    def _rows(self, c: Connection, place: str, *, back: bool, most: int) -> Sequence[Row[Any]]:
        given = values(self.audit, self.filters) | {"most": most}
        condition = ""
        if place:
            check_place(self.order, place)
            value, _, number = place.rpartition("~")
            given |= {"value": value if self.order == "name" else float(value), "number": int(number)}
            kind = "text" if self.order == "name" else "float8"
            way = "<" if back else ">"
            condition = f"({ORDERS[self.order]}, t.explanation_id) {way} (CAST(:value AS {kind}), :number)"
        return c.execute(_query(self.order, self.filters, condition, back=back), given).all()


def words(one: Answered) -> str | None:
    """Both answers in a few words, as `Judgement.words` has them, or the one of an earlier version."""
    if one.soundness is None or one.basis is None:
        return one.verdict
    return f"{one.soundness}{f' ({one.reason})' if one.reason else ''}, {one.basis}"


def neighbours(grid: Grid, tile: Tile) -> tuple[str | None, str | None]:
    """The SHA-256 of the photographs before and after one in the order, None at its ends."""
    before, after = grid.page(before=tile.place, most=1).tiles, grid.page(after=tile.place, most=1).tiles
    return before[0].image if before else None, after[0].image if after else None


def check_place(order: Order, place: str) -> None:
    """Raise ValueError for what is no place in an order; an empty text is its beginning."""
    number = r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?"
    if place and not re.fullmatch(rf"{'(?s:.*)' if order == 'name' else number}~[0-9]{{1,18}}", place):
        raise ValueError(f"there is no such place in the order: {place!r}")


def keys_of(engine: Engine, audit: int, images: Sequence[str]) -> dict[str, str]:
    """The keys of an audit's explanations of the photographs with these SHA-256, by these."""
    with engine.begin() as c:
        rows = c.execute(text(_KEYS), {"audit": audit, "images": list(images)})
        return {row.image: row.key for row in rows}


_KEYS = """
SELECT i.sha256 AS image, e.key FROM image i JOIN explanation e ON e.image_id = i.id
JOIN audit_explanation ae ON ae.explanation_id = e.id WHERE ae.audit_id = :audit AND i.sha256 = ANY(:images)
"""

CANCELLED = "57014"  # Postgres's word for a statement that took longer than it may
# Ascending, all of them. The worst rest on the background, are in doubt, and lean most: an index has it, see `tables`.
WORST = "(-worry(t.basis, t.soundness, t.verdict, t.background_reliance))"
ORDERS: Mapping[Order, str] = {"worst": WORST, "unsure": "e.confidence", "name": "i.name"}


def _counting(filters: Filters) -> str:
    """One look at all that is asked but for the facets; each row says which of these it would meet."""
    meets = {name: CONDITIONS[name] if name in filters.asked else "true" for name in FACETS}
    held = ", ".join(f"coalesce({condition}, false) AS meets_{name}" for name, condition in meets.items())
    words = ", ".join(f"{column} AS {name}" for name, column in FACETS.items())
    every = " AND ".join(f"meets_{name}" for name in FACETS)
    rows = [f"SELECT NULL AS facet, NULL AS word, count(*) FILTER (WHERE {every}) AS n FROM found"]
    for name in FACETS:
        others = " AND ".join(f"meets_{other}" for other in FACETS if other != name)
        rows.append(
            f"(SELECT '{name}', {name}, count(*) FILTER (WHERE {others}) AS n FROM found WHERE {name} IS NOT NULL "
            f"GROUP BY {name} ORDER BY n DESC, {name} LIMIT {MOST_WORDS})"
        )
    asked = where(filters, without=FACETS)
    return f"WITH found AS MATERIALIZED (SELECT {words}, {held} {FROM} WHERE {asked}) {' UNION ALL '.join(rows)}"


def _query(order: Order, filters: Filters, condition: str, *, back: bool = False) -> TextClause:
    place, way = ORDERS[order], "DESC" if back else "ASC"
    return text(
        f"""
SELECT e.id AS explanation, e.key, i.sha256 AS image, i.name, i.label AS known, e.predicted, e.confidence,
       t.label AS explained, t.soundness, t.reason, t.basis, t.verdict, t.background_reliance AS reliance,
       {WRONG_LABEL} AS wrong, said.agreed, said.disagreed, said.tags, {place} || '~' || e.id AS place
{FROM}
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE k.word = 'agree') AS agreed, count(*) FILTER (WHERE k.word = '{WRONG}') AS disagreed,
           coalesce((SELECT array_agg(DISTINCT one ORDER BY one) FROM mark kk, unnest(kk.tags) one
                     WHERE kk.explanation_id = e.id), '{{}}') AS tags
    FROM mark k WHERE k.explanation_id = e.id) said
WHERE {where(filters)} {f"AND {condition}" if condition else ""}
ORDER BY {place} {way}, t.explanation_id {way} LIMIT :most
"""
    )


def _tile(row: Row[Any]) -> Tile:
    return Tile(**{one.name: getattr(row, one.name) for one in fields(Tile)})
