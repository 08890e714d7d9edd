"""The named recipes. Every field can be overridden: see `Recipe.override`."""

from dataclasses import asdict

from pipeline.nearest import meant, resolved
from pipeline.recipe import QUICKSHIFT, Recipe, Stopping

RECIPES = {
    recipe.name: recipe
    for recipe in (
        # Nine seeds of an orthogonal design, pooled: a nine-seed stability for about the price of one lime run.
        Recipe("default"),
        # The default seed by seed, until the answer stands: easy photographs take three seeds, the hardest fourteen.
        Recipe("adaptive", seeds=tuple(range(1, 132, 10)), stopping=asdict(Stopping())),
        # The lime package's own defaults to the letter (lime 0.2.0.1, lime_image.py): one run of 1000 coin flips.
        Recipe(
            "lime",
            segmenter=QUICKSHIFT,
            design="coin",
            samples=1000,
            seeds=(1,),
            surrogate={"name": "ridge", "alpha": 1.0},
            judge=False,
        ),
        # LIME as the Vantage article of 2022 does it: black superpixels, a decision tree, unsigned importances.
        Recipe(
            "lime-tree",
            segmenter=QUICKSHIFT,
            fill="black",
            design="coin",
            samples=1000,
            seeds=(1,),
            surrogate={"name": "sklearn.tree.DecisionTreeRegressor"},
            judge=False,
        ),
    )
}


def recipe(name: str) -> Recipe:
    """The recipe of this name, whose case does not matter. Raises ValueError listing those there are."""
    known = resolved(name, RECIPES)
    if known is None:
        raise ValueError(f"there is no recipe {name!r}{meant(name, RECIPES)}; there are {', '.join(RECIPES)}")
    return RECIPES[known]
