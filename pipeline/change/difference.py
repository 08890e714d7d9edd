"""Difference: how far apart two attributions of one photograph lie, and is it more than their seeds make of it?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.change import paired, permutation
from pipeline.change.criteria import FALSE_ALARMS
from pipeline.judge.stability import NEGLIGIBLE

Array = NDArray[np.float64]

FEWEST_PAIRS = 3  # seeds in common: two do not show in how many directions they scatter


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """An attribution with its replicates, over p places.

    Attributes
    ----------
    pooled : float64 [p]
    by_seed : float64 [s, p]
    seeds : sequence of s numbers
        That of each row.
    """

    pooled: Array
    by_seed: Array
    seeds: Sequence[int]

    def scaled(self) -> Self:
        """With all weights over the length of the pooled ones: how sure the model is has a figure of its own.

        One length for all seeds: noise makes each seed's row longer, so that rows of length 1 would point the less
        surely where there is more of it, and models that differ in noise alone would seem to differ.
        """
        length = float(np.linalg.norm(self.pooled)) or 1.0
        return replace(self, pooled=self.pooled / length, by_seed=self.by_seed / length)

    def at(self, seeds: Sequence[int]) -> Array:
        """The rows of these seeds, in their order."""
        places = {seed: row for row, seed in enumerate(self.seeds)}
        return self.by_seed[[places[seed] for seed in seeds]]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far apart, and how far by the seeds alone; NaN and None where nothing can be said.

    Attributes
    ----------
    distance : 0..2
        Between the pooled attributions, each over its length: sqrt(2 - 2 cos) of the angle between them. Where only
        some seeds are pairs, between the means of those, lest what the others make of it pass for a large change.
    noise : 0 or more
        The root of what the distance would be, squared, by the seeds alone: for seeds in common by the scatter of their
        differences.
    p_value : 0..1
        Probability of such a difference by the seeds alone.
    test : "paired", "permutation" or None
        See `pipeline.change.paired` and `pipeline.change.permutation`.
    """

    distance: float
    noise: float
    p_value: float
    test: str | None


def differ(before: Replicates, after: Replicates) -> Difference:
    """The difference of two attributions over the same places.

    The same seed puts the same masks to both models, and what they make of the masks' choice is largely common to both:
    the differences of such pairs are tested where there are at least `FEWEST_PAIRS`. Else the rows of both are dealt
    anew, which is too strict where a few are pairs and never too lenient.
    """
    found, (first, second) = apart(before, after), (before.scaled(), after.scaled())
    if not all(np.isfinite(one.by_seed).all() for one in (first, second)):
        return found
    common = [seed for seed in first.seeds if seed in second.seeds]
    if len(common) >= FEWEST_PAIRS:
        differences = first.at(common) - second.at(common)
        every = set(first.seeds) == set(second.seeds)
        distance = found.distance if every else float(np.linalg.norm(differences.mean(axis=0)))
        p = 1.0 if distance < NEGLIGIBLE else paired.p_value(differences)
        return Difference(distance, math.sqrt(_variance(differences)), p, "paired")
    if permutation.smallest_p(len(first.by_seed), len(second.by_seed)) > FALSE_ALARMS:
        return found
    p = 1.0 if found.distance < NEGLIGIBLE else permutation.p_value(first.by_seed, second.by_seed)
    return replace(found, p_value=p, test="permutation")


def apart(before: Replicates, after: Replicates) -> Difference:
    """The distance and what it would be by seeds that have nothing in common, without a test."""
    first, second = before.scaled(), after.scaled()
    distance = float(np.linalg.norm(first.pooled - second.pooled))
    noise = math.sqrt(_variance(first.by_seed) + _variance(second.by_seed))
    return Difference(distance, noise, math.nan, None)


def _variance(rows: Array) -> float:
    """Of the rows' mean, summed over places; NaN for fewer than two."""
    return float(rows.var(axis=0, ddof=1).sum() / len(rows)) if len(rows) > 1 else math.nan
