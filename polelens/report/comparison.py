"""The report of a comparison: one page that shows two audits side by side, what changed or how far they agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.change.outcome import STEP
from pipeline.pictures.rendering import Picture
from polelens.report.easel import Easel
from polelens.report.pages import environment
from polelens.report.shelf import Shelf, emptied
from polelens.report.sides import Card, about, card
from storage.audits import Audits
from storage.blob_errors import BlobMissing
from storage.comparisons import Compared, Comparison, Comparisons
from storage.gallery import Gallery

SHOWN = 12  # photographs of each sort: a page that is looked through in a minute
MODELS = (
    ("Leaning on the background more", "worse"),
    ("Leaning on the background less", "better"),
    ("Changed most", "distance"),
)
RECIPES = (("Contradicting each other most", "contrary"),)


@dataclass(frozen=True, slots=True)
class Strip:
    """The photographs of one sort, those that changed most first."""

    title: str
    cards: Sequence[Card]


def write_comparison(comparisons: Comparisons, gallery: Gallery, one: Comparison, folder: Path) -> Path:
    """Write a comparison's page, `index.html`, with `pictures/` beside it; the path of the page.

    A report that is there already is replaced. The comparison must be done.
    """
    audits = Audits(comparisons.engine)
    easels = {when: Easel(gallery, audits.get(getattr(one, when)).model_profile) for when in ("before", "after")}
    strips = _strips(comparisons, _Painter(audits, easels, one, emptied(folder)))
    values = about(one) | {"strips": strips}
    page = folder / "index.html"
    html = environment().get_template("comparison.html").render(values)
    page.write_bytes(html.encode("utf-8", "replace"))
    return page


@dataclass(frozen=True, slots=True)
class _Painter:
    audits: Audits
    easels: Mapping[str, Easel]  # of the audit before, and of the one after
    one: Comparison
    shelf: Shelf

    def cards(self, rows: Iterable[Compared]) -> list[Card]:
        return [card(self.one, row, partial(self._picture, row.sha256)) for row in rows]

    def _picture(self, sha256: str, when: str, key: str, place: int) -> str | None:
        row = self.audits.keyed([key]).get(key)
        if row is None:
            return None
        try:
            drawn = self.easels[when].paint(row, Picture("overlay", place))
        except BlobMissing:
            return None
        return self.shelf.put(f"{sha256[:16]}-{when}", drawn)


def _strips(comparisons: Comparisons, painter: _Painter) -> list[Strip]:
    """The photographs of each sort, none of them twice."""
    strips, shown = [], set[str]()
    for title, order in MODELS if painter.one.terms.one_recipe else RECIPES:
        rows = comparisons.foremost(painter.one.id, order, SHOWN + len(shown))
        fresh = [row for row in rows if row.sha256 not in shown and _belongs(row, order)][:SHOWN]
        shown |= {row.sha256 for row in fresh}
        strips.append(Strip(title, painter.cards(fresh)))
    return strips


def _belongs(row: Compared, order: str) -> bool:
    """Whether a photograph's background reliance moved by enough to be shown for it."""
    return order in ("distance", "contrary") or abs(row.change.reliance_after - row.change.reliance_before) >= STEP
