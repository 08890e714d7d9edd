"""Adding photographs: many are read at once and entered together, and all that came of it is counted and said."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from botocore.exceptions import ClientError
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

from pipeline.scene.boxes import Boxes
from pipeline.scene.mask import Value
from pipeline.scene.photograph import Unreadable
from polelens.cli.text import progress_bar
from storage.archive import Admitted, Archive, Photograph
from storage.names import Matcher, Named
from storage.sources import SUFFIXES, Source, sources

T = TypeVar("T")

READERS = 4  # threads: reading waits for files, and decoding leaves Python
AHEAD = 64  # photographs read ahead, and entered at once: bounds the memory
EXAMPLES = 3  # of what is counted
NARROW = 0.6  # of a photograph: a model that is shown the largest square in the middle sees less of it


class Told:
    """What is told of the photographs beside their files, by the paths of each."""

    def __init__(
        self, labels: Named[str], masks: Named[Source], boxes: Named[Boxes], value: Value | None, megapixels: float
    ) -> None:
        self.labels, self.masks, self.boxes = Matcher(labels), Matcher(masks), Matcher(boxes)
        self.value, self.megapixels = value, megapixels
        self.notes = [note for named in (labels, masks, boxes) for note in named.notes]

    @property
    def kinds(self) -> dict[str, Matcher[Any]]:
        """What is told at all, by its name."""
        every: dict[str, Matcher[Any]] = {"labels": self.labels, "masks": self.masks, "boxes": self.boxes}
        return {name: matcher for name, matcher in every.items() if matcher}


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of one photograph: the row it gets, and what came along."""

    row: Admitted
    label: bool
    mask: bool


@dataclass
class Some:
    """Names, counted, of which the first few are shown."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one."""
        self.count += 1
        if self.count <= EXAMPLES:
            self.examples.append(name)

    def __str__(self) -> str:
        return ", ".join(self.examples) + (", ..." if self.count > EXAMPLES else "")


@dataclass
class Added:
    """What came of adding photographs.

    Attributes
    ----------
    masks : how many came with a mask or boxes
    notes : how many were read in a way that a person should know of, by that way
    without : how many came without a label, a mask or boxes where those were told, by what they came without
    unmatched, ambiguous : the paths in a table or a folder that are no photograph's, or may be several's, by the kind
    passed_over : how many files are of other kinds, by their suffixes
    """

    new: int = 0
    known: int = 0
    labels: int = 0
    masks: int = 0
    told: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    notes: dict[str, Some] = field(default_factory=dict)
    without: dict[str, Some] = field(default_factory=dict)
    unmatched: dict[str, list[str]] = field(default_factory=dict)
    ambiguous: dict[str, list[str]] = field(default_factory=dict)
    passed_over: Counter[str] = field(default_factory=Counter)
    narrow: Some = field(default_factory=Some)

    def count(self, kept: Kept, new: bool) -> None:
        """Count one that is in the archive now."""
        self.new += new
        self.known += not new
        self.labels += kept.label
        self.masks += kept.mask
        for note in kept.row.notes:
            self.notes.setdefault(note.partition(" (")[0], Some()).add(kept.row.name)
        width, height = kept.row.width, kept.row.height
        if min(width, height) < NARROW * max(width, height):
            self.narrow.add(kept.row.name)

    def conclude(self, told: Told) -> None:
        """Say what of all that was told has reached nobody."""
        self.told = told.notes
        self.unmatched = {kind: paths for kind, matcher in told.kinds.items() if (paths := matcher.unmatched())}
        self.ambiguous = {kind: paths for kind, matcher in told.kinds.items() if (paths := matcher.ambiguous())}

    def to_json(self) -> dict[str, Any]:
        """All of it, for scripts."""
        counts = {name: getattr(self, name) for name in ("new", "known", "labels", "masks", "told")}
        some = {name: {key: one.count for key, one in getattr(self, name).items()} for name in ("notes", "without")}
        unreadable = [{"name": name, "reason": reason} for name, reason in self.unreadable]
        lists = {"unmatched": self.unmatched, "ambiguous": self.ambiguous, "passed_over": dict(self.passed_over)}
        return counts | {"unreadable": unreadable} | some | lists | {"narrow": self.narrow.count}

    def counts(self) -> str:
        """The line that everybody reads."""
        line = f"{self.new} photographs added, {self.known} known already, {len(self.unreadable)} not readable"
        told = self.without.keys() | self.unmatched.keys() | self.ambiguous.keys()
        line += f", {self.labels} with a label" if self.labels or "labels" in told else ""
        return line + (f", {self.masks} with a mask" if self.masks or told - {"labels"} else "")

    def lines(self) -> Iterator[str]:
        """What a person should know beside that, a line each."""
        yield from self.told
        for name, reason in self.unreadable:
            yield f"not added: {name}: {reason}"
        for note, some in self.notes.items():
            yield f"{some.count} read with a word: {note} ({some})"
        if self.narrow.count:
            yield (
                f"{self.narrow.count} so long that a model that is shown the square in the middle sees less than "
                f"{NARROW:.0%} of them ({self.narrow}); `polelens audit plan` says what a model sees"
            )
        for kind, paths in self.unmatched.items():
            yield f"{kind} of {len(paths)} without a photograph here: {_shown(paths)}"
        for kind, paths in self.ambiguous.items():
            yield f"{kind} of {len(paths)} left out, as they may be several photographs', or differ: {_shown(paths)}"
        for kind, some in self.without.items():
            yield f"{some.count} photographs without {kind}: {some}"
        if self.passed_over:
            kinds = ", ".join(f"{n} {suffix}" for suffix, n in sorted(self.passed_over.items()))
            yield f"passed over: {kinds}"


def add_all(store: Archive, locations: Sequence[str], told: Told) -> Added:
    """Add all photographs at some locations, with what is told of them."""
    if told.kinds:  # what a path means is known when all photographs are
        for source in sources(*locations):
            for matcher in told.kinds.values():
                matcher.see(source.place)
    added, pool = Added(), ThreadPoolExecutor(READERS)
    try:
        with store.adding():
            _enter(store, added, _outcomes(pool, store, sources(*locations, passed_over=added.passed_over), told), told)
    finally:
        pool.shutdown(cancel_futures=True)  # as when the blob store is full: no other is begun
    if not added.new + added.known + len(added.unreadable):
        kinds = ", ".join(f"{n} {suffix}" for suffix, n in sorted(added.passed_over.items()))
        looked = f"looked for {', '.join(sorted(SUFFIXES))}" + (f", passed over {kinds}" if kinds else "")
        raise ValueError(f"there is no photograph in {', '.join(map(repr, locations))}: {looked}")
    added.conclude(told)
    return added


def _enter(store: Archive, added: Added, outcomes: Iterator[tuple[str, Future[Kept]]], told: Told) -> None:
    """Enter them many at a time: each has its bytes in the store before its row."""
    columns = (TextColumn("photographs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with progress_bar(*columns) as bar:
        task = bar.add_task("", total=None)
        while some := list(islice(outcomes, AHEAD)):
            kept = [one for name, outcome in some if (one := _kept(added, name, outcome))]
            for one, new in zip(kept, store.enter([one.row for one in kept]), strict=True):
                added.count(one, new)
                for kind in told.kinds:
                    if not (one.label if kind == "labels" else one.mask):
                        added.without.setdefault(kind, Some()).add(one.row.name)
            bar.advance(task, len(some))


def _kept(added: Added, name: str, outcome: Future[Kept]) -> Kept | None:
    """What came of a photograph; None if it cannot be read, which is noted."""
    try:
        return outcome.result()
    except Unreadable as error:
        added.unreadable.append((name, str(error)))
        return None


def _outcomes(
    pool: ThreadPoolExecutor, store: Archive, found: Iterator[Source], told: Told
) -> Iterator[tuple[str, Future[Kept]]]:
    """Each photograph's name and what came of it, in order, a bounded number read ahead."""
    waiting = list[tuple[str, Future[Kept]]]()
    for source in found:
        place = source.place
        given = _Given(told.labels.of(place), told.masks.of(place), told.boxes.of(place))
        waiting.append((source.name, pool.submit(_keep, store, source, given, told)))
        if len(waiting) >= AHEAD:
            yield waiting.pop(0)
    yield from waiting


@dataclass(frozen=True, slots=True)
class _Given:
    """What is told of one photograph."""

    label: str | None
    mask: Source | None
    boxes: Boxes | None


def _keep(store: Archive, source: Source, given: _Given, told: Told) -> Kept:
    data = _read(source.read)
    mask = _read(given.mask.read) if given.mask else None
    whole = Photograph(source.name, data, given.label, mask, given.boxes, told.value, told.megapixels)
    return Kept(store.admit(whole), given.label is not None, mask is not None or given.boxes is not None)


def _read(read: Callable[[], T]) -> T:
    """The bytes; what cannot be fetched is one unreadable photograph, and no reason to stop."""
    try:
        return read()
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    except ClientError as error:  # the server's word on this object; a server that does not answer stops it all
        raise Unreadable(str(error)) from error


def _shown(paths: Sequence[str]) -> str:
    return ", ".join(paths[:EXAMPLES]) + (", ..." if len(paths) > EXAMPLES else "")
