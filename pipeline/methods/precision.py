"""Precision: how sure one is of a share of successes that is looked at again and again.

A gambler who bets on every trial, at odds that are fair if the bias is q, ever multiplies the stake by x with a chance
of at most 1 / x (Ville 1939). So each q against which the stake has grown that much is ruled out, whenever one looks
and whatever made one look: looking often costs nothing. Stakes are spread over all biases beforehand (Robbins 1970,
"Statistical methods related to the law of the iterated logarithm"), and the bounds that follow are those of KL-LUCB
(Kaufmann and Kalyanakrishnan, "Information complexity in bandit subset selection", COLT 2013, section 3), with what the
spread stake lost by not knowing the bias added to the confidence.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

FIRST = 0.6  # of delta, for the first candidate: it keeps nothing, and so is the one that costs least to prove
HOPED = 4  # stakes expect this many times fewer failures than are allowed: what is hardly good enough is not sought
STEPS = 60  # of bisection: to the last bit


def divergence(p: float, q: float) -> float:
    """Kullback-Leibler divergence of a coin of bias p from one of bias q, in nats.

    Examples
    --------
    >>> divergence(0.5, 0.5), round(divergence(1.0, 0.95), 6), divergence(0.5, 1.0)
    (0.0, 0.051293, inf)
    """
    told = 0.0
    for share, other in ((p, q), (1 - p, 1 - q)):
        if share > 0:
            told += share * math.log(share / other) if other > 0 else math.inf
    return max(told, 0.0)


@lru_cache(maxsize=4096)  # no state: a search is gone through again at each of its steps
def bounds(successes: int, n: int, confidence: float) -> tuple[float, float]:
    """The least and the largest bias q with n · kl(successes / n, q) ≤ confidence.

    Parameters
    ----------
    successes, n : int
        Of independent trials of one bias; n is at least 1.
    confidence : float
        In nats: at a single look each bound is beyond the true bias with a chance of at most exp(-confidence).

    Examples
    --------
    >>> [round(one, 4) for one in bounds(60, 60, 3.0)]
    [0.9512, 1.0]
    """
    seen, most = successes / n, confidence / n
    return _edge(seen, 0.0, most), _edge(seen, 1.0, most)


def part(place: int) -> float:
    """The share of delta of the candidate at this place, counted from 1: together they are all of it.

    Raises
    ------
    ValueError
        If the place is below 1.
    """
    if place < 1:
        raise ValueError(f"place is {place}, expected at least 1")
    return FIRST if place == 1 else (1 - FIRST) / (place * (place - 1))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of a bias that hold at all numbers of trials at once.

    Attributes
    ----------
    threshold : 0..1
        What the bias is to be above: the lower bound is tight for one that is well above.
    chance : 0..1
        Of each of the two ever being beyond the true bias, at most.
    """

    threshold: float
    chance: float

    def at(self, successes: int, n: int) -> tuple[float, float]:
        """The lower and the upper one after so many trials, n at least 1.

        Examples
        --------
        >>> [round(one, 4) for one in Bounds(0.95, 0.05).at(80, 80)]
        [0.9549, 1.0]
        """
        sure = -math.log(self.chance)
        low, _ = bounds(successes, n, sure + _lost(successes, n, self._hoped))
        _, high = bounds(successes, n, sure + _lost(successes, n, 1.0))
        return low, high

    def proving(self, failures: int) -> int:
        """The least number of trials, with so many failures, after which the lower bound is at the threshold.

        Examples
        --------
        >>> [Bounds(0.95, 0.05).proving(failures) for failures in range(3)]
        [71, 123, 167]
        """
        return _proving(failures, self)

    def nats_left(self, successes: int, n: int) -> float:
        """What the stake against the threshold still has to grow by; less than 0 where it has been enough."""
        if n == 0:
            return -math.log(self.chance)
        grown = divergence(successes / n, self.threshold) * n - _lost(successes, n, self._hoped)
        return -math.log(self.chance) - (grown if successes / n > self.threshold else 0)

    @property
    def _hoped(self) -> float:
        return HOPED / (1 - self.threshold)


@lru_cache(maxsize=4096)
def _proving(failures: int, sought: Bounds) -> int:
    low, enough = failures, failures + 1
    while sought.at(enough - failures, enough)[0] < sought.threshold:
        low, enough = enough, 2 * enough
    while enough - low > 1:
        middle = (low + enough) // 2
        proves = sought.at(middle - failures, middle)[0] >= sought.threshold
        low, enough = (low, middle) if proves else (middle, enough)
    return enough


def _lost(successes: int, n: int, hoped: float) -> float:
    """Nats by which a stake spread over all biases as Beta(hoped, 1) is behind one put on the share that was seen."""
    failures = n - successes
    spread = math.log(hoped) + math.lgamma(hoped + successes) + math.lgamma(1 + failures) - math.lgamma(hoped + 1 + n)
    return sum(count * math.log(count / n) for count in (successes, failures) if count) - spread


def _edge(seen: float, end: float, most: float) -> float:
    """The bias between what was seen and this end of the range at which the divergence is `most`, from within."""
    if divergence(seen, end) <= most:
        return end
    inside, outside = seen, end
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if divergence(seen, middle) <= most else (inside, middle)
    return inside
