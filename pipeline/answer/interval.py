"""Intervals of means over photographs, of values within 0..1; the views of the database have the same formula."""

from math import sqrt

import scipy

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution


def wilson(share: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share of n, within 0..1.

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson(1.0, 1)]  # one photograph says next to nothing
    [0.207, 1.0]
    """
    squared = z**2 / n
    center, half = share + squared / 2, sqrt(squared * (max(share * (1 - share), 0) + squared / 4))
    return max((center - half) / (1 + squared), 0.0), min((center + half) / (1 + squared), 1.0)


def of_mean(mean: float, squares: float, n: int, groups: int | None = None) -> tuple[float, float]:
    """The 95 % interval of a mean: Wilson's, with as many photographs as zeros and ones would take to tell as much.

    Zeros and ones vary by m(1 - m) about their mean; what varies less tells more. How much less, from none (zeros and
    ones, or all at one end) to wholly (all alike), is also how far the ends of the range were not seen: half a row at
    each (Jeffreys' prior for a share), but no more than all figures come to from the nearer end, stands for them in
    that measure, and Student's t takes the place of z. Of zeros and ones it is Wilson's interval itself.
    `python -m benchmarks.reliance` measures what it covers.

    Parameters
    ----------
    mean : 0..1
    squares : float
        Sum over groups of the squared sums of their deviations from the mean: of squared deviations where each
        photograph is a group of its own.
    n, groups : int
        Photographs, two or more, and groups of photographs that are alike.

    Examples
    --------
    >>> [round(bound, 2) for bound in of_mean(0.5, 24 * 0.25, 24)]  # half zeros, half ones
    [0.31, 0.69]
    >>> [round(bound, 2) for bound in of_mean(0.5, 24 * 0.01, 24)]  # all within 0.4 and 0.6
    [0.44, 0.56]
    """
    mean = round(mean, 12)  # one that sums leave beside an end of the range is at that end
    spread = n * mean * (1 - mean)
    less = max(1 - squares / spread, 0.0) if spread > 0 else 0.0
    unseen = min(less / 2, n * mean, n * (1 - mean))
    rows = n + 2 * unseen
    center = (n * mean + unseen) / rows
    around = squares + n * (mean - center) ** 2 + unseen * (center**2 + (1 - center) ** 2)
    told = rows**2 * center * (1 - center) / around if spread > 0 else n
    student = float(scipy.special.stdtrit((groups or n) - 1, 0.975)) if less else Z95
    return wilson(center, told, Z95 + less * (student - Z95))
