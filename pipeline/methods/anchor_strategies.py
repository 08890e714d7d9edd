"""Strategies: which sets of superpixels to look at next. What proves a rule is the same for both.

`prefix` takes the superpixels in the order in which they help, looks for the shortest prefix that holds, by doubling
and then halving, and then for superpixels of it that can be left out. It finds a rule of a dozen superpixels in a few
rounds. `beam` is the search of Ribeiro, Singh and Guestrin, "Anchors", AAAI 2018, section 4: from the best sets of one
size to the best of the next. It takes a round for each superpixel, and finds what helps only beside others.

A strategy that has no more to look at gives nothing.
"""

from collections.abc import Callable, Mapping

from pipeline.methods.anchor_rows import Set
from pipeline.methods.anchor_trials import FEW, Ask, Trials


def beam(trials: Trials) -> list[Ask]:
    """Another look at sets of the size reached that may yet hold, else the best sets of the next size."""
    if trials.proved:
        return []
    size = max(len(one.on) for one in trials.tried)
    reached = [one.on for one in trials.tried if len(one.on) == size]
    if again := [on for on in reached if not trials.hopeless(on)]:
        return trials.looks_at(again)
    if size >= trials.most:
        return []
    return trials.looks_at(_extended(trials, reached)[: trials.options.beam])


def prefix(trials: Trials) -> list[Ask]:
    """A look at a prefix of the order, or at the rule found without one of its superpixels."""
    held = [len(one.on) for one in trials.proved if one.on == _prefix(trials, len(one.on))]
    length = _between(trials, min(held)) if held else _doubled(trials)
    if length is not None:
        return trials.looks_at([_prefix(trials, length)])
    return _dropped(trials) if held else []


STRATEGIES: Mapping[str, Callable[[Trials], list[Ask]]] = {"prefix": prefix, "beam": beam}


def _extended(trials: Trials, parents: list[Set]) -> list[Set]:
    """The sets of one superpixel more than the parents, the nearest to keeping the answer first."""
    nearness: dict[Set, float] = {}
    for parent in parents:
        with_each = trials.known(parent).nearness_with()
        for other in set(range(trials.k)) - set(parent):
            nearness[tuple(sorted({*parent, other}))] = float(with_each[other])
    return sorted(nearness, key=lambda on: (-nearness[on], on))


def _prefix(trials: Trials, length: int) -> Set:
    return tuple(sorted(trials.order[:length]))


def _doubled(trials: Trials) -> int | None:
    """The first of the lengths 0, 1, 2, 4 … that is not hopeless; at last the longest, for the record."""
    length = 0
    while trials.hopeless(_prefix(trials, length)):
        if length >= trials.most:
            return None if trials.trial(_prefix(trials, length)) else length
        length = min(2 * length or 1, trials.most)
    return length


def _between(trials: Trials, held: int) -> int | None:
    """The middle of the lengths between the longest that is hopeless and this one that holds."""
    low = -1
    while held - low > 1:
        middle = max((low + held) // 2, 0)
        if not trials.hopeless(_prefix(trials, middle)):
            return middle
        low = middle
    return None


def _dropped(trials: Trials) -> list[Ask]:
    """A look at the best rule without the superpixel that is missed least; first a few rows without each."""
    rule = trials.proved[0].on
    less = [tuple(one for one in rule if one != other) for other in rule]
    less = [on for on in less if not trials.hopeless(on)]
    unknown = [Ask(on, FEW, proves=False) for on in less if len(trials.known(on).kept) < FEW]
    if unknown:
        return unknown
    missed = sorted(less, key=lambda on: (-trials.known(on).nearness.mean(), on))
    return trials.looks_at(missed[:1])
