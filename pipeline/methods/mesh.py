"""A mesh: the parts into which the way from the fill to the photograph is cut, so that a gradient in each is enough.

Parts all alike waste gradients. What a network sees in a photograph it sees in a pale one, so that from a tenth of the
way to a fifth as much changes as from a fifth to two; and where the score is near 0 or 1 nothing moves it. Bhat and
Raychowdhury, "Non-uniform interpolation in integrated gradients for low-latency explainable-AI", 2023, look by forward
passes for where the score changes; but gradients turn, too, where it rests halfway, and the scores at the two ends of
the way, which are known, tell as much.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Mesh = Literal["uniform", "graded"]
Array = NDArray[np.float64]

EVEN = 0.1  # of the parts' density, for a score that does not go straight from where it begins to where it ends
NEAR = 0.02  # of the way, within which the photograph is as good as the fill: density has to end somewhere
CELLS = 1024  # in which densities are added up
DECIMALS = 5  # of where parts end: what another processor rounds otherwise asks no other gradients
MIDDLE = ((np.arange(CELLS) + 0.5) / CELLS)[:, None]  # of each cell, float64 [cells, 1]


def check_mesh(value: object) -> None:
    """Refuse what is no mesh. Raises ValueError."""
    if value not in get_args(Mesh):
        raise ValueError(f"mesh is {value!r}, expected {' or '.join(get_args(Mesh))}")


def graded(start: Array, end: Array, parts: int) -> tuple[float, ...]:
    """Where the parts of the way end, from 0 to 1, `parts` + 1 places: short ones where gradients change most.

    The gradient of a probability p is p (1 - p) times that of its logit, and p is taken to go straight; with contrast a
    logit moves as the logarithm of how far the way is gone, a. Gradients then wander in proportion to s = p (1 - p) / a
    and the midpoint rule, whose error in a part of length w varies as s^2 w^3, errs least with w as s^(-2/3).

    Parameters
    ----------
    start, end : float64 [c]
        The scores of the labels explained where the way begins and where it ends. Each label counts alike.

    Examples
    --------
    >>> graded(np.array([0.0]), np.array([0.5]), 4)
    (0.0, 0.23963, 0.46968, 0.71913, 1.0)
    """
    scores = np.clip(start + (end - start) * MIDDLE, 0, 1)  # [cells, c]
    density = (scores * (1 - scores) / (MIDDLE + NEAR)) ** (2 / 3)
    means = density.mean(axis=0)
    by_label = np.divide(density, means, out=np.ones_like(density), where=means > 0)
    reached = np.cumsum((1 - EVEN) * by_label.mean(axis=1) + EVEN) / CELLS
    places = np.interp(np.linspace(0, 1, parts + 1), [0, *reached], np.linspace(0, 1, CELLS + 1))
    return tuple(places.round(DECIMALS).tolist())
