"""The report of a comparison: one page that shows what changed between two audits, side by side."""

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
TESTS = {
    "paired": "an F test of the differences under the seeds that both models share (Box 1954)",
    "permutation": "a permutation test, as they share fewer than three seeds (Anderson 2001),",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One model's view of a photograph; `picture` is a path relative to the report's folder, None if it is lost."""

    model: str
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
    painter = _Painter(blobs, one, folder)
    strips, shown = [], set[str]()
    for title, order in (
        ("Leaning on the background more", "worse"),
        ("Leaning on the background less", "better"),
        ("Changed most", "distance"),
    ):
        rows = comparisons.foremost(one.id, order, SHOWN + len(shown))
        fresh = [row for row in rows if row.sha256 not in shown and _belongs(row, order)][:SHOWN]
        shown |= {row.sha256 for row in fresh}
        strips.append(Strip(title, painter.cards(fresh)))
    outcome: Mapping[str, Any] = one.outcome or {}
    told = {"mark": MARKS[outcome["word"]], "rule": rule(outcome)}
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
        return [Card(row.name, row.label, self._sides(row), _told(row)) for row in rows]

    def _sides(self, row: Compared) -> list[Side]:
        sides = []
        for when, model, key, known in (
            ("before", self.one.model_before, row.key_before, row.known_before),
            ("after", self.one.model_after, row.key_after, row.known_after),
        ):
            found = {name: getattr(row.change, f"{name}_{when}") for name in ("label", "confidence", "reliance")}
            right = found["label"] == row.label if known else None
            verdict, picture = getattr(row.change, f"verdict_{when}"), self._picture(row.sha256, when, key)
            sides.append(Side(model, **found, verdict=verdict, right=right, picture=picture))
        return sides

    def _picture(self, sha256: str, when: str, key: str) -> str | None:
        path = f"pictures/{sha256[:16]}-{when}.png"
        try:
            (self.folder / path).write_bytes(self.blobs.get(explanation_key(key, "overlay.png")))
        except BlobMissing:
            return None
        return path


def _belongs(row: Compared, order: str) -> bool:
    """Whether a photograph's background reliance moved by enough to be shown for it."""
    return order == "distance" or abs(row.change.reliance_after - row.change.reliance_before) >= STEP


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
