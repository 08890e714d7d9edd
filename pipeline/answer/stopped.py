"""Stopped: why no more was asked, where an answer was asked for in rounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Any, Self

from pipeline.answer.nulls import from_null

PARTED, PRECISE, FUTILE, SPENT = "parted", "precise", "futile", "spent"


def strongest(top: int) -> str:
    """The superpixels that are on top, and the verb that follows.

    Examples
    --------
    >>> strongest(5), strongest(1)
    ('5 strongest superpixels are', 'strongest superpixel is')
    """
    return "strongest superpixel is" if top == 1 else f"{top} strongest superpixels are"


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why no more seeds were asked for a label; see `pipeline.methods.stopping`.

    Attributes
    ----------
    why : str
        `parted`, the strongest superpixels are told from the next; `precise`, the weights are known as closely as was
        asked; `futile`, more seeds would hardly part them; or `spent`, there were no more seeds.
    top : int or None
        How many superpixels are the strongest; None where the rule is of the errors alone, or where all seeds were
        asked and what is left open is the size of the weights alone.
    chance : 0..1
        Predicted, that all seeds together would have parted them; NaN where it was not asked.
    """

    why: str
    top: int | None = None
    chance: float = nan

    @property
    def open(self) -> bool:
        """Whether it is left open which superpixels are the strongest, or how large the weights are."""
        return self.why in {FUTILE, SPENT}

    @property
    def sentence(self) -> str:
        """What it means, in words.

        Examples
        --------
        >>> print(Stopped("parted", 5).sentence)
        Enough seeds were asked: the 5 strongest superpixels are told from the next.
        >>> print(Stopped("futile", 5, 0.04).sentence)
        Which superpixels are the 5 strongest is open: more seeds would hardly have settled it (chance 4 %).
        """
        if self.why == PARTED and self.top:
            # Perhaps after the last seed there was, as for another label more were asked.
            return f"Enough seeds were asked: the {strongest(self.top)} told from the next."
        if self.why == PRECISE:
            return "Enough seeds were asked: the weights are known as closely as was asked for."
        if self.top is None:
            return "All seeds were asked, and the weights are not known as closely as was asked for."
        which = "superpixel is the" if self.top == 1 else f"superpixels are the {self.top}"
        unsettled = f"Which {which} strongest is open:"
        if self.why == FUTILE:
            chance = "under 1 %" if self.chance < 0.01 else f"{100 * self.chance:.0f} %"
            return f"{unsettled} more seeds would hardly have settled it (chance {chance})."
        return f"{unsettled} all seeds were asked and did not settle it."

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The end whose JSON object this is."""
        return cls(**{**value, "chance": from_null(value["chance"])})
