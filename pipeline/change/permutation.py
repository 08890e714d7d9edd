"""Permutation: do two groups of rows differ by more than rows of one do, and which of many tests may be believed?"""

from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

EXACT = 50_000  # relabelings gone through one by one: nine rows against nine have 48,620
DRAWN = 9_999  # of them, where there are more
ROUNDING = 1e-9  # of the largest statistic: the same sum in another order


def p_value(first: Array, second: Array) -> float:
    """Probability that two groups of rows differ so much if the same source made both.

    The statistic is the squared distance between the groups' means, which orders relabelings as the pseudo-F of
    PERMANOVA with Euclidean distances does: distances between the groups against those within (Anderson 2001, Austral
    Ecology 26). Under the null the rows are exchangeable, so that p is at most alpha in a share alpha of cases at most,
    whatever their distribution and however many columns.

    Parameters
    ----------
    first, second : float64 [s, p] and [t, p]

    Returns
    -------
    float in 0..1, at least one over the number of relabelings.
    """
    rows = np.concatenate([first, second])
    contrasts = _contrasts(len(first), len(second))
    squares = np.einsum("rn,rn->r", contrasts @ (rows @ rows.T), contrasts)
    return float(np.mean(squares >= squares[0] - ROUNDING * squares.max()))


def smallest_p(first: int, second: int) -> float:
    """The smallest p-value that so many rows against so many can have.

    Examples
    --------
    >>> round(smallest_p(4, 4), 3)
    0.029
    """
    ties = 2 if first == second else 1  # both groups exchanged is the same distance
    return max(ties / comb(first + second, first), 1 / (DRAWN + 1) if comb(first + second, first) > EXACT else 0)


def discoveries(p_values: ArrayLike, rate: float) -> float:
    """The largest p-value to believe, so that of those believed the expected false share is at most `rate`.

    Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57; 0 where none is to be believed. Where every null is true the
    probability of believing any is at most `rate`.

    Parameters
    ----------
    p_values : float [n]

    Examples
    --------
    >>> discoveries([0.001, 0.02, 0.03, 0.9], 0.05)
    0.03
    """
    ordered = np.sort(p_values)
    believed = ordered[ordered <= rate * np.arange(1, len(ordered) + 1) / max(len(ordered), 1)]
    return float(believed[-1]) if len(believed) else 0.0


@lru_cache(maxsize=4)
def _contrasts(first: int, second: int) -> Array:
    """A row for each relabeling, 1/first for the first group and -1/second for the other; the given one comes first."""
    n = first + second
    if comb(n, first) <= EXACT:
        chosen = np.array(list(combinations(range(n), first)))
    else:
        generator = np.random.Generator(np.random.Philox([first, second]))
        drawn = generator.permuted(np.tile(np.arange(n), (DRAWN, 1)), axis=1)[:, :first]
        chosen = np.concatenate([np.arange(first)[None], drawn])
    contrasts = np.full((len(chosen), n), -1 / second)
    np.put_along_axis(contrasts, chosen, 1 / first, axis=1)
    contrasts.setflags(write=False)
    return contrasts
