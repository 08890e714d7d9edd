"""The pages of a report: written one after the other, the first one last, when the totals are known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.pictures.lettering import percent
from pipeline.pictures.rendering import KINDS
from polelens.report.answers import EARLIER, VERDICTS, answer_mark, answers, bases, headline, soundness
from polelens.report.shelf import Shelf, Within, emptied
from polelens.report.tally import Tally
from polelens.report.views import AuditView, ExplanationView
from polelens.report.words import Sentence, duration, fills, interval, known, named, sentences
from storage.blob_errors import BlobMissing

PAGE = 200  # photographs: more on one page makes a browser slow
SINGLE = 500  # photographs that one file may have, some hundred kB each


@dataclass(frozen=True, slots=True)
class Card:
    """One explanation as a page shows it; `pictures` are addresses by kind: see `polelens.report.shelf`."""

    number: int
    page: str
    explanation: ExplanationView
    answers: Sequence[Sentence]
    sentences: Sequence[Sentence]
    pictures: Mapping[str, str]

    @property
    def anchor(self) -> str:
        """Where on its page the card stands."""
        return f"p{self.number}"


def write_report(
    folder: Path, audit: AuditView, explanations: Iterable[ExplanationView], *, single: bool = False
) -> Path:
    """Write an audit's report: `index.html`, further pages of 200 photographs each, and `pictures/` beside them.

    Explanations are read once and one page at a time; of those gone by, only counts and the cards of the photographs to
    look at first are kept.

    Parameters
    ----------
    folder : Path
        Made if need be; a report that is there already is replaced.
    audit : AuditView
    explanations : iterable of ExplanationView
    single : bool
        Everything in `index.html`, the pictures too: of as many photographs as `SINGLE`, at most.

    Returns
    -------
    Path of `index.html`.
    """
    beside = emptied(folder)
    shelf: Shelf = Within() if single else beside
    tally, first, pages = Tally(), list[Card](), 0
    looks = {(look.sha256, look.explained): look for look in audit.overview.look_first}
    looked_at = dict[int, Card]()
    for pages, batch, last in _batches(explanations, SINGLE if single else PAGE):
        cards = [
            _card(shelf, (pages, tally.count + offset), item, audit.object_word) for offset, item in enumerate(batch, 1)
        ]
        for card in cards:
            tally.add(card.explanation)
            look = looks.get((card.explanation.sha256, card.explanation.explained))
            if look:
                looked_at[look.rank] = card
        if pages == 1:
            first = cards
        else:
            following = None if last else page_name(pages + 1)
            _write(folder, pages, "page.html", audit=audit, cards=cards, following=following)
    _write(folder, 1, "index.html", audit=audit, cards=first, tally=tally, pages=pages, looked_at=looked_at)
    _remove_pages_after(folder, pages)
    return folder / page_name(1)


def page_name(number: int) -> str:
    """The file name of a page: the first is the index."""
    return "index.html" if number == 1 else f"page-{number}.html"


def _batches(explanations: Iterable[ExplanationView], page: int) -> Iterator[tuple[int, list[ExplanationView], bool]]:
    """Each page's number, its explanations, and whether it is the last; one empty page if there are none."""
    remaining = iter(explanations)
    number, batch = 1, list(islice(remaining, page))
    while True:
        following = list(islice(remaining, page))
        yield number, batch, not following
        if not following:
            return
        number, batch = number + 1, following


def _card(shelf: Shelf, place: tuple[int, int], explanation: ExplanationView, word: str) -> Card:
    """One explanation with this page and number, its pictures put on the shelf."""
    page, number = place
    digits = "".join(letter for letter in explanation.sha256[:8] if letter in "0123456789abcdef")
    # a folder a page: file managers do not open folders of 600,000 files
    pictures = _hung(shelf, f"{page:04d}/{number:06d}-{digits}", explanation)
    figures = explanation.figures
    told = answers(figures.judgement, word), sentences(figures, word)
    return Card(number, page_name(page), explanation, *told, pictures)


def _hung(shelf: Shelf, name: str, explanation: ExplanationView) -> Mapping[str, str]:
    """The addresses of an explanation's pictures; none of one whose photograph or scene is gone."""
    try:
        drawn = {kind: explanation.pictures[kind]() for kind in KINDS if kind in explanation.pictures}
    except BlobMissing:
        return {}
    return {kind: shelf.put(f"{name}-{kind}", data) for kind, data in drawn.items()}


@cache
def environment() -> Environment:
    """The templates of every report."""
    made = Environment(
        loader=PackageLoader("polelens"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"page_name": page_name, "headline": headline, "fills": fills, "VERDICTS": VERDICTS}
    made.globals |= {"soundness": soundness, "bases": bases, "answer_mark": answer_mark, "EARLIER": EARLIER}
    made.filters |= {"percent": percent, "duration": duration, "known": known, "interval": interval, "named": named}
    return made


def _write(folder: Path, number: int, template: str, **values: Any) -> None:
    html = environment().get_template(template).render(values, number=number)
    # a file name may hold bytes that are no text; they are shown as question marks
    (folder / page_name(number)).write_bytes(html.encode("utf-8", "replace"))


def _remove_pages_after(folder: Path, last: int) -> None:
    """Remove the pages of a longer report that stood here before."""
    for path in folder.glob("page-*.html"):
        digits = path.stem.removeprefix("page-")
        if digits.isdecimal() and int(digits) > last:
            path.unlink()
