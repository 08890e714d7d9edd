"""A row of the table: what is measured, against what, what it has to reach, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self


class NotHere(Exception):
    """The row cannot be measured on this machine; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    A module of this package that measures one has it, without a value, as `ROW`, and a function
    `measure(quick: bool) -> Row` that returns `ROW.measured(...)` or raises NotHere. With `quick` the sizes are so
    small that the figure means nothing and the way to it is still the same.

    Attributes
    ----------
    name : str
        Of the module, and on the command line.
    what, against : str
        In the words of the page.
    target : float
        What the value has to reach: from below where `at_least`, else from above.
    value : float or None
        The figure compared with the target; None if it was not measured.
    figures : mapping
        All that was measured on the way, as JSON.
    sentence : str
        What the figure means, or why there is none.
    """

    name: str
    what: str
    against: str
    target: float
    at_least: bool = True
    value: float | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    sentence: str = ""

    def measured(self, value: float, figures: Mapping[str, Any], sentence: str) -> Self:
        """The row with what came of it."""
        return replace(self, value=value, figures=dict(figures), sentence=sentence)

    def not_here(self, reason: str) -> Self:
        """The row that cannot be measured on this machine."""
        return replace(self, sentence=f"Not measured: {reason}.")

    @property
    def reached(self) -> bool | None:
        """Whether the value reaches the target; None if it was not measured."""
        if self.value is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    @property
    def goal(self) -> str:
        """The target in words."""
        return f"{'≥' if self.at_least else '≤'} {self.target:g}"
