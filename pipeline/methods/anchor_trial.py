"""A trial: a set of superpixels that is put to the test, and what the rows that may prove it say."""

from dataclasses import dataclass, replace
from typing import Self

from pipeline.methods.anchor_options import Options
from pipeline.methods.anchor_rows import Seen, Set
from pipeline.methods.precision import Bounds, part


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate, the place of its part of delta, and how many of the rows that may prove it keep the answer."""

    on: Set
    place: int
    successes: int = 0
    n: int = 0

    def bounds(self, options: Options) -> tuple[float, float]:
        """Of its precision; for all candidates together either is ever wrong with a chance of at most delta."""
        return self._bounds(options).at(self.successes, self.n)

    def proved(self, options: Options) -> bool:
        """Whether its precision is at least the threshold."""
        return self.n > 0 and self.bounds(options)[0] >= options.threshold

    def next_look(self, options: Options) -> int:
        """Rows to be shown next: those that prove it if none fails; after a failure no more than there were before."""
        failures = self.n - self.successes
        needed = self._bounds(options).proving(failures) - self.n
        return min(needed, self.n) if failures else needed

    def nats_left(self, options: Options) -> float:
        """How much surer the rows have to be that its precision is at least the threshold."""
        return self._bounds(options).nats_left(self.successes, self.n)

    def with_rows(self, seen: Seen) -> Self:
        """With those of some rows that are of its law."""
        kept = seen.having(self.on).kept
        return replace(self, successes=self.successes + int(kept.sum()), n=self.n + len(kept))

    def _bounds(self, options: Options) -> Bounds:
        return Bounds(options.threshold, options.delta * part(self.place))
