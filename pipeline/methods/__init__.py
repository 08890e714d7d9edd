"""The methods. Each is one file here; nothing above this package knows their names."""

from collections.abc import Callable, Mapping, Sequence

from pipeline.methods.explainer import Explainer
from pipeline.methods.judged import PLANNED, Judged
from pipeline.methods.lime import Lime
from pipeline.recipe import Recipe
from pipeline.segments import check

__all__ = ["METHODS", "Explainer", "explainer", "planned_evaluations"]

METHODS: Mapping[str, Callable[[Recipe, tuple[str, ...]], Explainer]] = {"lime": Lime}


def explainer(recipe: Recipe, labels: Sequence[str]) -> Explainer:
    """The explainer of a recipe for a model with these labels.

    Raises
    ------
    ValueError
        If there is no such method, the recipe names a label that the model does not have, or its segmenter or
        surrogate refuses an option: an audit is refused as a whole before it fails photograph by photograph.
    """
    if recipe.method not in METHODS:
        raise ValueError(f"recipe: method is {recipe.method!r}, expected one of {', '.join(METHODS)}")
    named = (recipe.labels,) if isinstance(recipe.labels, str) else recipe.labels
    unknown = [name for name in named if name not in labels and recipe.labels not in ("top", "all")]
    if unknown:
        raise ValueError(f"the model has no label {unknown[0]!r}; it has {_shown(labels)}")
    check(recipe.segmenter["name"], recipe.segmenter_options())
    inner = METHODS[recipe.method](recipe, tuple(labels))
    return Judged(inner, tuple(labels), recipe.seeds[0]) if recipe.judge else inner


def planned_evaluations(recipe: Recipe) -> int:
    """About how many evaluations a photograph takes, with one label explained."""
    return len(recipe.seeds) * recipe.samples + (PLANNED if recipe.judge else 0)


def _shown(labels: Sequence[str], most: int = 12) -> str:
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")
