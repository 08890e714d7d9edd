"""Pairs: the photographs of two audits that were compared, filtered as those of the later one are, and in an order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.exc import OperationalError

from pipeline.change.outcome import STEP
from storage.comparison_statements import CHANGES
from storage.comparisons import Compared, Comparison, compared
from storage.filters import FROM, NOTHING, Filters, values, where
from storage.grid import CANCELLED, COUNTING_MILLISECONDS, check_place

PAGE = 24  # pairs: two pictures each
PairOrder = Literal["moved", "contrary", "worse", "better", "name"]

# As `pipeline.change.outcome.Counts` counts them.
MOVED = {
    "changed": "d.changed",
    "same": "d.changed = false",
    "worse": f"d.changed IS NOT false AND d.reliance_after - d.reliance_before >= {STEP}",
    "better": f"d.changed IS NOT false AND d.reliance_after - d.reliance_before <= -{STEP}",
    "relabelled": "d.label_before <> d.label_after",
    "mended": "d.label_before <> i.label AND i.label = d.label_after",
    "broken": "d.label_after <> i.label AND i.label = d.label_before",
}
# Ascending, all of them; what is not known comes last.
PAIR_ORDERS: dict[PairOrder, str] = {
    "moved": "(-coalesce(d.distance, -1))",
    "contrary": "coalesce(d.spearman, 2)",
    "worse": "coalesce(d.reliance_before - d.reliance_after, 2)",
    "better": "coalesce(d.reliance_after - d.reliance_before, 2)",
    "name": "i.name",
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A photograph of a comparison, and where it is in the order."""

    row: Compared
    place: str


@dataclass(frozen=True, slots=True)
class PairPage:
    """Some photographs of a comparison, and whether there are any before and after them."""

    pairs: Sequence[Placed]
    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class Pairs:
    """The photographs of a comparison that are all that is asked of their later explanation, and have moved so.

    A page is found by where the one before ended, as in `storage.grid`.
    """

    engine: Engine
    comparison: Comparison
    filters: Filters = NOTHING
    moved: str = ""  # a word of MOVED, or nothing
    order: PairOrder = "moved"

    def page(self, *, after: str = "", before: str = "", most: int = PAGE) -> PairPage:
        """The page after a place, or before it; the first where none is given. Raises ValueError for what is none."""
        back = bool(before)
        with self.engine.begin() as c:
            found = self._rows(c, before or after, back=back, most=most + 1)
        pairs = [Placed(compared(row), row.place) for row in found[:most]]
        more = len(found) > most
        return PairPage(pairs[::-1], more, True) if back else PairPage(pairs, bool(after), more)

    def all(self) -> Iterator[Placed]:
        """Every photograph, in pages that nobody sees."""
        after = ""
        while True:
            page = self.page(after=after, most=500)
            yield from page.pairs
            if not page.after:
                return
            after = page.pairs[-1].place

    def count(self, milliseconds: int = COUNTING_MILLISECONDS) -> int | None:
        """How many there are; None where counting takes longer than so many milliseconds."""
        counting = text(f"SELECT count(*) {self._chosen}")
        try:
            with self.engine.begin() as c:
                c.execute(text(f"SET LOCAL statement_timeout = {int(milliseconds)}"))
                found: int = c.execute(counting, self._values).scalar_one()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) == CANCELLED:
                return None
            raise
        return found

    @property
    def _chosen(self) -> str:
        """The rows of `change` that are asked for; the image is joined so that it costs nothing where nobody does."""
        asked = ["d.comparison_id = :id"]
        asked += [MOVED[self.moved]] if self.moved else []
        if self.filters.asked:
            asked.append(f"EXISTS (SELECT {FROM} WHERE {where(self.filters)} AND e.image_id = d.image_id)")
        return f"FROM change d LEFT JOIN image i ON i.id = d.image_id WHERE {' AND '.join(asked)}"

    @property
    def _values(self) -> dict[str, Any]:
        return values(self.comparison.after, self.filters) | {"id": self.comparison.id}

    def _rows(self, c: Connection, place: str, *, back: bool, most: int) -> Sequence[Row[Any]]:
        by, given, condition = PAIR_ORDERS[self.order], self._values | {"page": most}, ""
        if place:
            check_place("name" if self.order == "name" else "worst", place)
            value, _, number = place.rpartition("~")
            given |= {"value": value if self.order == "name" else float(value), "number": int(number)}
            kind = "text" if self.order == "name" else "float8"
            condition = f"AND ({by}, d.image_id) {'<' if back else '>'} (CAST(:value AS {kind}), :number)"
        way = "DESC" if back else "ASC"
        query = f"""
WITH chosen AS MATERIALIZED (
    SELECT d.image_id, {by} AS by {self._chosen} {condition} ORDER BY {by} {way}, d.image_id {way} LIMIT :page),
found AS ({CHANGES.format(which="d.image_id IN (SELECT image_id FROM chosen)")})
SELECT found.*, chosen.by || '~' || image_id AS place FROM chosen JOIN found USING (image_id)
ORDER BY chosen.by {way}, image_id {way}"""
        return c.execute(text(query), given).all()
