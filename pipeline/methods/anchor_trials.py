"""Trials: sets of superpixels that are put to the test, and all that was seen on the way.

A set A is tried on rows of the law D(z | A), its superpixels on and each other on with probability 1/2, that are drawn
once the set has been chosen: only those count in its bounds. Rows drawn for a part of it that happen to have all of it
on are of the same law, and count as well if they were drawn afterwards. Earlier ones serve to choose what to try next;
but what was chosen by some rows cannot be proved by them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Self

import numpy as np

from pipeline.methods.anchor_options import Options
from pipeline.methods.anchor_rows import Seen, Set, pooled
from pipeline.methods.anchor_trial import Trial
from pipeline.methods.precision import bounds, divergence

FEW = 16  # known rows of a set below which its precision is anybody's guess
LUCK = 1.0  # nats: a set may be better than its rows by some 1.4 standard errors
# Times the rows that prove a set that never fails: what promises to take more is given up. The set that keeps nothing
# is given up last, for then the superpixels have to be put in order.
PATIENCE_EMPTY, PATIENCE = 4.5, 1.2


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
        return bool(largest) and all(one.bounds(self.options)[1] < self.options.threshold for one in largest)

    @property
    def proved(self) -> list[Trial]:
        """The candidates whose precision is above the threshold, the best first: the fewest superpixels."""
        held = [one for one in self.tried if one.proved(self.options)]
        return sorted(held, key=lambda one: (len(one.on), -one.bounds(self.options)[0]))

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
        return [Ask(one.on, one.next_look(self.options)) for one in self._named(sets)]

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
        """The search with the rows that an ask brought, which count for each candidate of whose law they are."""
        new = self._named([ask.on]) if ask.proves and not self.trial(ask.on) else []
        tried = tuple(
            one.with_rows(found) if set(ask.on) <= set(one.on) and not one.proved(self.options) else one
            for one in (*self.tried, *new)
        )
        return replace(self, shown=(*self.shown, (ask.on, found)), tried=tried)

    def _named(self, sets: Iterable[Set]) -> list[Trial]:
        """The candidates of these superpixels; a new one gets the next place, or that of one that was proved.

        A proved candidate has no more use for its part of delta: was it proved wrongly, then no further error counts,
        and else it cannot be one. So the part is handed on, once (Bretz, Maurer, Brannath and Posch 2009).
        """
        taken = [one.place for one in self.tried]
        free = [one.place for one in self.proved if taken.count(one.place) == 1]
        places = chain(free, count(max(taken, default=0) + 1))
        return [self.trial(on) or Trial(on, next(places)) for on in sets]

    def _hopeless(self, on: Set) -> bool:
        kept, n = self._tally(on)
        [trial] = self._named([on])
        if n < FEW or trial.proved(self.options):
            return False
        share, threshold = bounds(kept, n, LUCK)[1], self.options.threshold
        most = (PATIENCE if on else PATIENCE_EMPTY) * Trial(on, trial.place).next_look(self.options)
        return share <= threshold or trial.nats_left(self.options) > divergence(share, threshold) * most
