"""The tally: what an archive's explanations have in common, counted as they go by."""

from collections import Counter
from dataclasses import dataclass, field

from polelens.report.views import ExplanationView, Figures
from polelens.report.words import known

BINS = 20


@dataclass(slots=True)
class Histogram:
    """Counts of a figure between 0 and 1, in equal bins; what is below 0 counts with the lowest."""

    title: str
    low: str
    high: str
    figure: str
    bins: list[int] = field(default_factory=lambda: [0] * BINS)
    total: float = 0.0

    def add(self, figures: Figures) -> None:
        """Count one explanation's figure, if it has one."""
        value = known(getattr(figures, self.figure))
        if value is not None:
            self.bins[min(BINS - 1, max(0, int(value * BINS)))] += 1
            self.total += value

    @property
    def count(self) -> int:
        """How many explanations have this figure."""
        return sum(self.bins)

    @property
    def mean(self) -> float:
        """The mean of the figure."""
        return self.total / self.count


@dataclass(slots=True)
class Tally:
    """Counts over all explanations of an audit, in memory that does not grow with their number.

    Those of one photograph come one after another. What is predicted counts once for each photograph, however many
    labels of it are explained; `count` and the histograms are of explanations.
    """

    count: int = 0
    photographs: int = 0
    predicted: Counter[str] = field(default_factory=Counter)
    labelled: int = 0
    correct: int = 0
    last: str = ""  # the photograph counted last
    histograms: list[Histogram] = field(
        default_factory=lambda: [
            Histogram("Evidence on the object", "all on the background", "all on the object", "mask_share"),
            Histogram("Reliance on the background", "none", "all", "background_reliance"),
            Histogram("Agreement of the seeds", "none", "the same ranking", "spearman"),
            Histogram("Fit of the surrogate, held out", "none", "exact", "r2_held_out"),
        ]
    )

    def add(self, explanation: ExplanationView) -> None:
        """Count one explanation."""
        self.count += 1
        if explanation.sha256 != self.last:
            self.last = explanation.sha256
            self._answered(explanation)
        for histogram in self.histograms:
            histogram.add(explanation.figures)

    def _answered(self, explanation: ExplanationView) -> None:
        """Count what the model says of a photograph."""
        self.photographs += 1
        self.predicted[explanation.predicted] += 1
        if explanation.label is not None and explanation.label_known:  # what the model lacks makes no answer wrong
            self.labelled += 1
            self.correct += explanation.label == explanation.predicted
