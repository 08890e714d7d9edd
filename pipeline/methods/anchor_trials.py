"""Trials: sets of superpixels that are put to the test, and all that was seen on the way.

A set A is tried on rows of the law D(z | A), its superpixels on and each other on with probability 1/2, that are drawn
once the set has been chosen: only those count in its bounds. Rows drawn for a part of it that happen to have all of it
on are of the same law. They are known for nothing and serve to choose what to try next; but what was chosen by some
rows cannot be proved by them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from pipeline.methods.anchor_options import Options
from pipeline.methods.anchor_rows import Seen, Set, pooled
from pipeline.methods.precision import bounds, confidence, divergence, rows

FEW = 16  # known rows of a set below which its precision is anybody's guess
PATIENCE = 3  # times the rows that prove a set that never fails: what promises to take more is given up
LUCK = 0.5  # nats: a set may be better than its rows by one standard error


@dataclass(frozen=True, slots=True)
class Ask:
    """Rows to be shown.

    Attributes
    ----------
    on : Set
        They are of the law D(z | on).
    n : int
    proves : bool
        Whether this is a look at a candidate, and not only meant to know more of it.
    seed : int or None
        Of rows of the recipe's design instead, which put the superpixels in order.
    """

    on: Set
    n: int
    proves: bool = True
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate: its number in the order in which they were chosen, from 1, and what its own rows say."""

    on: Set
    number: int
    looks: int
    successes: int
    n: int

    def bounds(self, delta: float) -> tuple[float, float]:
        """Of its precision; either is wrong for any candidate at any look with a chance of at most delta."""
        return bounds(self.successes, self.n, confidence(self.number, self.looks, delta))


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """A search as far as it has come: the candidates, in order, and all rows seen.

    Attributes
    ----------
    shown : tuple of (Set, Seen)
        The rows that were drawn, and for which set.
    tried : tuple of Trial
    order : Set
        The superpixels, what helps most first; empty until that was asked.
    """

    options: Options
    k: int
    shown: tuple[tuple[Set, Seen], ...] = ()
    tried: tuple[Trial, ...] = ()
    order: tuple[int, ...] = ()

    @property
    def spent(self) -> int:
        """Rows shown, in all."""
        return sum(len(rows.kept) for _, rows in self.shown)

    @property
    def most(self) -> int:
        """The size of the largest set that is still a rule."""
        return int(self.options.largest * self.k)

    @property
    def disproved(self) -> bool:
        """Whether even the largest sets that are still a rule are below the threshold."""
        largest = [one for one in self.tried if len(one.on) == self.most]
        return bool(largest) and all(one.bounds(self.options.delta)[1] < self.options.threshold for one in largest)

    @property
    def proved(self) -> list[Trial]:
        """The candidates whose precision is above the threshold, the best first: the fewest superpixels."""
        held = [(one.bounds(self.options.delta)[0], one) for one in self.tried]
        kept = [(len(one.on), -low, one.number, one) for low, one in held if low >= self.options.threshold]
        return [one for *_, one in sorted(kept, key=lambda told: told[:3])]

    def known(self, on: Set) -> Seen:
        """All rows of the law D(z | on), whatever set they were drawn for."""
        return pooled([rows.having(on) for drawn_for, rows in self.shown if set(drawn_for) <= set(on)])

    def _tally(self, on: Set) -> tuple[int, int]:
        """How many of these rows keep the answer, and how many there are."""
        kept = [rows.kept[rows.masks[:, list(on)].all(axis=1)] for part, rows in self.shown if set(part) <= set(on)]
        return sum(int(one.sum()) for one in kept), sum(map(len, kept))

    def trial(self, on: Set) -> Trial | None:
        """The candidate of these superpixels."""
        return next((one for one in self.tried if one.on == on), None)

    def looks_at(self, sets: Iterable[Set]) -> list[Ask]:
        """The next look at each of some candidates, old or new."""
        asks, number = [], len(self.tried)
        for on in sets:
            before = self.trial(on)
            number += before is None
            place, looks = (before.number, before.looks) if before else (number, 0)
            total, had = (rows(place, look, self.options.threshold, self.options.delta) for look in (looks + 1, looks))
            asks.append(Ask(on, total - had))
        return asks

    def hopeless(self, on: Set) -> bool:
        """Whether it is no use to look at a set (again): by all rows seen, its own or not, it would hardly be proved,
        or one that holds it."""
        wider = {drawn_for for drawn_for, _ in self.shown if set(on) <= set(drawn_for)} | {on}
        return any(self._hopeless(one) for one in wider)

    def ordered(self, found: Seen) -> Self:
        """The search with rows of a design that tells which superpixels help."""
        order = tuple(np.argsort(-found.effects(), kind="stable").tolist())
        return replace(self, shown=(*self.shown, ((), found)), order=order)

    def after(self, ask: Ask, found: Seen) -> Self:
        """The search with the rows that an ask brought."""
        more = replace(self, shown=(*self.shown, (ask.on, found)))
        return replace(more, tried=self._tried(ask, found)) if ask.proves else more

    def _tried(self, ask: Ask, found: Seen) -> tuple[Trial, ...]:
        old = self.trial(ask.on) or Trial(ask.on, len(self.tried) + 1, 0, 0, 0)
        new = replace(
            old, looks=old.looks + 1, successes=old.successes + int(found.kept.sum()), n=old.n + len(found.kept)
        )
        return tuple(sorted({**{one.on: one for one in self.tried}, new.on: new}.values(), key=lambda one: one.number))

    def _hopeless(self, on: Set) -> bool:
        kept, n = self._tally(on)
        if n < FEW or self.trial(on) in self.proved:
            return False
        share = bounds(kept, n, LUCK)[1]
        threshold = self.options.threshold
        return share <= threshold or PATIENCE * divergence(share, threshold) < -math.log(threshold)
