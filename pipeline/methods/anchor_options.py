"""The options of anchors: what a rule has to keep, how sure one has to be of it, and what may be spent on it."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from pipeline.methods.asked import BASE_ROWS

STRATEGIES = ("prefix", "beam")
KEEPS = ("top", "score")
OPENING = 16  # rows of the first look, at the rule that keeps nothing: enough to see that it is none


@dataclass(frozen=True, slots=True)
class Options:
    """What `Recipe.options` may hold for anchors.

    Attributes
    ----------
    threshold : 0..1
        The precision that a rule has to have.
    delta : 0..1
        The chance, at most, that the precision of the rule given is below it.
    strategy : "prefix" or "beam"
        See `pipeline.methods.anchor_strategies`.
    keep : "top" or "score"
        What a rule has to keep: the label as the prediction, or its score above a share of the photograph's. The latter
        is for labels that do not exclude each other, and for predictions by a narrow margin.
    share : 0..1
        Of the photograph's score, for `keep: score`.
    beam : int
        Sets that go on from each size to the next, for `strategy: beam`.
    budget : int
        Evaluations for a label, at most.
    rounds : int
        Probes for a photograph, at most.
    largest : 0..1
        The largest share of the superpixels that is still a rule: all of them together always are.

    Raises
    ------
    ValueError
        If a value is not what it should be, or an option is set that the others leave without an effect.
    """

    threshold: float = 0.95
    delta: float = 0.1
    strategy: Literal["prefix", "beam"] = "prefix"
    keep: Literal["top", "score"] = "top"
    share: float = 0.5
    beam: int = 2
    budget: int = 4096
    rounds: int = 12
    largest: float = 0.5

    def __post_init__(self) -> None:
        _one_of("strategy", self.strategy, STRATEGIES)
        _one_of("keep", self.keep, KEEPS)
        for name in ("threshold", "delta"):
            _between(name, getattr(self, name), "a number between 0 and 1", getattr(self, name) != 1)
        for name in ("share", "largest"):
            _between(name, getattr(self, name), "a share above 0 up to 1", True)
        for name, least in (("beam", 1), ("budget", 1), ("rounds", 3)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}")
        if self.budget < BASE_ROWS + OPENING:
            first = f"{BASE_ROWS + OPENING}, which the first look takes"
            raise ValueError(f"budget is {self.budget}, expected at least {first}")
        self._unused("share", "keep", "score")
        self._unused("beam", "strategy", "beam")

    def _unused(self, name: str, other: str, needed: str) -> None:
        """Refuse what would change the digest and no number."""
        plain = next(one.default for one in fields(self) if one.name == name)
        if getattr(self, other) != needed and getattr(self, name) != plain:
            raise ValueError(f"{name} is {getattr(self, name)!r}, which goes with {other}: {needed} only; leave it out")


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")


def _between(name: str, value: Any, expected: str, inside: bool) -> None:
    if type(value) not in (int, float) or not 0 < value <= 1 or not inside:
        raise ValueError(f"{name} is {value!r}, expected {expected}")
