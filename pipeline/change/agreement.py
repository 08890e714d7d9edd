"""Agreement: two recipes on the same photographs. How far do they agree, and whose explanations are more faithful?"""

import math
from dataclasses import dataclass, field

from pipeline.change.comparison import Change
from pipeline.change.criteria import FEWEST, LEAST
from pipeline.change.moments import Interval, Moments, Paired, Pairs
from pipeline.change.terms import Terms

Names = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two recipes come to over an archive.

    Attributes
    ----------
    spearman, top5_jaccard : Interval
        Of the two pooled attributions, over the photographs explained for the same label; of the correlation Student's
        interval, as photographs lie far from the ends of its range or at one of them.
    deletion, insertion : Paired
        Areas under both curves, over the photographs that have both under both recipes; of none where the curves are
        not of one measure, see `Terms`.
    faithfulness : Interval
        By how much insertion less deletion is larger under the second recipe, as one figure, lest two be asked until
        one of them answers.
    word : better, worse, same or unknown
        Whether the second recipe's explanations are more faithful, or less.
    """

    spearman: Interval
    top5_jaccard: Interval
    deletion: Paired
    insertion: Paired
    faithfulness: Interval
    word: str


@dataclass(slots=True)
class Agreements:
    """Photographs counted as they go by, in memory that does not grow with their number."""

    spearman: Moments = field(default_factory=Moments)
    top5_jaccard: Moments = field(default_factory=Moments)
    deletion: Pairs = field(default_factory=Pairs)
    insertion: Pairs = field(default_factory=Pairs)
    faithfulness: Moments = field(default_factory=Moments)

    def add(self, change: Change, terms: Terms) -> None:
        """Count a photograph, in what it has."""
        if math.isfinite(change.spearman):  # else an explanation of the two has no order to agree with
            self.spearman.add(change.spearman)
            self.top5_jaccard.add(change.top5_jaccard)
        gain = (change.insertion_after - change.deletion_after) - (change.insertion_before - change.deletion_before)
        if terms.against_curves is None and math.isfinite(gain):
            self.deletion.add(change.deletion_before, change.deletion_after)
            self.insertion.add(change.insertion_before, change.insertion_after)
            self.faithfulness.add(gain)

    def agreement(self) -> Agreement:
        """The intervals, and the word."""
        faithfulness = self.faithfulness.student()
        return Agreement(
            spearman=self.spearman.student().within(-1, 1),
            top5_jaccard=self.top5_jaccard.wilson(),
            deletion=self.deletion.paired(),
            insertion=self.insertion.paired(),
            faithfulness=faithfulness,
            word=_word(faithfulness),
        )


def sentence(found: Agreement, terms: Terms, names: Names) -> str:
    """What two recipes of these names come to, in one sentence."""
    return f"{_faithful(found, terms, names)}; {_agree(found)}."


def _word(faithfulness: Interval) -> str:
    if faithfulness.n < FEWEST:
        return "unknown"
    if abs(faithfulness.mean) < LEAST or faithfulness.may_be_zero:
        return "same"
    return "better" if faithfulness.mean > 0 else "worse"


def _faithful(found: Agreement, terms: Terms, names: Names) -> str:
    if terms.against_curves:
        return f"Which explanations are more faithful is unknown: {terms.against_curves}"
    if found.word == "unknown":
        few = f"only {found.faithfulness.n} photographs have curves to compare in both audits"
        return f"Which explanations are more faithful is unknown: {few}, expected {FEWEST} or more"
    if found.word == "same":
        told = f"insertion less deletion differs by {found.faithfulness}"
        none = found.faithfulness.may_be_zero  # else there is one, too small for two decimals
        least = "No difference in faithfulness that can be told" if none else "Hardly any difference in faithfulness"
        return f"{least} between {names[0]} and {names[1]}: {told}"
    less, more = names if found.word == "better" else names[::-1]
    return f"{more}'s explanations are more faithful than {less}'s: {_curves(found)}"


def _curves(found: Agreement) -> str:
    """Both curves of the more faithful recipe against the other's, and what they come to."""
    told = []
    for name, one in (("deletion", found.deletion), ("insertion", found.insertion)):
        less, more = (one.before, one.after) if found.word == "better" else (one.after, one.before)
        told.append(f"{name} {more.mean:.2f} against {less.mean:.2f}")
    return f"{', '.join(told)}, together better by {found.faithfulness.size}"


def _agree(found: Agreement) -> str:
    if found.spearman.n < FEWEST:
        return f"how far they agree is unknown, as of only {found.spearman.n} photographs there is an order to compare"
    shared = f"and their five strongest superpixels overlap by {found.top5_jaccard}"
    return f"their rank correlation is {found.spearman}, {shared}"
