"""The sanity check of a model's white-box recipes: do their maps change when it forgets what it learned?

Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018: see `pipeline.judge.sanity` for what is compared, and
`pipeline.model.randomised` for how a network forgets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.explain import explain
from pipeline.judge.sanity import Cascade, cascade
from pipeline.methods import explainer, looked_into, method
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.model.interior import Interior
from pipeline.model.model import Model
from pipeline.model.randomised import depths, layers, randomised
from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES
from pipeline.scene.scene import Scene
from pipeline.staging import stage

Heat = NDArray[np.float32]
Progress = Callable[[int, int], None]

DEPTHS = 5  # of the network, from its top layer to all of them
SEED = 2018


@dataclass(frozen=True, slots=True)
class Sanity:
    """What the check found.

    Attributes
    ----------
    layers : tuple of str
        Of the network, those that have learned anything, the top first.
    depths : tuple of int
        How many of them had forgotten.
    cascades : tuple of Cascade
        A recipe each.
    refused : mapping of str to str
        The recipes that the model cannot be asked, each with why.
    """

    layers: tuple[str, ...]
    depths: tuple[int, ...]
    cascades: tuple[Cascade, ...]
    refused: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """What `polelens models sanity --json` prints of it."""
        found = [one.to_json() for one in self.cascades]
        return {
            "layers": list(self.layers),
            "depths": list(self.depths),
            "recipes": found,
            "refused": dict(self.refused),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A recipe for one label of one scene."""

    recipe: Recipe
    scene: Scene

    def heat(self, model: Model, box: BlackBox, inside: Inside) -> Heat:
        """Its map of a model."""
        talker = explainer(looked_into(self.recipe, inside), model.labels)
        [found] = explain(self.scene, talker, box.answers, inside.read).labels
        if found.heat is None:
            raise ValueError(f"recipe {self.recipe.name} gives no map of pixels; the check is for those that do")
        return found.heat


def white_box() -> list[Recipe]:
    """The named recipes that read a network's inside."""
    return [one for one in RECIPES.values() if method(one).inside]


def sanity(
    model: Model,
    photographs: Sequence[NDArray[np.uint8]],
    recipes: Sequence[Recipe],
    *,
    threads: int = 1,
    progress: Progress | None = None,
) -> Sanity:
    """Check recipes on a model, over some photographs; each is asked about the label that the model as it is gives.

    Parameters
    ----------
    model : Model
    photographs : sequence of uint8 [H, W, 3]
    recipes : sequence of Recipe
        Those of `white_box`, or others that read a network's inside.
    threads : int
        ONNX Runtime's.
    progress : (steps done, steps there are) -> None

    Raises
    ------
    ValueError
        If a recipe does not read a network's inside, or the network has no layers that have learned anything.
    """
    network = Interior(model).plain
    found = layers(network)
    if not found:
        raise ValueError("the network has no layers with weights of their own: there is nothing that it could forget")
    possible, refused = _possible(model, recipes)
    asked = _asked(model, photographs, possible, threads)
    at = depths(len(found), DEPTHS)
    maps = []
    for step, depth in enumerate((0, *at)):
        changed = replace(model, onnx=randomised(network, depth, SEED))
        maps.append(_maps(changed, asked, threads))
        if progress:
            progress(step + 1, len(at) + 1)
    cascades = (
        cascade(one.name, maps[0][place], [some[place] for some in maps[1:]]) for place, one in enumerate(possible)
    )
    return Sanity(found, at, tuple(cascades), refused)


def _possible(model: Model, recipes: Sequence[Recipe]) -> tuple[list[Recipe], dict[str, str]]:
    """The recipes that the model can be asked, and why it cannot be asked the others."""
    possible, refused, inside = list[Recipe](), dict[str, str](), Inside(model)
    for one in recipes:
        if not method(one).inside:
            raise ValueError(f"recipe {one.name} does not read the network's inside; the check is for those that do")
        try:
            looked_into(one, inside)
        except ValueError as error:
            refused[one.name] = str(error)
        else:
            possible.append(_plain(one))
    return possible, refused


def _plain(recipe: Recipe) -> Recipe:
    """The recipe without a judgement; what doubles its nodes until they add up asks its first round alone."""
    options = method(recipe).options(**recipe.options)
    rounds = {"options.most": options.steps} if hasattr(options, "most") else {}
    return recipe.override({"judge": False, "thorough": False, "denoise": None, **rounds})


def _asked(
    model: Model, photographs: Sequence[NDArray[np.uint8]], recipes: Sequence[Recipe], threads: int
) -> list[list[Asked]]:
    """For each recipe what is asked of each photograph."""
    box, labels = BlackBox(model, threads=threads), list[str]()
    for photograph in photographs:
        scene = stage(photograph, model.profile, RECIPES["default"])
        [scores] = box.answers(scene, np.ones((1, scene.k), bool))
        labels.append(model.labels[int(scores.argmax())])
    return [
        [
            Asked(replace(one, labels=(label,)), stage(photograph, model.profile, one))
            for photograph, label in zip(photographs, labels, strict=True)
        ]
        for one in recipes
    ]


def _maps(model: Model, asked: Sequence[Sequence[Asked]], threads: int) -> list[list[Heat]]:
    box, inside = BlackBox(model, threads=threads), Inside(model, threads=threads)
    return [[one.heat(model, box, inside) for one in some] for some in asked]
