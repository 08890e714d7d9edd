"""Blobs that nothing refers to, or that are needed no more: which kinds there are, and how some of a kind are removed.

A further kind is one more entry of KINDS: where its blobs are, and which of them are wanted.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, Engine, text

from storage.blobs import Blobs, Stored
from storage.forget.losses import Losses
from storage.forget.trail import Act
from storage.locks import removing

T = TypeVar("T")
AT_ONCE = 100  # blobs removed in one transaction, while nobody can plan or make a scene
THREADS = 8  # that ask the store at once: it is waited for most of the time
_DIGEST = "([0-9a-f]{2})/(?P<of>\\1[0-9a-f]{62})"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of blobs.

    Attributes
    ----------
    name : str
        In words, as the trail has it.
    prefix : str
        What their keys begin with.
    pattern : str
        What a whole key of theirs is, with the group `of`: what a row speaks of. Any other is a stranger's, and stays.
    wanted : str
        SQL that gives those of the texts `:of` that a row speaks of.
    photographs : bool
        Whether `images add` puts them.
    few : bool
        Whether their keys do not begin with two digits below the prefix.
    """

    name: str
    prefix: str
    pattern: str
    wanted: str
    photographs: bool = False
    few: bool = False

    def of(self, key: str) -> str | None:
        """What a row would speak of; None for a stranger's blob."""
        found = re.fullmatch(self.pattern, key)
        return found["of"] if found else None

    def nobodys(self, c: Connection, found: Iterable[Stored]) -> list[Stored]:
        """Those that nothing refers to."""
        named = [(one, of) for one in found if (of := self.of(one.key)) is not None]
        wanted = set(c.scalars(text(self.wanted), {"of": list({of for _, of in named})})) if named else set()
        return [one for one, of in named if of not in wanted]


IMAGES = Kind(
    "photograph files", "images/", f"images/{_DIGEST}", "SELECT sha256 FROM image WHERE sha256 = ANY(:of)", True
)
MASKS = Kind(
    "mask files",
    "masks/",
    f"masks/{_DIGEST}",
    "SELECT mask_sha256 FROM image WHERE mask_sha256 = ANY(:of) "
    "UNION SELECT mask_sha256 FROM explanation WHERE mask_sha256 = ANY(:of)",
    True,
)
SCENES = Kind("scenes", "scenes/", f"scenes/{_DIGEST}\\.npz", "SELECT scene FROM explanation WHERE scene = ANY(:of)")
EXPLANATIONS = Kind(
    "explanation files",
    "explanations/",
    f"explanations/{_DIGEST}/.+",
    "SELECT key FROM explanation WHERE key = ANY(:of)",
)
# Earlier versions stored what is drawn now, from scene and answer; those of an answer that is not there stay.
PICTURES = Kind(
    "pictures that are drawn now",
    "explanations/",
    f"explanations/{_DIGEST}/[^/]+\\.png",
    "SELECT one FROM unnest(CAST(:of AS text[])) one WHERE NOT EXISTS (SELECT FROM explanation e "
    "WHERE e.key = one AND e.scene IS NOT NULL AND EXISTS (SELECT FROM attribution t WHERE t.explanation_id = e.id))",
)
MODELS = Kind(
    "model files",
    "models/",
    "models/(?P<of>[0-9a-f]{64})\\.onnx",
    "SELECT digest FROM model WHERE digest = ANY(:of)",
    few=True,
)
# Wanted by nobody, ever: what those leave who may put and not delete.
TRIALS = Kind("trials", "trial/", "trial/(?P<of>.+)", "SELECT unnest(CAST(:of AS text[])) LIMIT 0", few=True)
KINDS = (TRIALS, MODELS, IMAGES, MASKS, SCENES, PICTURES, EXPLANATIONS)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Removes blobs of a store that no row of a database speaks of, and notes it as an act.

    Where not `at_once`, what rows spoke of that are gone is left for whoever goes through the whole store.
    """

    engine: Engine
    blobs: Blobs
    act: Act
    at_once: bool = True

    def remove(self, kind: Kind, found: Iterable[Stored]) -> Losses:
        """Remove those that nothing refers to at that moment, some hundred in a transaction."""
        losses = Losses()
        for some in pages(found, AT_ONCE):
            with removing(self.engine, photographs=kind.photographs) as c:
                gone = kind.nobodys(c, some)
                self._delete(gone)
                now = Losses()
                now.add(kind.name, len(gone), sum(one.bytes for one in gone))
                self.act.note(c, now)
            losses.update(now)
        return losses

    def remove_below(self, kind: Kind, prefixes: Iterable[str]) -> Losses:
        """Remove what is stored below these prefixes, in the same way."""
        return self.remove(kind, stored(self.blobs, prefixes)) if self.at_once else Losses()

    def _delete(self, gone: Sequence[Stored]) -> None:
        if gone:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(self.blobs.delete, [one.key for one in gone]))


def stored(blobs: Blobs, prefixes: Iterable[str]) -> Iterator[Stored]:
    """What is stored below each of these prefixes."""
    with ThreadPoolExecutor(THREADS) as pool:
        for some in pages(prefixes, AT_ONCE):
            for found in pool.map(lambda prefix: list(blobs.stored(prefix)), some):
                yield from found


def pages(some: Iterable[T], most: int) -> Iterator[list[T]]:
    """So many at a time."""
    rest = iter(some)
    while page := list(islice(rest, most)):
        yield page
