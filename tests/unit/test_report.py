import math
import re
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import numpy as np
import pytest

from pipeline.answer.attribution import Claim
from pipeline.answer.judgement import Basis, Curves, Grounding, Judgement, Reason, Soundness, Verdict
from pipeline.answer.stopped import Stopped
from polelens.report import AuditView, ExplanationView, Figures, pages, write_report
from polelens.report.answers import answers, headline
from polelens.report.words import sentences
from storage.overview import Judged, Look, Overview, Reliance, Share
from tests.played_ledger import attribution

VOID = {"meta", "link", "img", "input", "br", "path"}  # a path only as it is written here, closed by />
STARTED = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)
AUDIT = AuditView(
    *(3, "finished", "poles", 1, "ab" * 32, "default", "cd" * 32, {"samples": 128, "note": "a<b"}),
    *(STARTED, STARTED, 4, 3, 1, 3456, 12.0, [("torn<i>.jpg", "truncated & lost")]),
)
FIGURES = Figures(9, 1152, 0.95, 0.9, 0.93, 0.7, 0.05, 0.88, 0.62, 0.08)
NASTY = '<script>alert(1)</script>"\' onload="x'


class Document(HTMLParser):
    """What a browser would find in a page; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.articles: list[dict[str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "article":
            self.articles.append({name: value or "" for name, value in attrs})
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID | {"rect", "circle"}
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += f"{data} "

    def all(self, *names: str) -> list[str]:
        return [value for name, value in self.attributes if name in names]


def counted(*, doubtful: int = 0, unmasked: int = 0, **bases: int) -> list[Judged]:
    """So many photographs with a mask by what their answers rest on, all soundly explained; of the object so many
    doubtfully beside; and so many without a mask."""
    found = [Judged("sound", None, basis, True, number, 0) for basis, number in bases.items()]
    found += [Judged("doubtful", "unstable", "object", True, doubtful, 0)] if doubtful else []
    return found + ([Judged("sound", None, "unknown", False, unmasked, 0)] if unmasked else [])


def judged(sound: str, reason: str | None, basis: str, fill: str | None = None) -> Judgement:
    """A judgement of these answers."""
    answers = Soundness(sound, reason, "gap", 0.5, "It is."), Basis(basis, "It does.")
    return Judgement(0.5, Curves(0.2, 0.4, 0.7, 0.6), Grounding(), *answers, confident_fill=fill)


def overview(numbers: Sequence[int], label: str = "BETONG") -> Overview:
    """What an audit comes to, with these photographs to be looked at first."""
    looks = [
        Look(
            *(rank, f"mast {number}.jpg", f"{number:064x}", f"{label}, of all", label, label, 0.9, "TRE", None, 1),
            *("sound", None, "background"),
        )
        for rank, number in enumerate(numbers, start=1)
    ]
    return Overview(
        judgements=counted(background=97, object=3),
        background_reliance=[Reliance(label, 100, 0.75, 0.5, 0.875), Reliance(None, 100, 0.75, 0.5, 0.875)],
        look_first=looks,
        flagged=97,
        confident_fills={label: 5},
    )


def read(path: Path) -> Document:
    return Document(path.read_text(encoding="utf-8"))


def view(number: int, **changes: object) -> ExplanationView:
    pictures: dict[str, Callable[[], bytes]] = {
        kind: lambda kind=kind: f"{kind} of {number}".encode()  # type: ignore[misc]
        for kind in ("overlay", "support", "seeds")
    }
    probabilities = {"BETONG": 0.9, "TRE": 0.1}
    sha256 = f"{number:064x}"
    made = ExplanationView(f"mast {number}.jpg", sha256, "BETONG", "BETONG", probabilities, FIGURES, pictures, "TRE")
    return replace(made, **changes)  # type: ignore[arg-type]


def views(count: int) -> Iterator[ExplanationView]:
    return (view(number) for number in range(count))


def test_every_photograph_is_in_the_report_once(tmp_path: Path) -> None:
    """Pages hold 200 photographs each, in the order given, none twice and none left out."""
    assert write_report(tmp_path / "new" / "report", AUDIT, views(401)) == tmp_path / "new/report/index.html"
    documents = [read(tmp_path / "new/report" / name) for name in ("index.html", "page-2.html", "page-3.html")]
    assert [len(document.articles) for document in documents] == [200, 200, 1]
    names = [article["data-image"] for document in documents for article in document.articles]
    assert names == [f"mast {number}.jpg" for number in range(401)]
    assert len(list((tmp_path / "new/report/pictures").rglob("*.webp"))) == 3 * 401


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 10)


@pytest.mark.usefixtures("small_pages")
def test_every_link_leads_somewhere(tmp_path: Path) -> None:
    """Links are relative, and the file and the place in it exist; nothing is fetched from elsewhere."""
    write_report(tmp_path, AUDIT, views(11))
    documents = {page: read(page) for page in tmp_path.glob("*.html")}
    linked: set[Path] = set()
    for page, document in documents.items():
        for link in document.all("href", "src"):
            name, _, anchor = unquote(link).partition("#")
            target = tmp_path / (name or page.name)
            assert target.is_file()
            assert target.is_relative_to(tmp_path)
            assert not anchor or anchor in documents[target].all("id")
            linked.add(target)
        assert "@import" not in page.read_text(encoding="utf-8")
        assert "url(" not in page.read_text(encoding="utf-8")
    assert linked == {path for path in tmp_path.rglob("*") if path.is_file()}


def test_ids_are_unique_and_pictures_are_described(tmp_path: Path) -> None:
    """An id stands once on a page, and every picture has a text for who cannot see it."""
    document = read(write_report(tmp_path, AUDIT, views(5)))
    assert max(Counter(document.all("id")).values()) == 1
    assert len(document.all("alt")) == document.tags["img"]
    assert any("mast 4.jpg with the evidence for BETONG" in alt and "BETONG 90 %" in alt for alt in document.all("alt"))


def test_pictures_are_those_of_their_photograph(tmp_path: Path) -> None:
    """Each card shows its own photograph's files."""
    html = write_report(tmp_path, AUDIT, views(3)).read_text(encoding="utf-8")
    for number, card in enumerate(html.split("<article")[1:]):
        shown = Document("<article" + card.split("</article>")[0] + "</article>").all("src")
        contents = [(tmp_path / path).read_text(encoding="utf-8") for path in shown]
        assert contents == [f"overlay of {number}", f"support of {number}", f"seeds of {number}"]


def test_words_from_outside_stay_words(tmp_path: Path) -> None:
    """Names, labels and reasons with HTML in them add no element and no attribute."""
    judged = replace(AUDIT, overview=overview([1], "BETONG"))
    plain = read(write_report(tmp_path / "plain", judged, [view(1)]))
    audit = replace(AUDIT, model=NASTY, version=NASTY, recipe=NASTY, recipe_fields={NASTY: NASTY, "a": 1})
    audit = replace(audit, state=NASTY, failures=[(NASTY, NASTY)], overview=overview([1], NASTY))
    nasty = view(1, image=NASTY, label=NASTY, predicted=NASTY, explained=NASTY, probabilities={NASTY: 1.0, "TRE": 0.0})
    document = read(write_report(tmp_path / "nasty", audit, [nasty]))
    assert document.tags["script"] == 1
    assert {name for name, _ in document.attributes} == {name for name, _ in plain.attributes}
    assert document.articles[0]["data-image"] == NASTY
    assert document.text.count(NASTY) >= 10


def test_an_address_cannot_leave_the_folder(tmp_path: Path) -> None:
    """Whatever stands for the sha256, pictures are written under pictures/."""
    write_report(tmp_path / "report", AUDIT, [view(1, sha256="../../../../etc")])
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["index.html", "pictures"]


def test_totals_and_failures_are_on_the_first_page(tmp_path: Path) -> None:
    """What was asked, what came of it, and what failed for which reason."""
    text = read(write_report(tmp_path, AUDIT, views(3))).text
    for words in ("photographs 4", "explained 3", "failed 1", "perturbations 3,456", "perturbations / s 288"):
        assert words in text
    for words in ("torn<i>.jpg truncated & lost", "samples 128", "ab" * 32, "cd" * 32, "0 % of 3 as labelled"):
        assert words in text


def test_a_photograph_counts_once_however_many_labels_of_it_are_explained(tmp_path: Path) -> None:
    """What is predicted, and whether that is right, is of photographs; which label each card explains is told apart
    from whether the prediction is right, and a label that the model lacks makes none wrong."""
    both = [view(1), view(1, explained="TRE"), view(2, label="BETONG"), view(2, label="BETONG", explained="TRE")]
    text = read(write_report(tmp_path, AUDIT, [*both, view(3, label="PALM", label_known=False)])).text
    assert "Predicted labels 50 % of 2 as labelled BETONG 3 " in text
    assert "BETONG with 90 %: as labelled. The evidence shown is for TRE ." in text
    assert "BETONG with 90 %: wrong: labelled TRE The evidence shown is for TRE ." in text
    assert "BETONG with 90 %: labelled PALM , which the model does not know." in text


def test_a_report_has_the_audit_s_name(tmp_path: Path) -> None:
    """And its tags, which its page and `audit show` have, too."""
    assert "audit 3 · spring #north" in read(write_report(tmp_path, replace(AUDIT, title="spring #north"), [])).text


@pytest.mark.usefixtures("small_pages")
def test_counts_and_histograms_count_every_page(tmp_path: Path) -> None:
    """The figures on the first page are those of the whole archive, also of the pages that follow."""
    last = view(999, predicted="TRE", figures=replace(FIGURES, mask_share=0.01))
    document = read(write_report(tmp_path, AUDIT, [*views(11), last]))
    text = document.text
    assert "BETONG 11" in text
    assert "TRE 1 " in text
    assert "0.60 to 0.65: 11" in text
    assert "0.00 to 0.05: 1" in text
    assert "Evidence on the object: 12 photographs, mean 0.57" in document.all("aria-label")


@pytest.mark.usefixtures("small_pages")
def test_the_front_page_says_what_the_model_looks_at(tmp_path: Path) -> None:
    """One sentence, the share of each answer, and the reliance of each label as a dot on its interval."""
    document = read(write_report(tmp_path, replace(AUDIT, overview=overview([])), views(1)))
    for words in (
        "The model looks at the background: the answers on 97 of 100 photographs with a mask rest on it.",
        "the object and the explanation is sound 3 3.0 %",
        "the background not the object 97 97 %",
        "sound the colours show what the answer depends on 100 100 %",
        "BETONG 0.75 (0.50 to 0.88) of 100",
        "all 0.75 (0.50 to 0.88) of 100",
        "The model is sure of the bare fill as BETONG (5)",
    ):
        assert words in document.text
    assert document.all("x").count("50.00%") == document.all("width").count("37.50%") == 2
    assert document.all("cx").count("75.00%") == 2
    assert {"3.00%", "97.00%"} <= set(document.all("width"))


@pytest.mark.usefixtures("small_pages")
def test_the_photographs_to_look_at_first_lead_to_their_cards(tmp_path: Path) -> None:
    """In their order, each with its own picture and sentence, whichever page its card is on."""
    html = write_report(tmp_path, replace(AUDIT, overview=overview([15, 3])), views(21)).read_text(encoding="utf-8")
    first = Document(html.split("<ol>")[1].split("</ol>")[0])
    assert first.text == "1. mast 15.jpg BETONG, of all. 2. mast 3.jpg BETONG, of all."
    assert first.all("href") == ["page-2.html#p16", "#p4"]
    assert [(tmp_path / path).read_text() for path in first.all("src")] == ["overlay of 15", "overlay of 3"]
    assert "2 of 97 with a reason to look" in read(tmp_path / "index.html").text


def test_nothing_to_look_at_is_said(tmp_path: Path) -> None:
    """And where no mask is known, that nothing can be said of the background."""
    found = Overview(judgements=counted(unmasked=2), background_reliance=[Reliance(None, 0, None, None, None)])
    text = read(write_report(tmp_path, replace(AUDIT, overview=found), views(2))).text
    assert "not known, as nobody said where the object is; 2 of 2 explanations are sound." in text
    assert "unknown: no mask nobody said where the object is 2 100 %" in text
    assert "nothing can be said of the background" in text
    assert "None: no answer is known to be wrong" in text


@pytest.mark.usefixtures("small_pages")
def test_an_archive_is_never_held_in_memory(tmp_path: Path) -> None:
    """However many explanations there are, no more than a few pages of them are alive, and pictures are read late."""

    class Picture:
        def __call__(self) -> bytes:
            return b"png"

    alive: weakref.WeakSet[Picture] = weakref.WeakSet()
    most = 0

    def stream() -> Iterator[ExplanationView]:
        nonlocal most
        for number in range(200):
            picture = Picture()
            alive.add(picture)
            most = max(most, len(alive))
            yield view(number, pictures={"overlay": picture})

    write_report(tmp_path, AUDIT, stream())
    # the first page is written last; two pages are ahead, and one is being dropped
    assert most <= 10 + 3 * 10
    assert len(list(tmp_path.glob("*.html"))) == 20


@pytest.mark.usefixtures("small_pages")
def test_pages_lead_to_each_other(tmp_path: Path) -> None:
    """From the first page to the last and back, and the last leads no further."""
    write_report(tmp_path, AUDIT, views(21))
    assert {"page-2.html", "page-3.html"} <= set(read(tmp_path / "index.html").all("href"))
    assert {"index.html", "page-3.html"} <= set(read(tmp_path / "page-2.html").all("href"))
    assert "page-2.html" in read(tmp_path / "page-3.html").all("href")
    assert "page-4.html" not in read(tmp_path / "page-3.html").all("href")


@pytest.mark.usefixtures("small_pages")
def test_a_shorter_report_replaces_a_longer_one(tmp_path: Path) -> None:
    """No page of the report that stood here before is left; other people's files are."""
    (tmp_path / "page-notes.html").write_text("mine")
    write_report(tmp_path, AUDIT, views(21))
    write_report(tmp_path, AUDIT, views(1))
    assert sorted(path.name for path in tmp_path.glob("*.html")) == ["index.html", "page-notes.html"]


def test_an_audit_without_results_has_a_report(tmp_path: Path) -> None:
    """Nothing explained yet: the totals, and a sentence that says so."""
    audit = replace(AUDIT, state="running", finished=None, seconds=None, done=0, failed=0, failures=[])
    text = read(write_report(tmp_path, audit, [])).text
    assert "No photograph of this audit has been explained." in text
    assert "running" in text


def test_an_explanation_with_little_known_has_a_card(tmp_path: Path) -> None:
    """No pictures, no label, one seed, every figure unknown: a card all the same, without a word about those."""
    bare = view(1, pictures={}, label=None, figures=Figures(1, 100, spearman=math.nan, r2=None))
    text = read(write_report(tmp_path, AUDIT, [bare])).text
    assert "no picture: the photograph or its scene is gone" in text
    assert "nan" not in text.lower()
    assert "None" not in text


def test_a_name_that_is_no_text_is_shown_with_question_marks(tmp_path: Path) -> None:
    """File names may hold bytes that no encoding explains."""
    assert "mast?.jpg" in read(write_report(tmp_path, AUDIT, [view(1, image="mast\udcff.jpg")])).text


@pytest.mark.parametrize(
    ("counts", "mark", "text"),
    [
        ({"object": 4}, "good", "looks at the object: the answers on 4 of 4 photographs with a mask"),
        (
            {"object": 3},
            "fair",
            "not settled: of the answers on 3 photographs with a mask, 3 rest on the object, 0 on the background, "
            "0 on both; too few to say that most do.",
        ),
        ({"object": 17, "background": 7}, "good", "the object: the answers on 17 of 24"),
        ({"object": 16, "background": 8}, "fair", "16 rest on the object, 8 on the background, 0 on both; too few to"),
        ({"background": 17, "object": 7}, "poor", "the background: the answers on 17 of 24"),
        ({"background": 16, "object": 8}, "fair", "not settled"),
        ({"background": 12, "object": 12}, "fair", "12 rest on the object, 12 on the background, 0 on both."),
        ({"object": 17, "doubtful": 7}, "good", "24 of 24 photographs with a mask rest on it, 17 of them soundly"),
        ({"object": 16, "doubtful": 8}, "fair", "24 of 24 photographs with a mask rest on it, 16 of them soundly"),
        ({"both": 24}, "fair", "0 rest on the object, 0 on the background, 24 on both"),
        ({"object": 1, "unmasked": 199_999}, "fair", "on 1 photograph with a mask (of 200,000)"),
        ({"object": 4, "unmasked": 6}, "good", "the answers on 4 of 4 photographs with a mask (of 10) rest on it"),
        ({"unmasked": 5}, "plain", "not known, as nobody said where the object is; 5 of 5 explanations are sound"),
    ],
)
def test_the_headline_says_what_the_interval_of_the_share_does(counts: dict[str, int], mark: str, text: str) -> None:
    """On both sides of each boundary: only photographs with a mask count, and more than half of them is what Wilson's
    interval has to say. Green is the object alone, soundly explained; without a mask the headline is grey."""
    found = headline(Overview(judgements=counted(**counts)))
    assert found is not None
    assert (found.mark, text in found.text) == (mark, True), found.text


def test_what_was_judged_by_one_word_is_told_apart(tmp_path: Path) -> None:
    """An audit of an earlier version: its verdicts as they were given, in grey, and no word of today's."""
    found = Overview(verdicts=[Share("trusted", 3, 0.75), Share("background", 1, 0.25)])
    verdict = Verdict("trusted", "gap", 0.5, "It holds.")
    old = Judgement(0.5, Curves(0.2, 0.4, 0.7, 0.6), Grounding(), verdict=verdict)
    shown = view(1, figures=replace(FIGURES, judgement=old))
    document = read(write_report(tmp_path, replace(AUDIT, overview=found), [shown]))
    assert "Judged by an earlier version, in one word for each photograph: trusted 3, background 1." in document.text
    assert "trusted (judged by an earlier version, in one word): It holds." in document.text
    assert "Is the explanation sound?" not in document.text
    assert "object" not in document.all("class")
    assert headline(Overview()) is None


@pytest.mark.parametrize("basis", ["object", "background", "both", "unknown"])
@pytest.mark.parametrize(
    ("sound", "reason"),
    [("sound", None), ("nothing to explain", None), *(("doubtful", reason) for reason in get_args(Reason))],
)
def test_only_the_object_soundly_explained_is_green(sound: str, reason: str | None, basis: str) -> None:
    """And every doubt is amber; both answers are told, with the reason, what it means, and the figure that decided."""
    first, second = answers(judged(sound, reason, basis))
    assert (first.mark == "fair") == (sound == "doubtful")
    assert (second.mark == "good") == ((sound, basis) == ("sound", "object"))
    assert (second.mark == "plain") == (basis == "unknown")
    doubt, figure = (f" ({reason})", " (gap 0.50)") if reason else ("", "")
    assert first.text == f"Is the explanation sound? {sound.capitalize()}{doubt}. It is.{figure}"
    assert second.text == f"What does the answer rest on? {basis.capitalize()}. It does."


def test_a_fill_that_is_an_answer_is_warned_of() -> None:
    """Whatever the answers, in amber."""
    assert [one.mark for one in answers(judged("sound", None, "object", fill="TRE"))] == ["plain", "good", "fair"]
    assert answers(None) == []


def test_without_masks_nothing_is_green(tmp_path: Path) -> None:
    """Neither the headline, nor a portion, nor a card: nobody said where the object is."""
    figures = replace(FIGURES, mask_share=None, mask_area=None, judgement=judged("sound", None, "unknown"))
    audit = replace(AUDIT, overview=Overview(judgements=counted(unmasked=2)))
    html = write_report(tmp_path, audit, [view(1, figures=figures), view(2, figures=figures)]).read_text()
    shown = re.sub(r'<ul class="figures">.*?</ul>', "", html, flags=re.DOTALL)  # whose marks have no colour
    classes = set(" ".join(Document(shown).all("class")).split())
    assert {"plain", "unknown", "sound"} <= classes
    assert not classes & {"good", "object"}
    assert not re.search(r"\.figures[^{]*good[^{]*\{[^}]*color", html)


def _css() -> str:
    return (Path(pages.__file__).parents[1] / "templates/report.css").read_text()


def _light_and_dark() -> list[dict[str, str]]:
    """The colours by name of the page in the light, and in the dark."""
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in _css().split("@media")[:2])
    return [light, light | dark]


def _luminance(color: str, seen: np.ndarray | None = None) -> float:
    """Relative luminance, as WCAG 2 defines it; `seen` is a matrix of linear RGB."""
    parts = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(np.array([0.2126, 0.7152, 0.0722]) @ (linear if seen is None else (seen @ linear).clip(0, 1)))


def _contrast(one: str, other: str, seen: np.ndarray | None = None) -> float:
    low, high = sorted(_luminance(color, seen) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


DEUTERANOPIA = np.array(  # Machado, Oliveira and Fernandes 2009, severity 1
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def test_colours_can_be_told_apart() -> None:
    """WCAG AA, in the light and in the dark: text 4.5 to 1, edges and marks 3 to 1; object and background are 3 to 1
    apart in brightness alone, also for who sees no green."""
    for color in _light_and_dark():
        for ground in ("paper", "sheet"):
            for ink in ("ink", "faint", "accent", "good", "fair", "poor"):
                assert _contrast(color[ink], color[ground]) >= 4.5, (ink, ground)
            assert _contrast(color["edge"], color[ground]) >= 3
        for kind in ("object", "background", "both", "sound", "unknown"):
            assert _contrast(color[kind], color[f"on-{kind}"]) >= 4.5, kind
        for seen in (None, DEUTERANOPIA):
            assert _contrast(color["object"], color["background"], seen) >= 3
        assert _contrast(color["edge"], color["track"]) >= 3


def test_every_colour_has_a_name() -> None:
    """Only the lists of names have numbers in them, so that what the test above reads is what is shown."""
    rules = re.sub(r":root \{.*?\}", "", _css(), flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", rules)


def test_figures_are_told_in_plain_words() -> None:
    """Each figure is a sentence with the number in it, and the number that chance would give."""
    assert [(sentence.mark, sentence.text) for sentence in sentences(FIGURES)] == [
        ("good", "62 % of the supporting evidence lies on the object, which covers 8.0 % of the picture"),
        ("good", "Nine seeds agree: 0.93 rank correlation"),
        ("plain", "Their five strongest superpixels overlap by 0.70 (chance gives 0.05)"),
        ("plain", "88 % of superpixels keep their sign under every seed"),
        ("good", "The surrogate follows the model closely: R² 0.95, 0.90 on rows held out"),
        ("plain", "1,152 perturbations put to the model"),
    ]


def test_marks_fall_with_the_figures() -> None:
    """A lower figure never has the better mark."""
    order = {"good": 2, "fair": 1, "poor": 0}
    for figure in ("spearman", "r2_held_out", "mask_share"):
        values = [step / 20 for step in range(-5, 21)]
        marks = [order[sentences(Figures(9, 1, **{figure: value}))[0].mark] for value in values]
        assert all(low <= high for low, high in pairwise(marks))
        assert set(marks) == {0, 1, 2}


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (
            {"sensitivity": {"seeds": 0.9, "segmenter:grid": 0.4, "noise:2": 0.95, "fill:blur": math.nan}},
            "Moved most by another segmenter (grid): 0.40 rank correlation (other seeds alone: 0.90)",
        ),
        ({"sensitivity": {"noise:2": 0.3}}, "Moved most by noise of 2 in 255: 0.30 rank correlation"),
        ({"denoised": (6, 0.547, 0.794)}, "Without the 6 superpixels against it, 55 % becomes 79 %"),
        ({"denoised": (0, 0.5, 0.5)}, "No superpixel speaks against it"),
        (
            {"stopped": Stopped("parted", 5)},
            "Enough seeds were asked: the 5 strongest superpixels are told from the next.",
        ),
        (
            {"inside": {"read": "cam", "of": "logit", "layer": "relu_9", "map": [7, 7]}},
            "Read: cam of the logit at layer relu_9, 7x7 places stretched bilinearly",
        ),
    ],
)
def test_the_report_says_what_moves_an_explanation_and_what_is_left_without_the_noise(figures, text):
    """The choice that moves it most beside chance; the confidence before and after the noise experiment; and why no
    more seeds were asked."""
    assert text in [sentence.text for sentence in sentences(Figures(9, 1, **figures))]


@pytest.mark.parametrize(
    ("end", "mark", "text"),
    [
        (Stopped("precise", 5), "plain", "the weights are known as closely as was asked for."),
        (
            Stopped("futile", 5, 0.04),
            "fair",
            "is open: more seeds would hardly have settled it (chance 4 %).",
        ),
        (Stopped("spent", 3), "fair", "the 3 strongest is open: all seeds were asked and did not settle it."),
        (Stopped("spent"), "fair", "All seeds were asked, and the weights are not known as closely as was asked for."),
    ],
)
def test_what_was_left_open_is_said(end, mark, text):
    """In a colour of its own: what more seeds would not have settled, and what all seeds did not."""
    [told] = [one for one in sentences(Figures(9, 1, stopped=end)) if text in one.text]
    assert told.mark == mark


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        (Claim("completeness", 0.9, 0.9, ""), [("good", "Completeness 0.90, of which 0.9 is enough")]),
        (Claim("conservation", 0.4, 0.9, ""), [("poor", "Conservation 0.40, of which 0.9 is enough")]),
        (Claim("reliability", math.nan, 0.5, ""), []),
        (Claim("fidelity.r2_held_out", 0.9, 0.5, ""), []),
        (Claim("rule.low", 0.96, 0.95, ""), []),
    ],
)
def test_a_method_s_own_figures_are_said(claim, told):
    """With what it takes; not what is unknown, nor what has a sentence of its own."""
    (*found, _) = sentences(Figures(9, 1, claims=(claim,)))
    assert [(one.mark, one.text) for one in found] == told


def test_a_ledger_is_said_with_its_own_label() -> None:
    """Of two labels that were explained, each has its own."""
    ledger = {"yes": {"logit": 2.0}, "no": {"logit": 3.0}}
    inside = {"read": "lrp", "of": "logit", "composite": "epsilon", "ledger": ledger}
    answer = replace(attribution("yes", "no"), inside=inside)
    told = [sentences(Figures.of(answer, label))[-2].text for label in answer.labels]
    assert told == [f"Read: lrp of the logit by epsilon; of {name}" for name in ("yes: logit 2", "no: logit 3")]


def test_a_report_calls_the_object_by_the_audit_s_word(tmp_path: Path) -> None:
    """On every page, in every text of ours; what the files are called stays."""
    judged = [Judged("sound", None, "object", True, 30, 0.75), Judged("sound", None, "unknown", False, 10, 0.25)]
    audit = replace(AUDIT, overview=Overview(judgements=judged), object_word="cat")
    soundness, basis = Soundness("sound", None, "gap", 0.5, "It holds."), Basis("object", "It rests on the object.")
    judgement = Judgement(0.5, Curves(0.2, 0.4, 0.7, 0.6), Grounding(0.25, 0.5), soundness, basis)
    one = ExplanationView("a.jpg", "ab" * 32, "TRE", "TRE", {"TRE": 0.9}, replace(FIGURES, judgement=judgement))
    text = Document(write_report(tmp_path, audit, [one]).read_text()).text
    assert "The model looks at the cat:" in text
    assert "It rests on the cat." in text
    assert "of the supporting evidence lies on the cat" in text
    assert "the object" not in text


def test_a_report_takes_the_place_of_an_earlier_one_and_of_nothing_else(tmp_path: Path) -> None:
    """Pictures of a report before it go, those of an earlier version too; what else is in the folder is not ours."""
    before = ["pictures/0001/000007-00000007-overlay.png", "pictures/0002/000201-00000003-heat.webp"]
    before += ["pictures/00000000000000a1-before.png", "pictures/00000000000000a1-after.webp"]
    others = ["pictures/holiday.png", "pictures/0001/me.webp", "pictures/2026/000001-aa.png", "notes.txt"]
    for name in (*before, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    write_report(tmp_path, AUDIT, views(1))
    kept = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    ours = {f"pictures/0001/000001-00000000-{kind}.webp" for kind in ("overlay", "support", "seeds")}
    assert kept == {*others, "index.html"} | ours


def test_one_file_holds_everything(tmp_path: Path) -> None:
    """Pictures and all on one page, however many pages it would be; a picture within is no link, which no browser
    follows."""
    page = write_report(tmp_path, AUDIT, views(pages.PAGE + 1), single=True)
    document = read(page)
    assert [path.name for path in tmp_path.rglob("*")] == ["index.html"]
    assert len(document.articles) == pages.PAGE + 1
    assert all(address.startswith("data:image/webp;base64,") for address in document.all("src"))
    assert not [address for address in document.all("href") if address.startswith("data:")]
    assert len(document.all("alt")) == document.tags["img"]


def test_photographs_to_look_at_first_that_are_not_shown_are_not_counted_as_shown(tmp_path: Path) -> None:
    """Of a report of some photographs: how many of them there are, or that none is."""
    some = replace(AUDIT, overview=overview([1, 2, 3]), shown="2 of 9 photographs are shown.")
    page = write_report(tmp_path, some, [view(1), view(7)]).read_text()
    assert "2 of 9 photographs are shown. The answers and totals are those of the whole audit" in page
    assert "1 of 97 with a reason to look" in page
    assert "None of them is among the photographs shown." in write_report(tmp_path, some, [view(7)]).read_text()
