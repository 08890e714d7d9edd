"""Gradients at the photograph itself, times what the photograph has that the fill has not.

Gradient times input (Shrikumar et al., "Not just a black box", 2016) is what the score would lose with a pixel if it
went on as it begins. SmoothGrad (Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017, equation 1) is the
mean of the gradient over photographs with noise on them, here times the same difference; each seed is a replicate, as
LIME's are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Errors, LabelAttribution, laid
from pipeline.conversation.looks import Whole
from pipeline.conversation.probe import Evidence
from pipeline.conversation.reading import Kind, Of, Reading
from pipeline.judge.stability import stability
from pipeline.methods.asked import BASE_ROWS, GRADIENT, check_of
from pipeline.methods.looked import Looked
from pipeline.methods.method import Method
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene

Array = NDArray[np.float64]

DRAWN = 10  # photographs with noise of each seed: five seeds are the fifty of the paper's section 3.2


@dataclass(frozen=True, slots=True)
class OfOption:
    """Whose gradient it is.

    Attributes
    ----------
    of : "logit" or "probability"
        A probability near 1 hardly changes whatever is changed; a logit does.
    """

    of: Of = "logit"

    def __post_init__(self) -> None:
        check_of(self.of)


@dataclass(frozen=True, slots=True)
class SmoothOptions:
    """Whose gradient it is, and how much noise there is.

    Attributes
    ----------
    noise : 0..1
        Its standard deviation, as a share of the range of values: 0.1 to 0.2 in the paper's section 3.2.
    of : as of `OfOption`
    """

    noise: float = 0.15
    of: Of = "logit"

    def __post_init__(self) -> None:
        if not (type(self.noise) in (int, float) and 0 < self.noise <= 1):
            raise ValueError(f"noise is {self.noise!r}, expected a share of the range of values above 0 up to 1")
        check_of(self.of)


class Gradients(Looked):
    """Gradients at the photograph, after a recipe, for a model with these labels."""

    __slots__ = ()

    @property
    def options(self) -> OfOption | SmoothOptions:
        """The recipe's own."""
        return (SmoothOptions if self.recipe.method == "smoothgrad" else OfOption)(**self.recipe.options)

    def looks(self) -> tuple[Whole, ...]:
        """The photograph, or so many with noise of each seed."""
        options = self.options
        if isinstance(options, OfOption):
            return (Whole(),)
        return tuple(Whole(_drawn(self.recipe), options.noise * 255, seed) for seed in self.recipe.seeds)

    def reading(self, columns: Sequence[int]) -> Reading:
        """The gradient's."""
        return Reading("gradient", tuple(columns), self.options.of, cost=GRADIENT * len(columns))

    def answer(
        self, scene: Scene, columns: Sequence[int], read: Evidence
    ) -> tuple[list[LabelAttribution], Mapping[str, Any]]:
        """The gradient of each label; the mean over seeds where there are any."""
        maps = read.scores.astype(float).reshape(-1, len(columns), *scene.segments.shape)  # [seeds, ...]
        found = [_explained(scene, self.labels[c], maps[:, place]) for place, c in enumerate(columns)]
        return found, {"read": "gradient", "of": self.options.of}


def _explained(scene: Scene, label: str, maps: Array) -> LabelAttribution:
    """The answer from the maps of each seed, float64 [seeds, h, w]; one alone has no errors."""
    heat = maps.mean(axis=0)
    plain = LabelAttribution(label, laid(heat, scene.segments), heat=heat.astype(np.float32))
    if len(maps) == 1:
        return plain
    by_seed = np.stack([laid(one, scene.segments) for one in maps])
    return LabelAttribution(
        label,
        plain.weights,
        errors=Errors(_error(by_seed), by_seed),
        stability=stability(by_seed, np.full_like(by_seed, np.nan)),
        heat=plain.heat,
        heat_error=_error(maps).astype(np.float32),
    )


def _error(values: Array) -> Array:
    """The standard error of the mean over the first axis."""
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def _drawn(recipe: Recipe) -> int:
    return DRAWN if isinstance(recipe.samples, str) else recipe.samples


READS: frozenset[Kind] = frozenset({"scores", "gradient"})
GRADIENT_X_INPUT = Method(Gradients, lambda _: BASE_ROWS + GRADIENT, options=OfOption, reads=READS, once=False)
SMOOTHGRAD = Method(
    Gradients,
    lambda recipe: BASE_ROWS + GRADIENT * len(recipe.seeds) * _drawn(recipe),
    frozenset({"samples", "seeds"}),
    SmoothOptions,
    READS,
    once=False,
)
