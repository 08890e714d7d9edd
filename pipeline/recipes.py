"""The named recipes. Every field can be overridden: see `Recipe.override`."""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.recipe import QUICKSHIFT, Recipe
from pipeline.text import meant, resolved

LIME_KERNEL = 0.25  # lime 0.2.0.1, lime_image.py
SHORT = 24  # characters of a value in a list
FOURTEEN = tuple(range(1, 132, 10))
# Written out, for a field that `Stopping` gets later must not change these recipes' digests.
STOPPING = {"first": 3, "step": 1, "top": 5, "precision": 0.25, "gap": 2.0, "tie": 0.005}

RECIPES = {
    recipe.name: recipe
    for recipe in (
        # Nine seeds of an orthogonal design, pooled: a nine-seed stability for about the price of one lime run. All
        # masks weigh alike: a kernel would weigh a mask and its complement unlike, so that interactions leak.
        Recipe("default"),
        # The default seed by seed, until the answer stands: easy photographs take three seeds, the hardest fourteen;
        # those where more would hardly settle which five are on top stop before.
        Recipe("adaptive", seeds=FOURTEEN, stopping=STOPPING | {"confidence": 0.95, "futility": 0.1}),
        # The two as they were before, for archives that must stay comparable: lime's kernel, and 128 masks a seed.
        Recipe("default-2026", samples=128, kernel_width=LIME_KERNEL),
        Recipe(
            "adaptive-2026",
            samples=128,
            kernel_width=LIME_KERNEL,
            seeds=FOURTEEN,
            stopping=STOPPING,
        ),
        # The lime package's own defaults to the letter (lime 0.2.0.1, lime_image.py): one run of 1000 coin flips.
        Recipe(
            "lime",
            segmenter=QUICKSHIFT,
            design="coin",
            samples=1000,
            seeds=(1,),
            kernel_width=LIME_KERNEL,
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
            kernel_width=LIME_KERNEL,
            surrogate={"name": "sklearn.tree.DecisionTreeRegressor"},
            judge=False,
        ),
        # KernelSHAP. Fewer seeds of more masks each than LIME's: they are of all sizes, and so not orthogonal.
        Recipe("shap", method="shap", seeds=(1, 11, 21, 31, 41)),
        # Each superpixel alone off and alone on: a preview in a tenth of the default's cost.
        Recipe("occlusion", method="occlusion"),
        # A heat map that no superpixels bound. Its masks tell less each than an orthogonal design's: twice as many.
        Recipe("rise", method="rise", samples=256),
        # RISE with its classic defaults (Petsiuk et al. 2018): 4,000 masks of 7x7 cells over black; the eight seeds are
        # one such run, which knows its error.
        Recipe("rise-paper", method="rise", fill="black", samples=500, seeds=tuple(range(1, 72, 10))),
        # The few superpixels that keep the answer; one seed of the default's masks puts them in order.
        Recipe("anchors", method="anchors", seeds=(1,)),
        # From the network's inside, in one or a few passes: maps of its last layer with a height and a width.
        Recipe("cam", method="cam"),
        Recipe("grad-cam", method="grad-cam"),
        Recipe("grad-cam++", method="grad-cam++"),
        Recipe("recipro-cam", method="recipro-cam"),
        Recipe("ablation-cam", method="ablation-cam"),
        # Pixel by pixel, in the units of LIME's weights. Of parts all alike, the method's own default, it would take
        # more gradients to come as near.
        Recipe(
            "integrated-gradients", method="integrated-gradients", options={"mesh": "graded", "steps": 12, "most": 36}
        ),
        # Fifty photographs with noise on them, in five seeds.
        Recipe("smoothgrad", method="smoothgrad", samples=10, seeds=(1, 11, 21, 31, 41)),
        Recipe("gradient-x-input", method="gradient-x-input"),
        # Integrated gradients from black and from white, gathered into regions. From black parts all alike do as well.
        Recipe("xrai", method="xrai"),
        # The logit, handed back layer by layer to the pixels.
        Recipe("lrp", method="lrp"),
    )
}

# What the model says of a photograph, and of its bare fill: two evaluations. It explains nothing, and has no name in
# the list: the photograph as a whole is its one superpixel.
PREDICTION = Recipe("prediction", method="occlusion", segmenter={"name": "grid", "n_segments": 1}, judge=False)


def recipe(name: str) -> Recipe:
    """The recipe of this name, whose case does not matter. Raises ValueError listing those there are."""
    if "," in name:
        several = "several are for `polelens explain`, `audit start` and `side_by_side`"
        raise ValueError(f"recipe is {name!r}, expected one; {several}")
    known = resolved(name, RECIPES)
    if known is None:
        raise ValueError(f"there is no recipe {name!r}{meant(name, RECIPES)}; there are {', '.join(RECIPES)}")
    return RECIPES[known]


def called(one: Recipe) -> str:
    """A recipe's name and what differs from the named recipe, so that two in a list are told apart.

    Examples
    --------
    >>> called(RECIPES["default"].override({"fill": "black", "segmenter.n_segments": 80, "seeds": [1]}))
    'default segmenter.n_segments=80 fill=black seeds=[1]'
    """
    base = {**RECIPES, PREDICTION.name: PREDICTION}.get(one.name, Recipe(one.name))
    mine, named = (_flat(each.to_json()) for each in (one, base))
    changed = [f"{path}={_short(value)}" for path, value in mine.items() if named.get(path) != value]
    gone = [f"{path}=usual" for path in named if path not in mine]
    return " ".join([one.name, *changed, *gone])


def _flat(body: Mapping[str, Any]) -> dict[str, Any]:
    flat = dict[str, Any]()
    for name, value in body.items():
        flat |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"
