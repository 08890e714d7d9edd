"""Rounding: what a lower precision of the network does to the weights of an explanation, beside their own error."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite, nan
from typing import Any, Self

import numpy as np

from pipeline.answer.attribution import LabelAttribution
from pipeline.answer.nulls import to_null
from pipeline.explain import Predict, explain
from pipeline.judge.stability import spearman
from pipeline.methods import explainer
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene


@dataclass(frozen=True, slots=True)
class Rounding:
    """How far weights move, under the same seeds, when the network is computed in a lower precision.

    Attributes
    ----------
    precision : str
    photographs : int
    spearman : float
        Rank correlation of the weights with those in float32.
    largest : float
        The largest change of a weight, over the largest weight.
    beside_error : float
        Root mean square of the changes over that of the standard errors; NaN where the method knows no error.
    """

    precision: str
    photographs: int
    spearman: float
    largest: float
    beside_error: float

    @classmethod
    def of(cls, precision: str, exact: LabelAttribution, rounded: LabelAttribution) -> Self:
        """Of one label of one photograph."""
        change, errors = rounded.weights - exact.weights, exact.std_error
        size, noise = np.abs(exact.weights).max(), np.sqrt(np.mean(errors**2))
        largest = float(np.abs(change).max() / size) if size else nan
        beside = float(np.sqrt(np.mean(change**2)) / noise) if noise > 0 else nan
        correlation = spearman(np.stack([exact.weights, rounded.weights]))
        return cls(precision, 1, correlation, largest, beside)

    @classmethod
    def worst(cls, found: Sequence[Self]) -> Self:
        """The worst of each figure over several photographs, as far as it is known."""
        correlations, changes, errors = (
            [value for one in found if isfinite(value := getattr(one, name))]
            for name in ("spearman", "largest", "beside_error")
        )
        figures = min(correlations, default=nan), max(changes, default=nan), max(errors, default=nan)
        return cls(found[0].precision, len(found), *figures)

    @property
    def sentence(self) -> str:
        """What a person should know before the precision is chosen."""
        beside = (
            f"the weights move by {self.beside_error:.2f} of their standard error (root mean squares)"
            if isfinite(self.beside_error)
            else "the method knows no standard error to hold that against"
        )
        photographs = "1 photograph" if self.photographs == 1 else f"{self.photographs} photographs, at worst"
        return (
            f"computed in {self.precision}, on {photographs}: {beside}, one by {self.largest:.1%} of the largest "
            f"weight, and their rank correlation with float32 is {self.spearman:.3f}"
        )

    def to_json(self) -> dict[str, Any]:
        """The figures, with null for what is not known."""
        found: dict[str, Any] = to_null(asdict(self))
        return found


def rounding(scenes: Sequence[Scene], recipe: Recipe, labels: Sequence[str], both: tuple[Predict, Predict]) -> Rounding:
    """Explain scenes twice, with the same masks, and say how far the answers differ.

    Parameters
    ----------
    scenes : at least one Scene
    recipe : Recipe
        Of scores alone; its tests are left out.
    labels : the model's
    both : (in float32, in the recipe's precision)

    Returns
    -------
    Rounding
        Of the first label explained, as float32 has it.
    """
    plain = recipe.override({"judge": False, "thorough": False, "denoise": None})
    exact, rounded = both
    found = []
    for scene in scenes:
        first = explain(scene, explainer(plain, labels), exact).labels[0]
        alone = replace(plain, labels=(first.label,))
        [second] = explain(scene, explainer(alone, labels), rounded).labels
        found.append(Rounding.of(recipe.precision, first, second))
    return Rounding.worst(found)
