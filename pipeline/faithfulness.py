"""Faithfulness: does the score fall as the superpixels said to matter are taken away, and rise as they are shown?

Deletion and insertion curves of Petsiuk, Das and Saenko, "RISE", BMVC 2018, section 4.2, over superpixels.
"""

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.bool_]

STEPS = 32  # of a curve, or one for each superpixel if there are fewer


def steps(k: int) -> NDArray[np.intp]:
    """How many superpixels are changed at each point of a curve over k of them, from 0 to k."""
    return np.linspace(0, k, min(STEPS, k) + 1).round().astype(np.intp)


def deletion(order: NDArray[np.intp]) -> Masks:
    """Masks of a deletion curve, bool [m + 1, k]: the first of the order are off, more and more, at last all.

    Examples
    --------
    >>> deletion(np.array([1, 0])).astype(int)
    array([[1, 1],
           [1, 0],
           [0, 0]])
    """
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return np.asarray(rank[None, :] >= steps(len(order))[:, None])


def insertion(order: NDArray[np.intp]) -> Masks:
    """Masks of an insertion curve, bool [m + 1, k]: the first of the order are on, more and more, at last all."""
    return ~deletion(order)


def area(curve: NDArray[np.floating], k: int) -> float:
    """Area under a curve of scores, [m + 1], over the share of k superpixels changed: its mean height."""
    return float(np.trapezoid(curve, steps(k) / k))


def heaviest_first(weights: NDArray[np.floating]) -> NDArray[np.intp]:
    """The order of a curve: the superpixel that speaks most for the label first, the one most against it last."""
    return np.argsort(-weights, kind="stable")


def at_random(k: int, seed: int) -> NDArray[np.intp]:
    """An order that knows nothing, for comparison."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, k, STEPS])))
    return generator.permutation(k)
