"""The outcome of a comparison: what changed over a whole archive, with intervals, and one sentence."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from scipy.stats import t

from pipeline.answer.interval import of_mean
from pipeline.answer.nulls import to_null
from pipeline.change.comparison import Change
from pipeline.change.criteria import FALSE_ALARMS, LEAST_DISTANCE

STEP = 0.1  # of background reliance: less is no better or worse on one photograph; a convention
LEAST = 0.01  # of its mean: what two decimals show
FEWEST = 6  # photographs for a verdict: of five that all move one way chance makes more than one in 20 (sign test)
WORDS = {
    "better": "Better grounded",
    "worse": "Worse grounded",
    "same": "No change that can be told from noise",
    "unknown": "Grounding cannot be compared",
}


@dataclass(slots=True)
class Moments:
    """Mean and spread of numbers that go by once (Welford 1962)."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Count one."""
        self.n += 1
        step = value - self.mean
        self.mean += step / self.n
        self.squares += step * (value - self.mean)

    def student(self) -> "Interval":
        """The mean with Student's interval (1908), for differences, which pairing makes small."""
        if self.n < 2:
            return self._alone()
        half = float(t.ppf(0.975, self.n - 1)) * math.sqrt(self.squares / (self.n - 1) / self.n)
        return Interval(self.mean, self.mean - half, self.mean + half, self.n)

    def wilson(self) -> "Interval":
        """The mean of values in 0..1 with the interval that it has everywhere: see `of_mean`."""
        if self.n < 2:
            return self._alone()
        return Interval(self.mean, *of_mean(self.mean, self.squares, self.n), self.n)

    def _alone(self) -> "Interval":
        return Interval(self.mean if self.n else math.nan, math.nan, math.nan, self.n)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over n photographs and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.2f} (95 % interval {self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, slots=True)
class Paired:
    """A figure before and after, and the difference on the same photographs."""

    before: Interval
    after: Interval
    difference: Interval


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

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON; NaN becomes null."""
        told: dict[str, Any] = to_null(asdict(self))
        return told | {"false_alarms": FALSE_ALARMS}


@dataclass(slots=True)
class Pairs:
    """One figure of both models, counted where both have it."""

    before: Moments = field(default_factory=Moments)
    after: Moments = field(default_factory=Moments)
    difference: Moments = field(default_factory=Moments)

    def add(self, before: float, after: float) -> None:
        """Count one photograph."""
        if math.isfinite(before) and math.isfinite(after):
            self.before.add(before)
            self.after.add(after)
            self.difference.add(after - before)

    def paired(self) -> Paired:
        """The intervals."""
        return Paired(self.before.wilson(), self.after.wilson(), self.difference.student())


@dataclass(slots=True)
class Tally:
    """Changes counted as they go by, in memory that does not grow with their number."""

    believed: float
    least_distance: float = LEAST_DISTANCE
    counts: Counter[str] = field(default_factory=Counter)
    tests: Counter[str] = field(default_factory=Counter)
    by_label: dict[str, Counter[str]] = field(default_factory=dict)
    reliance: Pairs = field(default_factory=Pairs)
    share: Pairs = field(default_factory=Pairs)

    def add(self, change: Change, label: str | None = None) -> None:
        """Count a photograph; `label` is what a person says it shows."""
        changed = has_changed(change, self.believed, self.least_distance)
        found = Counter(["compared", *_kinds(change, changed, label)])
        self.counts += found
        self.tests.update([change.test] if change.test else [])
        self.by_label.setdefault(label or change.label_before, Counter()).update(found)
        self.reliance.add(change.reliance_before, change.reliance_after)
        self.share.add(change.share_before, change.share_after)

    def outcome(self, before: str, after: str) -> Outcome:
        """What it comes to; before and after are the models' names."""
        reliance, counts = self.reliance.paired(), Counts(**self.counts)
        word = _word(reliance.difference)
        return Outcome(
            counts=counts,
            by_label={label: Counts(**found) for label, found in sorted(self.by_label.items())},
            believed=self.believed,
            least_distance=self.least_distance,
            tests=dict(self.tests),
            reliance=reliance,
            share=self.share.paired(),
            word=word,
            sentence=_sentence(word, reliance.difference, counts, (before, after)),
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
    }
    return [kind for kind, holds in kinds.items() if holds]


def _word(difference: Interval) -> str:
    if difference.n < FEWEST:
        return "unknown"
    if abs(difference.mean) < LEAST or difference.low <= 0 <= difference.high:
        return "same"
    return "better" if difference.mean < 0 else "worse"


def _sentence(word: str, difference: Interval, counts: Counts, names: tuple[str, str]) -> str:
    if not counts.compared:
        return "Nothing to compare: no photograph is explained in both audits."
    return f"{WORDS[word]}: {_because(word, difference, names)}; {_how_many(counts)}."


def _because(word: str, difference: Interval, names: tuple[str, str]) -> str:
    before, after = names
    if word == "unknown":
        return f"only {difference.n} photographs have a mask of the object in both audits, expected {FEWEST} or more"
    if word == "same":
        return f"background reliance differs by {difference} between {before} and {after}"
    low, high = sorted((abs(difference.low), abs(difference.high)))
    size = Interval(abs(difference.mean), low, high, difference.n)
    return f"{after} leans on the background {'less' if word == 'better' else 'more'} than {before}, by {size}"


def _how_many(counts: Counts) -> str:
    if not counts.judged:
        return "which explanations changed cannot be told, for want of seeds or because the superpixels differ"
    return f"{counts.changed:,} of {counts.judged:,} photographs are explained differently"
