"""The condition under which a photograph is explained: what the model's score of its prediction has to be."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

_FORM = re.compile(r"\s*score\s*(<=|>=|<|>)\s*([01](?:\.\d{1,9})?|\.\d{1,9})\s*")
_IS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of the score of the most probable label with a number."""

    sign: str
    score: float

    @classmethod
    def of(cls, text: str) -> "Condition":
        """The condition in a text, as `score<0.8`. Raises ValueError."""
        found = _FORM.fullmatch(text)
        if found is None or float(found[2]) > 1:
            raise ValueError(f"when is {text[:40]!r}, expected score, one of < <= > >=, and a number from 0 to 1")
        return cls(found[1], float(found[2]))

    def holds(self, score: float) -> bool:
        """Whether it holds of a score, 0..1."""
        return _IS[self.sign](score, self.score)
