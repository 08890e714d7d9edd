"""What is said of two audits of the same photographs: of all of them, and of each, under the two."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.pictures.lettering import percent
from polelens.report.words import Mark
from storage.comparisons import Compared, Comparison

Painted = Callable[[str, str, int], str | None]  # of before or after, a key and a label's place: a picture's address

# Better is not yet good: green is kept for an answer that rests on the object.
MARKS: Mapping[str, Mark] = {"better": "plain", "worse": "poor", "same": "plain", "unknown": "plain"}
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
    """One of the two views of a photograph; `picture` is a path relative to the report's folder, if it can be drawn."""

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


def about(one: Comparison) -> dict[str, Any]:
    """What a page says of a comparison that is done, for `compared.html`."""
    outcome: Mapping[str, Any] = one.outcome or {}
    agreement = outcome.get("agreement")
    return {
        "one": one,
        "outcome": outcome,
        "agreement": agreement,
        "mark": "plain" if agreement else MARKS[outcome["word"]],
        "rule": FAITHFUL if agreement else rule(outcome),
        "warnings": outcome.get("warnings", ()),
    }


def card(one: Comparison, row: Compared, picture: Painted) -> Card:
    """A photograph of a comparison."""
    told = _told if one.terms.one_recipe else _told_of_recipes
    words = ("before", "after") if one.terms.one_recipe else ("recipe A", "recipe B")
    sides = zip(("before", "after"), words, one.names, strict=True)
    return Card(row.name, row.label, [_side(row, when, (word, name), picture) for when, word, name in sides], told(row))


def _side(row: Compared, when: str, words: tuple[str, str], picture: Painted) -> Side:
    key, known, place = (getattr(row, f"{fact}_{when}") for fact in ("key", "known", "place"))
    figures = ("label", "confidence", "reliance", "verdict")
    found = {figure: getattr(row.change, f"{figure}_{when}") for figure in figures}
    right = found["label"] == row.label if known else None
    return Side(*words, **found, right=right, picture=picture(when, key, place))


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
    if math.isfinite(one.spearman):
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
