"""What a photograph may cost where seeds are asked in rounds: said before anything is asked."""

from dataclasses import dataclass, replace
from typing import Self

from pipeline.answer.stopped import strongest
from pipeline.methods import planned_evaluations
from pipeline.methods.replicates import first
from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES


@dataclass(frozen=True, slots=True)
class InRounds:
    """Evaluations of one photograph by a recipe that asks in rounds.

    Attributes
    ----------
    least, most : int
        Where the first round is enough, and where all seeds are asked.
    default : int
        By the recipe `default`, on as many superpixels.
    sentence : str
        What that means.
    """

    least: int
    most: int
    default: int
    sentence: str

    @classmethod
    def of(cls, recipe: Recipe, superpixels: int | None = None) -> Self | None:
        """What the recipe may cost with so many superpixels, or those it asks for; None where it asks all at once.

        So does one whose first round is all its seeds, and one of Shapley values where all masks are few.
        """
        if recipe.stopping is None:
            return None
        least, most, default = (
            planned_evaluations(one, superpixels or recipe.superpixels)
            for one in (shortest(recipe), recipe, RECIPES["default"])
        )
        if least == most:
            return None
        told = (
            f"{recipe.name} asks {len(first(recipe))} to {len(recipe.seeds)} seeds of each photograph, about {least:,} "
            f"to {most:,} evaluations: {_few(recipe)}"
        )
        dear = f", which is more than the {default:,} of the recipe default" if most > default else ""
        return cls(least, most, default, told + dear)


def shortest(recipe: Recipe) -> Recipe:
    """The recipe as it is where the first round is enough."""
    return replace(recipe, seeds=first(recipe), stopping=None)


def _few(recipe: Recipe) -> str:
    """Where few seeds are asked, and where many."""
    rule = recipe.rounds()
    if rule is None or rule.ratio is not None:
        return "few where its weights are soon known, and all where they are not"
    told = f"few where its {strongest(rule.top)} soon told from the next"
    if rule.futility is None:
        return f"{told}, and all where not"
    return f"{told}; where not, until more seeds would hardly tell them apart, or all"
