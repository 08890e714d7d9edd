"""The methods. Each is one file here; nothing above this package knows their names."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pipeline.attribution import Attribution
from pipeline.methods.lime import Lime
from pipeline.probe import Evidence, Probe
from pipeline.recipe import Recipe
from pipeline.scene import Scene


class Explainer(Protocol):
    """One side of the conversation with the black box: show a probe, read the scores, ask again or answer.

    An explainer keeps no state between calls: `proceed` gets all the evidence so far, and any process may call it.
    """

    def open(self, scene: Scene) -> Probe:
        """The first probe."""
        ...

    def proceed(self, scene: Scene, evidence: Sequence[Evidence]) -> Probe | Attribution:
        """The next probe, or the answer."""
        ...


METHODS: Mapping[str, Callable[[Recipe, tuple[str, ...]], Explainer]] = {"lime": Lime}


def explainer(recipe: Recipe, labels: Sequence[str]) -> Explainer:
    """The explainer of a recipe for a model with these labels.

    Raises
    ------
    ValueError
        If there is no such method, or the recipe names a label that the model does not have.
    """
    if recipe.method not in METHODS:
        raise ValueError(f"recipe: method is {recipe.method!r}, expected one of {', '.join(METHODS)}")
    named = (recipe.labels,) if isinstance(recipe.labels, str) else recipe.labels
    unknown = [name for name in named if name not in labels and recipe.labels not in ("top", "all")]
    if unknown:
        raise ValueError(f"the model has no label {unknown[0]!r}; it has {_shown(labels)}")
    return METHODS[recipe.method](recipe, tuple(labels))


def _shown(labels: Sequence[str], most: int = 12) -> str:
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")
