"""The report of a comparison: one page that shows two audits side by side, what changed or how far they agree."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.change.outcome import STEP
from pipeline.pictures.lettering import percent
from polelens.report.pages import environment
from polelens.report.words import Mark
from storage.blob_errors import BlobMissing
from storage.blobs import Blobs
from storage.comparisons import Compared, Comparison, Comparisons
from storage.keys import explanation_key

SHOWN = 12  # photographs of each sort: a page that is looked through in a minute
# Better is not yet good: green is kept for an answer that rests on the object.
MARKS: Mapping[str, Mark] = {"better": "plain", "worse": "poor", "same": "plain", "unknown": "plain"}
MODELS = (
    ("Leaning on the background more", "worse"),
    ("Leaning on the background less", "better"),
    ("Changed most", "distance"),
)
RECIPES = (("Contradicting each other most", "contrary"),)
TESTS = {
    "paired": "an F test of the differences under the seeds that both models share (Box 1954)",
    "permutation": "a permutation test, as they share fewer than three seeds (Anderson 2001),",
}
FAITHFUL = (
    "Two recipes that differ are no change of the model: no photograph is tested. A recipe's explanations are more "
    "faithful if the score falls sooner as their strongest superpixels are taken away (deletion) and rises sooner as "
    "they are shown (insertion; Petsiuk and others 2018): if insertion less deletion is larger by an interval without "
    "zero. That is told only where superpixels, fill and model are the same."
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two views of a photograph; `picture` is a path relative to the report's folder, None if it is lost."""

    when: str  # before or after; recipe A or recipe B
    name: str  # of the model or the recipe
    label: str
    confidence: float
    reliance: float
    verdict: str | None
    right: bool | None  # whether it is the label a person gave; None where none was given, or none that the model has
    picture: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """One photograph before and after."""

    name: str
    label: str | None
    sides: Sequence[Side]
    told: Sequence[str]


@dataclass(frozen=True, slots=True)
class Strip:
    """The photographs of one sort, those that changed most first."""

    title: str
    cards: Sequence[Card]


def write_comparison(comparisons: Comparisons, blobs: Blobs, one: Comparison, folder: Path) -> Path:
    """Write a comparison's page, `index.html`, with `pictures/` beside it; the path of the page.

    A report that is there already is replaced. The comparison must be done.
    """
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for old in (folder / "pictures").glob("*.png"):
        old.unlink()
    strips = _strips(comparisons, _Painter(blobs, one, folder))
    outcome: Mapping[str, Any] = one.outcome or {}
    agreement = outcome.get("agreement")
    told = {
        "mark": "plain" if agreement else MARKS[outcome["word"]],
        "rule": FAITHFUL if agreement else rule(outcome),
        "warnings": outcome.get("warnings", ()),
        "agreement": agreement,
    }
    values = {"one": one, "outcome": outcome, "strips": strips, **told}
    page = folder / "index.html"
    html = environment().get_template("comparison.html").render(values)
    page.write_bytes(html.encode("utf-8", "replace"))
    return page


@dataclass(frozen=True, slots=True)
class _Painter:
    blobs: Blobs
    one: Comparison
    folder: Path

    def cards(self, rows: Iterable[Compared]) -> list[Card]:
        told = _told if self.one.terms.one_recipe else _told_of_recipes
        return [Card(row.name, row.label, self._sides(row), told(row)) for row in rows]

    def _sides(self, row: Compared) -> list[Side]:
        words = ("before", "after") if self.one.terms.one_recipe else ("recipe A", "recipe B")
        told = zip(("before", "after"), words, self.one.names, strict=True)
        return [self._side(row, when, word, name) for when, word, name in told]

    def _side(self, row: Compared, when: str, word: str, name: str) -> Side:
        key, known, place = (getattr(row, f"{fact}_{when}") for fact in ("key", "known", "place"))
        found = {
            figure: getattr(row.change, f"{figure}_{when}") for figure in ("label", "confidence", "reliance", "verdict")
        }
        right = found["label"] == row.label if known else None
        return Side(word, name, **found, right=right, picture=self._picture(row.sha256, when, key, place))

    def _picture(self, sha256: str, when: str, key: str, place: int) -> str | None:
        path, kept = f"pictures/{sha256[:16]}-{when}.png", "overlay.png" if place == 1 else f"overlay-{place}.png"
        try:
            (self.folder / path).write_bytes(self.blobs.get(explanation_key(key, kept)))
        except BlobMissing:
            return None
        return path


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


def _told(row: Compared) -> list[str]:
    """What changed, in words."""
    one = row.change
    told = []
    if math.isfinite(one.noise) and one.noise > 0:
        told.append(f"The evidence moved {one.distance / one.noise:.0f} times as far as seeds move it")
    if math.isfinite(one.overlap):
        told.append(f"{percent(one.overlap)} of the supporting evidence stayed where it was")
    if math.isfinite(one.spearman):
        seeds = f" (seeds of one model {one.seeds_spearman:.2f})" if math.isfinite(one.seeds_spearman) else ""
        told.append(f"Rank correlation {one.spearman:.2f}{seeds}")
    if math.isfinite(one.top5_jaccard):
        told.append(f"Five strongest superpixels overlap by {one.top5_jaccard:.2f}")
    return told


def _told_of_recipes(row: Compared) -> list[str]:
    """How far two recipes agree on a photograph, in words."""
    one = row.change
    told = [f"Explained: {one.explained_before}"] if one.explained_before != one.label_before else []
    told.append(f"Rank correlation {one.spearman:.2f}")
    told.append(f"Five strongest superpixels overlap by {one.top5_jaccard:.2f}")
    if math.isfinite(one.overlap):
        told.append(f"{percent(one.overlap)} of the supporting evidence is in the same place")
    for name in ("deletion", "insertion"):
        before, after = (getattr(one, f"{name}_{when}") for when in ("before", "after"))
        if math.isfinite(before + after):
            told.append(f"{name.capitalize()} {before:.2f} and {after:.2f}")
    return told


def rule(outcome: Mapping[str, Any]) -> str:
    """When a photograph counted as explained differently, by which tests; outcomes are kept, and rules have changed."""
    rate = percent(outcome["false_alarms"])
    so_few = f"so that of all counted at most {rate} are expected not to have changed (Benjamini and Hochberg 1995)"
    if "tests" not in outcome:
        return (
            "A photograph counts as explained differently if the seeds of the two models, dealt to two groups at "
            f"random, lie so far apart in few enough cases (permutation test, Anderson 2001), {so_few}."
        )
    return (
        "A photograph counts as explained differently if the two explanations, each scaled to length 1, lie at least "
        f"{outcome['least_distance']:g} apart, and by more than seeds alone make of it, {so_few}. {_asked(outcome)}"
    )


def _asked(outcome: Mapping[str, Any]) -> str:
    """Which tests told that, and how often."""
    told = [f"{words} on {outcome['tests'][name]:,}" for name, words in TESTS.items() if outcome["tests"].get(name)]
    untold = outcome["counts"]["compared"] - outcome["counts"]["judged"]
    told += [f"nothing could on {untold:,}"] if untold else []
    return f"What told them apart: {'; '.join(told)}." if told else ""
