"""What is asked about: the labels that a recipe explains, and the whole photograph and bare fill that all need."""

from itertools import product
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from pipeline.conversation.probe import Listed
from pipeline.conversation.reading import Of
from pipeline.recipe import Recipe

BASE_ROWS = 2  # every probe of scores begins with the whole photograph and the bare fill
GRADIENT = 4  # evaluations that a gradient of one label costs: 3.4 to 3.9 on a CPU for EfficientNet-Lite0


def base(k: int) -> Listed:
    """The two rows with which a conversation begins, bool [2, k]."""
    return Listed.of(np.repeat([[True], [False]], k, axis=1))


def every(k: int) -> Listed:
    """Every mask of k superpixels there is, once, bool [2^k, k]."""
    return Listed.of(np.array(list(product([True, False], repeat=k))))


def chosen(recipe: Recipe, labels: tuple[str, ...], scores: NDArray[np.float32]) -> list[int]:
    """The columns of the labels explained, the most probable first.

    Parameters
    ----------
    labels : the model's, in the order of its columns
    scores : float32 [c]
        For the whole photograph.
    """
    wanted = recipe.labels
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    if wanted in ("top", "all"):
        return order[:1] if wanted == "top" else order
    names = [wanted] if isinstance(wanted, str) else wanted
    return [index for index in order if labels[index] in names]


def named(labels: tuple[str, ...], scores: NDArray[np.float32]) -> dict[str, float]:
    """A row of scores, float32 [c], by label."""
    return dict(zip(labels, scores.astype(float).tolist(), strict=True))


def check_of(value: object) -> None:
    """Refuse what a reading cannot be of. Raises ValueError."""
    if value not in get_args(Of):
        raise ValueError(f"of is {value!r}, expected {' or '.join(get_args(Of))}")
