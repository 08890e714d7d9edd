"""The figures of the pages: how far audits are, what they come to, and how many photographs are all that is asked."""

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from sqlalchemy import Engine

from polelens.web.counting import Counting, Figure
from storage.audits import Audit
from storage.grid import Counts, Grid
from storage.listing import Which, known
from storage.overview import Overview, overview
from storage.progress import Progress, counted, kept, large

PAGE_SECONDS = 0.1  # for which a page waits; numbers that take longer come after it
TWIN_SECONDS = 30.0  # for which a twin waits: nobody looks at the rest of it meanwhile
LOOKS = 12

T = TypeVar("T")


class NotCounted(Exception):
    """A figure that a program waits for is not there yet."""


def there(figure: Figure[T] | None) -> Figure[T]:
    """A figure that is there. Raises NotCounted."""
    if figure is None:
        raise NotCounted
    return figure


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted of a database, by its own connections: those of the pages are never all in use by it.

    Of a small audit it is counted whenever it is asked for, of a large one beside the pages.
    """

    engine: Engine
    counting: Counting = field(default_factory=Counting)

    def listed(self, which: Which, seconds: float = PAGE_SECONDS) -> Sequence[tuple[Audit, Figure[Progress] | None]]:
        """The audits that are asked for, the newest first, and how far each is; one wait for all of them."""
        found, until = known(self.engine, which), time.monotonic() + seconds
        there = {one.id: Figure(progress) for one, progress in found if progress}
        with self.engine.begin() as c:
            beside = large(c, [one.id for one, _ in found if one.id not in there])
        for one, _ in found:
            if one.id in beside:
                self._progress(one, beside, 0)  # all of them are asked for before one is waited for
        rest = (max(until - time.monotonic(), 0) for _ in found)
        return [(one, there.get(one.id) or self._progress(one, beside, next(rest))) for one, _ in found]

    def progress(self, audit: Audit, seconds: float = PAGE_SECONDS) -> Figure[Progress] | None:
        """How far an audit is."""
        with self.engine.begin() as c:
            found, beside = kept(c, [audit.id]).get(audit.id), large(c, [audit.id])
        return Figure(found) if found else self._progress(audit, beside, seconds)

    def overview(self, audit: Audit, seconds: float = PAGE_SECONDS) -> Figure[Overview] | None:
        """What an audit comes to; of one whose figures are kept, it is as they are."""
        with self.engine.begin() as c:
            found, beside = kept(c, [audit.id]).get(audit.id), large(c, [audit.id])
        count = partial(overview, self.engine, audit.id, LOOKS)
        if not beside:
            return Figure(count())
        return self._beside(("overview", audit.id, audit.state), count, found and found.kept_at, seconds)

    def counts(self, grid: Grid) -> Figure[Counts | None] | None:
        """How many photographs a grid has, and by each answer; a figure of None where that takes too long to count."""
        with self.engine.begin() as c:
            found, beside = kept(c, [grid.audit]).get(grid.audit), large(c, [grid.audit])
        count = Grid(self.engine, grid.audit, grid.filters).counts
        if not beside:
            return Figure(count())
        of = found.kept_at if found and not (grid.filters.mark or grid.filters.tag) else None  # marks come at any time
        return self._beside(("counts", grid.audit, grid.filters), count, of, PAGE_SECONDS)

    def close(self) -> None:
        """Count nothing more."""
        self.counting.close()
        self.engine.dispose()

    def _progress(self, audit: Audit, beside: set[int], seconds: float) -> Figure[Progress] | None:
        count = partial(_counted, self.engine, audit.id)
        if audit.id not in beside:
            return Figure(count())
        return self._beside(("progress", audit.id, audit.state), count, None, seconds)

    def _beside(self, name: Hashable, count: Callable[[], T], of: Hashable, seconds: float) -> Figure[T] | None:
        """A figure of a large audit; one that is there already, but old, is waited for as a page waits."""
        found = self.counting.figure(name, count, of=of, seconds=min(seconds, PAGE_SECONDS))
        return found or self.counting.figure(name, count, of=of, seconds=seconds)


def _counted(engine: Engine, audit: int) -> Progress:
    with engine.begin() as c:
        return counted(c, audit)
