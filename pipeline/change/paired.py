"""Paired: do the differences of paired rows have a mean other than zero?"""

import math

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float64]


def p_value(differences: Array) -> float:
    """Probability that the mean of paired differences lies so far from zero if their true mean is zero.

    n |mean|² / tr S against F with v and v (n - 1) degrees of freedom, S the covariance of the n differences (Box 1954,
    Ann. Math. Stat. 25): v says in how many directions they scatter alike, see `directions`. For rows that are means of
    many answers, and so nearly normal; there may be more columns than rows.

    Parameters
    ----------
    differences : float64 [n, p]
        n >= 3: two do not show in how many directions they scatter.

    Returns
    -------
    float in 0..1; where the differences do not scatter at all 0, or 1 if they are zero.
    """
    n, mean = len(differences), differences.mean(axis=0)
    products = _products(differences)
    spread = float(np.trace(products))
    if spread == 0:
        return 0.0 if mean.any() else 1.0
    v = directions(differences)
    return float(scipy.special.fdtrc(v, v * (n - 1), n * (mean @ mean) / spread))


def directions(differences: Array) -> float:
    """In how many directions rows scatter alike: tr(S)² / tr(S²) for their true covariance S, estimated; 1..p.

    The mean of the plain ratio, which is at most n - 1 however many directions there are, and of that of the traces of
    Bai and Saranadasa (1996, Statistica Sinica 6), unbiased under normality, which errs upwards as often as downwards:
    each time it does so a false alarm is cheap. Their mean is Stevens' for the corrections of Greenhouse and Geisser
    (1959) and Huynh and Feldt (1976), which these two are.

    Parameters
    ----------
    differences : float64 [n, p]
        n >= 3, not all alike.
    """
    n, p = differences.shape
    products = _products(differences)
    plain = float(np.trace(products) ** 2 / (products**2).sum())
    rest = n - 1 - plain  # zero where the n - 1 directions that the rows span scatter exactly alike
    unbiased = (n * plain - 2) / rest if rest > 0 else math.inf
    return float((plain + min(unbiased, p)) / 2)


def _products(rows: Array) -> Array:
    """Inner products of the centred rows over n - 1, [n, n]: their traces are those of the covariance [p, p]."""
    centred = rows - rows.mean(axis=0)
    return np.asarray(centred @ centred.T / (len(rows) - 1))
