"""Precision: how sure one is of a share of successes that is looked at again and again.

The bounds are Chernoff's in Kullback-Leibler form, as KL-LUCB has them: Kaufmann and Kalyanakrishnan, "Information
complexity in bandit subset selection", COLT 2013, section 3. Looking often is paid for: the chance of error that is
allowed in all is dealt to the looks beforehand, so that all of them hold at once.
"""

import math
from functools import lru_cache

# Of the chance allowed: what the first candidate gets, which keeps nothing and so is the one that costs least, and what
# each look leaves to all later ones at the same candidate.
FIRST, LATER = 0.8, 0.4
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
        In nats: each bound is beyond the true bias with a chance of at most exp(-confidence).

    Examples
    --------
    >>> [round(one, 4) for one in bounds(60, 60, 3.0)]
    [0.9512, 1.0]
    """
    seen, most = successes / n, confidence / n
    return _edge(seen, 0.0, most), _edge(seen, 1.0, most)


def confidence(candidate: int, look: int, delta: float) -> float:
    """Nats that a look has to be sure by: minus the logarithm of its part of delta.

    The parts of all looks at all candidates, both counted from 1, add up to delta. A candidate's looks are at numbers
    of rows that are fixed once it is a candidate, and its rows are drawn afterwards, so each part holds.

    Raises
    ------
    ValueError
        If a number is below 1.
    """
    if min(candidate, look) < 1:
        raise ValueError(f"candidate {candidate}, look {look}: both are counted from 1")
    its_own = FIRST if candidate == 1 else (1 - FIRST) / (candidate * (candidate - 1))
    return -math.log(delta * its_own * (1 - LATER)) - (look - 1) * math.log(LATER)


def rows(candidate: int, look: int, threshold: float, delta: float) -> int:
    """Rows that a candidate has been shown at this look, all in all; 0 at look 0.

    At the first as many as prove a precision above the threshold if all of them succeed, and at each further one twice
    as much of that: what failed once needs more.

    Examples
    --------
    >>> [rows(1, look, 0.95, 0.1) for look in range(4)]
    [0, 60, 156, 380]
    """
    if look == 0:
        return 0
    return math.ceil(confidence(candidate, look, delta) / -math.log(threshold)) << (look - 1)


def _edge(seen: float, end: float, most: float) -> float:
    """The bias between what was seen and this end of the range at which the divergence is `most`, from within."""
    if divergence(seen, end) <= most:
        return end
    inside, outside = seen, end
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if divergence(seen, middle) <= most else (inside, middle)
    return inside
