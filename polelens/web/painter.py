"""The painter: draws what a page shows, the photograph, the evidence on it, and the other kinds of pictures."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
from anyio import CapacityLimiter
from numpy.typing import NDArray

from pipeline.answer.selection import Selection
from pipeline.model.profile import Profile
from pipeline.pictures import palette, webp
from pipeline.pictures.rendering import KINDS, Drawing, Picture, Style
from storage.audits import Explained
from storage.forget.trail import newest
from storage.gallery import Gallery

SIZES = (320, 800)  # pixels of the longer side: in the grid, and alone
PLAIN, EVIDENCE = "plain", "evidence"
PLAIN_STYLE = Style()
AT_ONCE, HELD = 2, 4  # drawings in work, and photographs held for the next picture of them: some 10 MB each


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture as an address asks for it."""

    kind: str
    place: int = 1
    size: int = SIZES[-1]
    style: Style = PLAIN_STYLE

    @classmethod
    def of(cls, kind: str, asked: Mapping[str, str], usual: Style) -> "Wanted":
        """The picture of a query. Raises ValueError."""
        if kind not in (PLAIN, EVIDENCE, *KINDS):
            raise ValueError(f"there is no picture {kind!r}: they are {', '.join((PLAIN, EVIDENCE, *KINDS))}")
        place, size = asked.get("label", "1"), asked.get("size", str(SIZES[-1]))
        if not place.isdecimal() or len(place) > 4 or size not in map(str, SIZES):
            raise ValueError(f"label is {place!r} and size {size!r}, expected a number, and one of {SIZES}")
        colours = palette(asked["palette"]) if asked.get("palette") else usual.palette
        show = Selection.of(asked["show"]) if asked.get("show") else usual.show
        return cls(kind, int(place), int(size), Style(colours, show))

    @property
    def format(self) -> str:
        """What its tag tells it apart by, beside the explanation and the style."""
        return f"webp-{self.size}"


@dataclass(slots=True)
class Painter:
    """Draws pictures, and holds the photographs that it drew last, until any are removed.

    Whoever draws does it by `at_once`, in threads that nothing else needs: pages do not wait behind pictures.
    """

    gallery: Gallery
    _held: OrderedDict[str, Drawing] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    _removal: int = 0
    at_once: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    @property
    def usual(self) -> Style:
        """The style where an address names none."""
        return self.gallery.style

    def etag(self, key: str, wanted: Wanted) -> str:
        """What a picture is: the same pixels have the same tag, for ever."""
        return replace(self.gallery, style=wanted.style).etag(key, Picture(wanted.kind, wanted.place), wanted.format)

    def has(self, row: Explained, wanted: Wanted) -> bool:
        """Whether there is such a picture: a method may give no heat map, no seeds, no noise experiment."""
        labels = row.attribution.labels if row.attribution else ()
        if wanted.kind in (PLAIN, EVIDENCE):
            return 1 <= wanted.place <= len(labels)
        return Picture(wanted.kind, wanted.place) in self.gallery.pictures(row)

    def paint(self, row: Explained, profile: Profile, wanted: Wanted) -> bytes:
        """A WebP file. Raises ValueError for a picture that there is not, BlobMissing where its photograph is gone."""
        drawing = replace(self._drawing(row, profile), style=wanted.style)
        return webp(_draw(drawing, wanted))

    def _drawing(self, row: Explained, profile: Profile) -> Drawing:
        removal = newest(self.gallery.archive.engine)
        with self._lock:
            if removal != self._removal:
                self._held.clear()
                self._removal = removal
            if row.key in self._held:
                self._held.move_to_end(row.key)
                return self._held[row.key]
        made = self.gallery.drawing(row, profile)
        with self._lock:
            self._held[row.key] = made
            while len(self._held) > HELD:
                self._held.popitem(last=False)
        return made


def _draw(drawing: Drawing, wanted: Wanted) -> NDArray[np.uint8]:
    if wanted.kind == PLAIN:
        return drawing.plain(wanted.size)
    if wanted.kind == EVIDENCE:
        return drawing.evidence(wanted.size, wanted.place)
    return drawing.draw(Picture(wanted.kind, wanted.place))


def addresses(painter: Painter, audit: int, image: str, key: str) -> Callable[..., str]:
    """What gives the address of a picture of an explanation, with its tag, so that it can be kept for ever."""

    def address(kind: str, size: int = SIZES[-1], label: int = 1) -> str:
        tag = painter.etag(key, Wanted(kind, label, size, painter.usual))
        return f"/audits/{audit}/photographs/{image}/{kind}.webp?size={size}&label={label}&v={tag}"

    return address
