"""Counting beside the pages: what takes seconds is counted by threads of its own, remembered, and told with its age."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")

AT_ONCE = 2  # counts under way
WAITING = 64  # counts asked for and not done; who asks for more is told that there are too many
REMEMBERED = 500  # figures: those asked for last
TIMES = 50.0  # a figure will do for so many times what counting it took: it costs a fiftieth of a core at most
OLD_SECONDS = 5.0  # from when on a page says that a figure is not of this moment


@dataclass(frozen=True, slots=True)
class Figure(Generic[T]):
    """What was counted, and the moment that it is of; None where it cannot have changed, or that was just now."""

    value: T
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    value: Any
    of: Hashable  # see `Counting.figure`
    begun_at: datetime
    begun: float  # by the monotonic clock, as what follows
    until: float

    def will_do(self, of: Hashable) -> bool:
        return time.monotonic() < self.until if of is None else self.of == of

    def figure(self, of: Hashable) -> Figure[Any]:
        sure = of is not None and self.of == of
        return Figure(self.value, None if sure or time.monotonic() - self.begun < OLD_SECONDS else self.begun_at)


@dataclass(slots=True)
class Counting:
    """Figures by their names: whoever asks first has one counted, and the others wait for the same."""

    _known: OrderedDict[Hashable, _Known] = field(default_factory=OrderedDict)
    _under_way: dict[Hashable, tuple[Future[None], float]] = field(default_factory=dict)  # and since when
    _lock: Lock = field(default_factory=Lock)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "counting"))

    def figure(
        self, name: Hashable, count: Callable[[], T], *, of: Hashable = None, seconds: float
    ) -> Figure[T] | None:
        """A figure as it is; what it was, where counting anew takes more than so many seconds; None if it never was.

        The seconds are those of the count, so that of many who ask for a slow one only the first waits at all.

        `of` is what it is counted from, where that is known to stay as it is: a figure of the same needs no new count.
        """
        if (asked := self._ask(name, count, of)) is not None:
            future, since = asked
            wait([future], max(since + seconds - time.monotonic(), 0))
            if future.done():
                future.result()  # raises what counting has raised
        with self._lock:
            known = self._known.get(name)
        return None if known is None else known.figure(of)

    def _ask(self, name: Hashable, count: Callable[[], T], of: Hashable) -> tuple[Future[None], float] | None:
        """The count that is under way, and since when; None where none is needed, or too many are."""
        with self._lock:
            known = self._known.get(name)
            if known is not None and known.will_do(of):
                self._known.move_to_end(name)
                return None
            if name not in self._under_way and len(self._under_way) < WAITING:
                self._under_way[name] = self._pool.submit(self._count, name, count, of), time.monotonic()
            return self._under_way.get(name)

    def _count(self, name: Hashable, count: Callable[[], T], of: Hashable) -> None:
        begun_at, begun = datetime.now().astimezone(), time.monotonic()
        try:
            value = count()
            ended = time.monotonic()
            with self._lock:
                self._known[name] = _Known(value, of, begun_at, begun, ended + TIMES * (ended - begun))
                self._known.move_to_end(name)
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        finally:
            with self._lock:
                del self._under_way[name]

    def close(self) -> None:
        """Count nothing more; what is under way is waited for."""
        self._pool.shutdown(cancel_futures=True)
