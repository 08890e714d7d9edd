"""Rules: a set of superpixels that, kept, keeps the answer whatever else is hidden."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any, Self

from pipeline.answer.nulls import from_null

ANCHOR, EMPTY, NONE, UNDECIDED = "anchor", "empty", "none", "undecided"


@dataclass(frozen=True, slots=True)
class Rule:
    """A set of superpixels that, kept, keeps the answer whatever else is hidden.

    Attributes
    ----------
    superpixels : tuple of int
    precision, low, high : 0..1
        The share of perturbed pictures with these superpixels kept that keep the answer, and its bounds.
    outcome : str
        `anchor`; `empty`, where the answer is kept whatever is hidden; `none`, where no set that is small enough keeps
        it; or `undecided`, where too little was asked to tell, and the set is the best guess.
    area : 0..1
        The share of the canvas that these superpixels cover.
    """

    superpixels: tuple[int, ...]
    precision: float
    low: float
    high: float
    outcome: str
    area: float = nan

    @property
    def size(self) -> int:
        """How many superpixels it has."""
        return len(self.superpixels)

    @property
    def sentence(self) -> str:
        """What it says, in words.

        Examples
        --------
        >>> print(Rule((3, 9), 0.99, 0.956, 1.0, "anchor", 0.05).sentence)
        Keeping 2 superpixels, 5 % of the picture, keeps the answer in 99.0 % of pictures (95.6 to 100.0 %).
        """
        bounds = f"({100 * self.low:.1f} to {100 * self.high:.1f} %)"
        share = f"{100 * self.precision:.1f} % of pictures {bounds}"
        these = f"{self.size} superpixel{'' if self.size == 1 else 's'}, {100 * self.area:.0f} % of the picture,"
        if self.outcome == ANCHOR:
            return f"Keeping {these} keeps the answer in {share}."
        if self.outcome == EMPTY:
            return f"The answer stays whatever is hidden, in {share}: no part of the picture is needed by itself."
        if self.outcome == NONE:
            return "No few superpixels keep the answer by themselves."
        return f"Undecided, no rule was proved: keeping {these} the best guess, kept the answer in {share}."

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The rule whose JSON object this is."""
        return cls(**{**from_null(value), "superpixels": tuple(value["superpixels"])})
