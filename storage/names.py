"""What belongs to which photograph: one rule for labels, masks and boxes, told by the paths of whatever machine.

Paths are compared part by part from their end, in Unicode's composed form, with / for a backslash, whatever the case; a
last part may lack its suffix. The longest common end counts, if it is all of what was told, or all of the photograph's
name. What fits several photographs, or several things that differ, belongs to none; whoever told it hears of it.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from pipeline.text import folded

T = TypeVar("T")
Parts = tuple[str, ...]


def parts(path: str) -> Parts:
    r"""A path's parts as they are compared, but for their case.

    Examples
    --------
    >>> parts("C:\\photos\\.\\blåbær.png") == parts("C:/photos//bla\u030abær.png") == ("C:", "photos", "blåbær.png")
    True
    """
    composed = unicodedata.normalize("NFC", path).replace("\\", "/")
    return tuple(part for one in composed.split("/") if (part := one.strip()) not in ("", "."))


@dataclass(frozen=True, slots=True)
class Named(Generic[T]):
    """What is told of photographs, each with the path that it is told by, and what was guessed or left out in reading.

    `root` is the folder that the paths are in, where they are those of files.
    """

    told: tuple[tuple[str, T], ...] = ()
    notes: tuple[str, ...] = ()
    root: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a photograph is: its name in the archive, and the whole path that ends with it."""

    name: str
    path: str

    def ways(self) -> set[Parts]:
        """Its path's parts with the last one's suffix and without."""
        whole = parts(self.path)
        return {whole, (*whole[:-1], PurePosixPath(whole[-1]).stem)} if whole else set()


@dataclass(frozen=True, slots=True, eq=False)
class _Told(Generic[T]):
    path: str
    value: T
    parts: Parts
    own: int  # how many of the parts were told; those before are the root's

    def spans(self, length: int, named: int) -> bool:
        """Whether an end of so many parts is all that was told, or all of a photograph's name of so many."""
        return length >= self.own or length >= named


@dataclass(slots=True)
class _Seen:
    """The photographs whose paths have an end in common, counted."""

    all: Counter[Parts] = field(default_factory=Counter)  # by the end in its own case
    named: Counter[Parts] = field(default_factory=Counter)  # those whose name is no longer than the end
    whole: Counter[Parts] = field(default_factory=Counter)  # those whose name is the end
    paths: set[Parts] = field(default_factory=set)  # two at most, as they are compared

    def add(self, end: Parts, named: int, path: Parts) -> None:
        """Count one."""
        self.all[end] += 1
        self.named[end] += len(end) >= named
        self.whole[end] += len(end) == named
        if len(self.paths) < 2:
            self.paths.add(path)

    def only(self, counted: Counter[Parts], end: Parts, told: Parts) -> bool:
        """Whether the one with this end is the only one, or the only one in the case that is told of its twins."""
        alone = counted.total() == 1
        twins = counted is self.whole or len(self.paths) == 1
        return alone or (twins and told == end and counted[end] == 1)


class Matcher(Generic[T]):
    """Gives each photograph what belongs to it, once all photographs were seen."""

    def __init__(self, named: Named[T]) -> None:
        root = parts(named.root)
        self._told = [_Told(path, one, (*root, *parts(path)), len(parts(path))) for path, one in named.told]
        self._by_end = defaultdict[Parts, list[_Told[T]]](list)
        for told in self._told:
            for length in range(1, len(told.parts) + 1):
                self._by_end[_folded(told.parts[-length:])].append(told)
        self._seen = defaultdict[Parts, _Seen](_Seen)
        self._given = set[_Told[T]]()

    def __bool__(self) -> bool:
        """Whether anything is told."""
        return bool(self._told)

    def see(self, place: Place) -> None:
        """Hear of a photograph; of each once, before anything is given out."""
        named = len(parts(place.name))
        for way in place.ways():
            for end, exactly in self._ends(way):
                self._seen[end].add(exactly, named, _folded(way))

    def of(self, place: Place) -> T | None:
        """What is told of a photograph; None if nothing is, or nobody can know what."""
        named, best = len(parts(place.name)), dict[_Told[T], Parts]()
        for way in place.ways():
            longest = reversed([exactly for _, exactly in self._ends(way)])
            fits = next((found for exactly in longest if (found := self._fits(exactly, named))), {})
            length, before = _length(fits), _length(best)
            best = best | fits if length == before else (fits if length > before else best)
        if any(one.value != other.value for one, other in pairwise(best)):
            return None
        claimed = [told for told, exactly in best.items() if self._only(told, exactly, named)]
        self._given.update(claimed)
        return claimed[0].value if claimed else None

    def ambiguous(self) -> list[str]:
        """The paths told that fit several photographs, or one that is told something else as well."""
        return [told.path for told in self._told if told not in self._given and self._is_ambiguous(told)]

    def unmatched(self) -> list[str]:
        """The paths told that are no photograph's."""
        return [told.path for told in self._told if told not in self._given and not self._is_ambiguous(told)]

    def _ends(self, way: Parts) -> Iterator[tuple[Parts, Parts]]:
        """The ends of a path, from the shortest, that something told has too; compared so, and as they are."""
        for length in range(1, len(way) + 1):
            end = _folded(way[-length:])
            if end not in self._by_end:
                return
            yield end, way[-length:]

    def _fits(self, exactly: Parts, named: int) -> dict[_Told[T], Parts]:
        """What is told by a path with this end, and the end; of several the one of the same case, if there is one."""
        length = len(exactly)
        fits = [told for told in self._by_end[_folded(exactly)] if told.spans(length, named)]
        same = [told for told in fits if told.parts[-length:] == exactly]
        return dict.fromkeys(same or fits, exactly)

    def _only(self, told: _Told[T], exactly: Parts, named: int) -> bool:
        """Whether the photograph with this end is the nearest to what is told, and no other is as near."""
        length = len(exactly)
        if length != self._reach(told):
            return False
        nearest = self._nearest(told, length)
        seen, end = self._seen[_folded(exactly)], told.parts[-length:]
        return (nearest is not seen.whole or length == named) and seen.only(nearest, exactly, end)

    def _reach(self, told: _Told[T]) -> int:
        """How many parts what is told has in common with the photographs nearest to it."""
        lengths = range(len(told.parts), 0, -1)
        return next((length for length in lengths if self._nearest(told, length).total()), 0)

    def _nearest(self, told: _Told[T], length: int) -> Counter[Parts]:
        """The photographs with an end of what is told that is so long: those that it names wholly, if there are any."""
        seen = self._seen.get(_folded(told.parts[-length:]), _NOBODY)
        if length == told.own and seen.whole.total():
            return seen.whole
        return seen.all if length >= told.own else seen.named

    def _is_ambiguous(self, told: _Told[T]) -> bool:
        length = self._reach(told)
        if not length:
            return False
        rivals = [one for one in self._by_end[_folded(told.parts[-length:])] if self._reach(one) == length]
        return self._nearest(told, length).total() > 1 or any(one.value != told.value for one in rivals)


_NOBODY = _Seen()


def _length(fits: Mapping[_Told[T], Parts]) -> int:
    return len(next(iter(fits.values()), ()))


def _folded(some: Parts) -> Parts:
    return tuple(map(folded, some))
