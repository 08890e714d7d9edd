"""Chosen: some of the photographs that an audit has explained, by name, by answer, or the first to look at."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine, Select, column, func, or_, select, text

from storage import statements as sql
from storage import tables
from storage.archive import condition
from storage.audits import PAGE, Explained, read

_explanation, _attribution = tables.explanation.alias("e"), tables.attribution.alias("a")
_RANKS = "SELECT sha256, min(rank) AS rank FROM look_first WHERE audit = :audit GROUP BY sha256"
_DONE = f"{sql.STATE} = 'done'"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Photographs of a selection that have any of these answers; of any answer where none is named.

    `storage.archive.condition` says what a selection is. Answers are words of the two answers of a judgement, or of an
    earlier version's verdict, for the most probable label explained. `most` of them are those to look at first, the
    foremost first, and then the others in the audit's order.
    """

    images: str = "all"
    answers: tuple[str, ...] = ()
    most: int | None = None

    def explained(self, engine: Engine, audit: int) -> Iterator[Explained]:
        """The explanations that are done, page by page."""
        for ids in self._pages(engine, audit):
            with engine.begin() as c:
                found = {one.id: one for one in read(c, ids)}
            yield from (found[number] for number in ids)

    def count(self, engine: Engine, audit: int) -> int:
        """How many there are, `most` at most."""
        with engine.begin() as c:
            found: int = c.execute(select(func.count()).select_from(self._query(audit).subquery())).scalar_one()
        return found if self.most is None else min(found, self.most)

    def _pages(self, engine: Engine, audit: int) -> Iterator[list[int]]:
        if self.most is not None:
            ids = self._first(engine, audit)
            yield from (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))
            return
        after, ids = 0, [0]
        while ids:
            page = self._query(audit).where(_explanation.c.id > after).order_by(_explanation.c.id).limit(PAGE)
            with engine.begin() as c:
                ids = list(c.scalars(page))
            yield ids
            after = ids[-1] if ids else after

    def _first(self, engine: Engine, audit: int) -> list[int]:
        """The ids of `most` explanations, in the order in which they are to be looked at."""
        ranks = text(_RANKS).bindparams(audit=audit).columns(column("sha256"), column("rank")).subquery("ranks")
        query = self._query(audit).outerjoin(ranks, ranks.c.sha256 == tables.image.c.sha256)
        with engine.begin() as c:
            return list(c.scalars(query.order_by(ranks.c.rank.nulls_last(), _explanation.c.id).limit(self.most)))

    def _query(self, audit: int) -> Select[tuple[int]]:
        wanted, mine = tables.audit_explanation, _attribution.c
        query = (
            select(_explanation.c.id)
            .join(wanted, wanted.c.explanation_id == _explanation.c.id)
            .join(tables.image, tables.image.c.id == _explanation.c.image_id)
            .where(wanted.c.audit_id == audit, text(_DONE), condition(self.images))
        )
        if not self.answers:
            return query
        has = or_(*(column.in_(self.answers) for column in (mine.soundness, mine.basis, mine.verdict)))
        foremost = select(mine.label).where(mine.explanation_id == _explanation.c.id, mine.place == 1, has)
        return query.where(foremost.exists())
