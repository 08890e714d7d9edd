"""Garbage: audits that were kept long enough, explanations that no audit wants, and blobs that nothing refers to."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy import Engine, text

from storage.blobs import Blobs, Stored
from storage.forget.audits import AuditRemoval
from storage.forget.explanations import Explanations
from storage.forget.losses import Losses
from storage.forget.trail import Act, act
from storage.forget.unreferenced import AT_ONCE, KINDS, Kind, Sweeper, pages
from storage.locks import Adding

LOOKED_AT = 1000  # keys whose rows are looked for at once
SHARDS = 256  # parts of the store: by the two digits that the keys of what is many begin with
WRITTEN_SECONDS = 3600.0  # nobody writes one file for so long
GRACE_SECONDS = 86_400.0  # how old a blob must be: its row may be on its way, and the store's clock another


@dataclass(frozen=True, slots=True)
class Garbage:
    """What of a database and a blob store nothing refers to, found page by page, in the same memory however large.

    Any number may be at it at once: what one has removed the other does not find.

    Attributes
    ----------
    grace_seconds : float
        A younger blob stays. Nothing depends on it but what workers of an earlier version are at, and what a worker
        puts late for an explanation that is gone, which would be put again by the next.
    """

    engine: Engine
    blobs: Blobs
    act: Act
    grace_seconds: float = GRACE_SECONDS

    def expired(self) -> Sequence[int]:
        """The audits that have been kept for as long as they were to be."""
        with self.engine.begin() as c:
            return c.scalars(text(_EXPIRED)).all()

    def rows(self) -> Losses:
        """Remove the audits that were kept long enough, and the explanations that no audit wants; no blob yet."""
        losses = Losses()
        for number in self.expired():
            removal = AuditRemoval(self.engine, self.blobs, number, at_once=False)
            with suppress(ValueError):  # somebody lets it go on
                losses.update(removal.carry_out(act("keep", self.act.who, number)))
        explanations = Explanations(replace(self._sweeper, at_once=False))
        for page in explanations.loose():
            losses.update(explanations.drop(page))
        return losses

    def count(self, each: Callable[[], None] = lambda: None) -> Losses:
        """What would be removed, and nothing is; what hangs on audits and explanations that would go is not counted."""
        losses = Losses()
        losses.add("audits", len(self.expired()))
        losses.add("explanations", sum(map(len, Explanations(self._sweeper).loose())))
        for kind in KINDS:
            for some in self._nobodys(kind, kind.prefix, each):
                losses.add(kind.name, len(some), sum(one.bytes for one in some))
        return losses

    def sweep(self, most: int | None = None, each: Callable[[], None] = lambda: None) -> tuple[Losses, Sequence[str]]:
        """Remove blobs that nothing refers to, so many at most; and the kinds that were left for another time.

        `each` is called for every page of keys that was looked at.
        """
        losses, left = Losses(), list[str]()
        for kind in KINDS:
            try:
                losses.update(self._sweep(kind, kind.prefix, most and most - losses.number.total(), each))
            except Adding:
                left.append(kind.name)
        losses.add("unfinished files", self.blobs.drop_unfinished(min(self._before, time.time() - WRITTEN_SECONDS)))
        return losses, left

    def shard(self, number: int) -> Losses:
        """Remove what nothing refers to in one of the SHARDS of the store; what is few is in the first."""
        losses = Losses()
        for kind in KINDS:
            if kind.few and number:
                continue
            try:
                below = kind.prefix if kind.few else f"{kind.prefix}{number:02x}/"
                losses.update(self._sweep(kind, below, None, lambda: None))
            except Adding:
                continue
        return losses

    @property
    def _sweeper(self) -> Sweeper:
        return Sweeper(self.engine, self.blobs, self.act)

    @property
    def _before(self) -> float:
        return time.time() - self.grace_seconds

    def _sweep(self, kind: Kind, below: str, most: int | None, each: Callable[[], None]) -> Losses:
        losses = Losses()
        for some in self._nobodys(kind, below, each):
            rest = some if most is None else some[: max(most - losses.number.total(), 0)]
            losses.update(self._sweeper.remove(kind, rest))
            if len(rest) < len(some):
                break
        return losses

    def _nobodys(self, kind: Kind, below: str, each: Callable[[], None]) -> Iterator[list[Stored]]:
        """What nothing refers to below a prefix, page by page; asked again when it is removed."""
        before = self._before
        for page in pages(self.blobs.stored(below), LOOKED_AT):
            with self.engine.begin() as c:
                found = kind.nobodys(c, (one for one in page if one.modified < before))
            yield from pages(found, AT_ONCE)
            each()


# A cancelled audit has no end of its own; its notice has. What waits to be compared is still wanted.
_EXPIRED = """
SELECT a.id FROM audit a
WHERE a.keep IS NOT NULL AND a.state IN ('done', 'cancelled') AND now() > a.keep * interval '1 day' + coalesce(
    a.finished_at, (SELECT max(n.ended_at) FROM notice n WHERE n.audit_id = a.id), a.created_at)
    AND NOT EXISTS (SELECT FROM comparison c WHERE a.id IN (c.before_id, c.after_id) AND c.state = 'waiting')
ORDER BY a.id
"""
