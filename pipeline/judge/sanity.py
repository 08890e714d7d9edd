"""A sanity check: does a map of a model change when the model forgets what it learned?

Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018. A map that stays as it is shows the photograph, its
edges say, and nothing of the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from skimage import metrics

from pipeline.answer.nulls import to_null

Heat = NDArray[np.floating]

# Of the rank correlation with a network that learned nothing: its square is the share of the ranks' variance that the
# two maps have in common. From a half on, most of what the map shows does not come from what was learned.
USELESS = 0.5**0.5
WINDOW = 7  # pixels, of scikit-image's structural similarity


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two maps are.

    Attributes
    ----------
    rank : -1..1
        Spearman's correlation of the absolute values, as the paper's figure 4; 0 where one of the maps is constant.
    structure : -1..1
        Structural similarity of the absolute values, each map's largest taken as one.
    """

    rank: float
    structure: float


@dataclass(frozen=True, slots=True)
class Cascade:
    """The maps of one recipe, as the network is randomised from the top, beside its map of the network as it is.

    Attributes
    ----------
    recipe : str
    likeness : tuple of Likeness
        Over the photographs, the median at each depth.
    """

    recipe: str
    likeness: tuple[Likeness, ...]

    @property
    def useless(self) -> bool:
        """Whether the map of a network that learned nothing is much the same."""
        return self.likeness[-1].rank >= USELESS

    @property
    def sentence(self) -> str:
        """What that means, for a line inspector."""
        last = self.likeness[-1].rank
        if self.useless:
            return (
                f"{self.recipe} is useless for this model: its map is much the same ({last:.2f}) when the model has "
                "forgotten all it learned, so it shows the photograph and not the model"
            )
        return f"{self.recipe} shows the model: its map is another ({last:.2f}) when the model has forgotten all"

    def to_json(self) -> dict[str, Any]:
        """The recipe's part of `polelens models sanity --json`."""
        ranks, structures = ([getattr(one, name) for one in self.likeness] for name in ("rank", "structure"))
        told = {"recipe": self.recipe, "rank": ranks, "structure": structures, "useless": self.useless}
        return to_null(told | {"sentence": self.sentence})  # type: ignore[no-any-return]


def likeness(one: Heat, other: Heat) -> Likeness:
    """How alike two maps of a photograph are, float [h, w] each, whatever the signs.

    Examples
    --------
    >>> likeness(np.eye(8), -np.eye(8))
    Likeness(rank=1.0, structure=1.0)
    """
    first, second = (np.abs(np.asarray(heat, np.float64)) for heat in (one, other))
    flat = [heat.max() == heat.min() for heat in (first, second)]
    rank = 0.0 if any(flat) else float(scipy.stats.spearmanr(first.ravel(), second.ravel()).statistic)
    first, second = (heat / max(heat.max(), np.finfo(float).tiny) for heat in (first, second))
    structural_similarity: Callable[..., float] = metrics.structural_similarity
    window = min(WINDOW, *(length - 1 + length % 2 for length in first.shape))
    return Likeness(rank, float(structural_similarity(first, second, win_size=window, data_range=1.0)))


def cascade(recipe: str, own: Sequence[Heat], at_depths: Sequence[Sequence[Heat]]) -> Cascade:
    """The check of one recipe.

    Parameters
    ----------
    recipe : str
    own : sequence of float [h, w]
        The maps of the network as it is, a photograph each.
    at_depths : sequence of sequence of float [h, w]
        For each depth the maps of the randomised network, of the same photographs; the last is the whole network's.
    """
    found = []
    for maps in at_depths:
        pairs = [likeness(one, other) for one, other in zip(own, maps, strict=True)]
        found.append(Likeness(_median([one.rank for one in pairs]), _median([one.structure for one in pairs])))
    return Cascade(recipe, tuple(found))


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))
