"""The outcome of a comparison: what changed over a whole archive, with intervals, and one sentence."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.answer.nulls import to_null
from pipeline.change.agreement import Agreement, Agreements, sentence
from pipeline.change.alignment import GRID
from pipeline.change.comparison import Change
from pipeline.change.criteria import FALSE_ALARMS, FEWEST, LEAST, LEAST_DISTANCE
from pipeline.change.moments import Interval, Paired, Pairs
from pipeline.change.terms import Terms

STEP = 0.1  # of background reliance: less is no better or worse on one photograph; a convention
WORDS = {
    "better": "Better grounded",
    "worse": "Worse grounded",
    "same": "No change that can be told from noise",
    "unknown": "Grounding cannot be compared",
}
SMALL = "Hardly any change"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many photographs.

    Better and worse are those whose background reliance fell or rose by a tenth, less those judged not to have changed.
    """

    compared: int = 0
    judged: int = 0  # with enough seeds, and the same superpixels, to tell a change from noise
    changed: int = 0
    better: int = 0
    worse: int = 0
    relabelled: int = 0  # the model's prediction is another one
    mended: int = 0  # the prediction was not the label a person gave, and now is
    broken: int = 0  # it was, and no longer is
    on_grid: int = 0  # with other superpixels: compared on a grid over the photograph
    unordered: int = 0  # an explanation of the two weighs all alike: there is no order to compare
    other_label: int = 0  # the label whose explanations are compared is another one; under two recipes nothing is told


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a comparison comes to.

    Attributes
    ----------
    counts, by_label : Counts
        Of all photographs, and by the label a person gave, else the one the first model gave.
    believed : 0..1
        The largest p-value that counts as a change; see `pipeline.change.permutation.discoveries`.
    least_distance : 0..2
        A smaller distance is no change, however surely it is one.
    tests : {"paired": n, "permutation": n}
        How many photographs each test was asked about; those compared before there were two are under neither.
    reliance, share : Paired
        Background reliance, and the share of the evidence on the object, over photographs that have both.
    word : better, worse, same or unknown
        Of models, whether the second is better grounded; of recipes, whether the second's explanations are more
        faithful.
    agreement : Agreement or None
        What two recipes come to; None where the recipes differ in nothing but seeds.
    warnings : tuple of str
        What to bear in mind whatever it comes to, a sentence each.
    """

    counts: Counts
    by_label: Mapping[str, Counts]
    believed: float
    least_distance: float
    tests: Mapping[str, int]
    reliance: Paired
    share: Paired
    word: str
    sentence: str
    agreement: Agreement | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON; NaN becomes null."""
        told: dict[str, Any] = to_null(asdict(self))
        return told | {"false_alarms": FALSE_ALARMS}


@dataclass(slots=True)
class Tally:
    """Changes counted as they go by, in memory that does not grow with their number."""

    believed: float
    least_distance: float = LEAST_DISTANCE
    terms: Terms = field(default_factory=Terms)
    counts: Counter[str] = field(default_factory=Counter)
    tests: Counter[str] = field(default_factory=Counter)
    by_label: dict[str, Counter[str]] = field(default_factory=dict)
    reliance: Pairs = field(default_factory=Pairs)
    share: Pairs = field(default_factory=Pairs)
    agreements: Agreements = field(default_factory=Agreements)

    def add(self, change: Change, label: str | None = None) -> None:
        """Count a photograph; `label` is what a person says it shows."""
        changed = has_changed(change, self.believed, self.least_distance)
        found = Counter(["compared", *_kinds(change, changed, label)])
        self.counts += found
        self.tests.update([change.test] if change.test else [])
        self.by_label.setdefault(label or change.label_before, Counter()).update(found)
        self.reliance.add(change.reliance_before, change.reliance_after)
        self.share.add(change.share_before, change.share_after)
        self.agreements.add(change, self.terms)

    def outcome(self, before: str, after: str) -> Outcome:
        """What it comes to; before and after are the names of what is compared, models or recipes."""
        reliance, counts = self.reliance.paired(), Counts(**self.counts)
        agreement = None if self.terms.one_recipe else self.agreements.agreement()
        word = agreement.word if agreement else _word(reliance.difference)
        told = _sentence(word, reliance.difference, counts, (before, after))
        if agreement and counts.compared:
            told = sentence(agreement, self.terms, (before, after))
        return Outcome(
            counts=counts,
            by_label={label: Counts(**found) for label, found in sorted(self.by_label.items())},
            believed=self.believed,
            least_distance=self.least_distance,
            tests=dict(self.tests),
            reliance=reliance,
            share=self.share.paired(),
            word=word,
            sentence=told,
            agreement=agreement,
            warnings=tuple(_warnings(self.terms, counts)),
        )


def has_changed(change: Change, believed: float, least_distance: float = LEAST_DISTANCE) -> bool:
    """Whether a change is one that counts: real, and large enough to matter."""
    return change.p_value <= believed and change.distance >= least_distance  # false for NaN


def _kinds(change: Change, changed: bool, label: str | None) -> list[str]:
    """The fields of Counts that a photograph counts in."""
    judged = math.isfinite(change.p_value)
    step = change.reliance_after - change.reliance_before
    kinds = {
        "judged": judged,
        "changed": changed,
        "better": step <= -STEP and (changed or not judged),
        "worse": step >= STEP and (changed or not judged),
        "relabelled": change.label_before != change.label_after,
        "mended": label is not None and change.label_before != label == change.label_after,
        "broken": label is not None and change.label_after != label == change.label_before,
        "on_grid": change.on_grid is True,
        "unordered": change.explained_before == change.explained_after and math.isnan(change.spearman),
        "other_label": change.explained_before != change.explained_after,
    }
    return [kind for kind, holds in kinds.items() if holds]


def _word(difference: Interval) -> str:
    if difference.n < FEWEST:
        return "unknown"
    if abs(difference.mean) < LEAST or difference.may_be_zero:
        return "same"
    return "better" if difference.mean < 0 else "worse"


def _sentence(word: str, difference: Interval, counts: Counts, names: tuple[str, str]) -> str:
    if not counts.compared:
        return "Nothing to compare: no photograph is explained in both audits."
    small = word == "same" and not difference.may_be_zero  # a change that two decimals do not show
    return f"{SMALL if small else WORDS[word]}: {_because(word, difference, names)}; {_how_many(counts)}."


def _because(word: str, difference: Interval, names: tuple[str, str]) -> str:
    before, after = names
    if word == "unknown":
        return f"only {difference.n} photographs have a mask of the object in both audits, expected {FEWEST} or more"
    if word == "same":
        return f"background reliance differs by {difference} between {before} and {after}"
    leans = "less" if word == "better" else "more"
    return f"{after} leans on the background {leans} than {before}, by {difference.size}"


def _how_many(counts: Counts) -> str:
    if not counts.judged:
        return "which explanations changed cannot be told, for want of seeds or because the superpixels differ"
    return f"{counts.changed:,} of {counts.judged:,} photographs are explained differently"


def _warnings(terms: Terms, counts: Counts) -> Iterator[str]:
    """What to bear in mind, a sentence each."""
    if not terms.one_recipe and not terms.one_model:
        yield f"Models and recipes both differ (in {', '.join(terms.differing)}): what differs may be either's doing."
    if counts.on_grid:
        yield (
            f"The superpixels of {counts.on_grid:,} of {counts.compared:,} photographs are not the same: these are "
            f"compared on a grid of {GRID} by {GRID} cells, and other superpixels alone move the evidence."
        )
    if terms.one_recipe:
        return
    if counts.unordered:
        yield (
            f"An explanation of {counts.unordered:,} of {counts.compared:,} photographs weighs all superpixels alike, "
            "as an empty rule does: it has no order, and these count in no figure of agreement."
        )
    if counts.other_label:
        yield (
            f"{counts.other_label:,} of {counts.compared:,} photographs have no label that both audits explain: of "
            "their explanations nothing is told."
        )
