"""A method: what makes its explainer, its own options, what it is planned to cost, and what it reads of the model."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from pipeline.conversation.explainer import Explainer
from pipeline.conversation.reading import Kind
from pipeline.model.precision import F32
from pipeline.recipe import Recipe
from pipeline.text import meant

# The fields of a recipe that a method may do without: see `Method.uses`.
DISPENSABLE = ("design", "samples", "seeds", "stopping", "kernel_width", "surrogate")


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a method that has none beside the recipe's fields."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to ask a model what it looks at.

    Attributes
    ----------
    make : (recipe, labels of the model) -> Explainer
    planned : recipe -> int
        About how many evaluations an explanation takes a photograph, with one label explained; at most so many where it
        asks in rounds.
    uses : set of str
        Which of `DISPENSABLE` it reads of a recipe; it refuses another value than the default of the others, for it
        would change the recipe's digest and no number.
    options : a dataclass
        What `Recipe.options` may hold; it raises ValueError for values that it does not take.
    reads : set of Kind
        What of the model its probes ask for.
    once : bool
        Whether one probe is all it asks, or can be: what asks again cannot be `thorough`.
    """

    make: Callable[[Recipe, tuple[str, ...]], Explainer]
    planned: Callable[[Recipe], int]
    uses: frozenset[str] = frozenset()
    options: type[Any] = NoOptions
    reads: frozenset[Kind] = field(default=frozenset({"scores"}))
    once: bool = True

    @property
    def inside(self) -> frozenset[Kind]:
        """What it reads of the network's inside."""
        return self.reads - {"scores"}

    def check(self, recipe: Recipe) -> None:
        """Refuse fields and options that the method does not take. Raises ValueError naming the first."""
        plain = Recipe(recipe.name)
        for name in DISPENSABLE:
            if name not in self.uses and getattr(recipe, name) != getattr(plain, name):
                raise ValueError(f"recipe: method {recipe.method} has no use for {name}; leave it out")
        if self.inside and recipe.precision != F32:
            reads = "reads the network's inside, whose small numbers a lower precision loses"
            raise ValueError(f"recipe: precision is {recipe.precision}, and method {recipe.method} {reads}; take f32")
        if recipe.thorough and not self.once:
            raise ValueError(f"recipe: method {recipe.method} asks again, so it cannot be thorough; leave it out")
        known = [one.name for one in fields(self.options)]
        unknown = sorted(set(recipe.options) - set(known))
        if unknown:
            there = f"there are {', '.join(known)}" if known else "it has none"
            guess = meant(unknown[0], known)
            raise ValueError(f"recipe: method {recipe.method} has no option {unknown[0]!r}{guess}; {there}")
        try:
            self.options(**recipe.options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"recipe: options of {recipe.method}: {error}") from None
