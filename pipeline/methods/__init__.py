"""The methods. Each is one file here; nothing above this package knows their names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from pipeline.answer.judgement import Thresholds
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.once import Once
from pipeline.conversation.reading import BY_GRADIENT, Reading
from pipeline.conversation.remembered import Remembered
from pipeline.judge import faithfulness, grounding, variations
from pipeline.judge.faithfulness import Removal, Subsets
from pipeline.judge.grounding import Grounded
from pipeline.judge.judged import Examination, Judged
from pipeline.judge.neighbourhood import OneOff
from pipeline.judge.variations import Variations
from pipeline.methods import (
    activation_maps,
    anchors,
    gradients,
    integrated_gradients,
    lime,
    lrp,
    occlusion,
    rise,
    shap,
    surrogate,
    xrai,
)
from pipeline.methods.chosen_fill import CANDIDATES, ChosenFill
from pipeline.methods.method import Method
from pipeline.methods.noise_experiment import NoiseExperiment
from pipeline.recipe import Recipe
from pipeline.scene import segments
from pipeline.scene.fills import AUTO
from pipeline.text import meant

if TYPE_CHECKING:
    from pipeline.model.inside import Inside  # opens ONNX Runtime, which a list of recipes does not need

__all__ = [
    "METHODS",
    "Method",
    "check",
    "check_inside",
    "explainer",
    "looked_into",
    "method",
    "planned",
    "planned_evaluations",
]

METHODS: Mapping[str, Method] = {
    "lime": lime.METHOD,
    "shap": shap.METHOD,
    "occlusion": occlusion.METHOD,
    "rise": rise.METHOD,
    "anchors": anchors.METHOD,
    **activation_maps.MAPS,
    "integrated-gradients": integrated_gradients.METHOD,
    "smoothgrad": gradients.SMOOTHGRAD,
    "gradient-x-input": gradients.GRADIENT_X_INPUT,
    "xrai": xrai.METHOD,
    "lrp": lrp.METHOD,
}
MOST_LABELS = 32  # whose maps a worker hands back at once: 6 MB of a canvas of 224x224


def method(recipe: Recipe) -> Method:
    """The method of a recipe. Raises ValueError listing those there are."""
    if recipe.method not in METHODS:
        raise ValueError(f"recipe: method is {recipe.method!r}, expected one of {', '.join(METHODS)}")
    return METHODS[recipe.method]


def check(recipe: Recipe, labels: Sequence[str]) -> None:
    """Refuse a recipe as a whole, before it fails photograph by photograph under a model with these labels.

    Raises
    ------
    ValueError
        If there is no such method, it refuses a field or an option, the model lacks a label that the recipe names, or
        the segmenter or the surrogate refuses an option.
    """
    method(recipe).check(recipe)
    named = (recipe.labels,) if isinstance(recipe.labels, str) else recipe.labels
    unknown = [name for name in named if name not in labels and recipe.labels not in ("top", "all")]
    if unknown:
        near = meant(unknown[0], labels)
        raise ValueError(f"the model has no label {unknown[0]!r}{near}; it has {_shown(labels)}")
    if method(recipe).inside and recipe.labels == "all" and len(labels) > MOST_LABELS:
        raise ValueError(
            f"recipe: labels is all of {len(labels):,}, and {recipe.method} maps at most {MOST_LABELS}; name some"
        )
    segments.check(recipe.segmenter["name"], recipe.segmenter_options())
    if "surrogate" in method(recipe).uses:
        surrogate.check(recipe.surrogate)


def looked_into(recipe: Recipe, inside: "Inside | None") -> Recipe:
    """A recipe that was checked, with what it leaves to the network written in, where it reads its inside.

    Parameters
    ----------
    inside : Inside or None
        Of the network; None is a function of pictures, which shows none.

    Raises
    ------
    ValueError
        If what the recipe reads is not to be had of this network.
    """
    asks = method(recipe)
    if not asks.inside:
        return recipe
    if inside is None:
        raise ValueError(
            f"recipe {recipe.name} reads the inside of a network, and a function of pictures shows none; give the "
            "model's file instead"
        )
    options = asks.options(**recipe.options)
    told = {name: getattr(options, name) for name in ("of", "layer", "composite") if hasattr(options, name)}
    found = told | _left_open(told, inside)
    for kind in asks.inside:
        inside.interior.refuse(Reading(kind, **found))
    written = {name: value for name, value in found.items() if value != told[name]}
    return replace(recipe, options={**recipe.options, **written})


def _left_open(told: Mapping[str, Any], inside: "Inside") -> dict[str, Any]:
    """The layer that options leave to a network, and whether what they are of is its logit or its probability."""
    found = dict[str, Any]()
    if told.get("layer", "named") is None:
        found["layer"] = inside.layer
    if "of" in told:
        found["of"] = inside.interior.told(told["of"])
    return found


def check_inside(recipe: Recipe, facts: Mapping[str, Any] | None) -> None:
    """Refuse a recipe by what was found when the model was registered, see `Inside.facts`; None is not known.

    For who starts audits without the model's file at hand. Raises ValueError.
    """
    asked = method(recipe).inside
    if not asked or facts is None:
        return
    if facts["no_gradient"] and asked & set(BY_GRADIENT):
        raise ValueError(f"recipe {recipe.name} takes the gradient of the network: {facts['no_gradient']}")
    if "lrp" in asked and (reason := facts.get("no_relevance")):
        raise ValueError(f"recipe {recipe.name} hands the answer back through the network: {reason}")
    if facts["layer"] is None and "layer" in {one.name for one in fields(method(recipe).options)}:
        raise ValueError(f"recipe {recipe.name} maps a layer, and the network has none with a height and a width")


def explainer(recipe: Recipe, labels: Sequence[str], thresholds: Thresholds | None = None) -> Explainer:
    """The explainer of a recipe that was checked, for a model with these labels; the thresholds give its verdicts."""
    names, limits = tuple(labels), thresholds or Thresholds()

    def made(filled: Recipe) -> Explainer:
        return _tested(filled, _experiment(filled, names), names, limits)

    return Once(ChosenFill(recipe, names, made) if recipe.fill == AUTO else made(recipe))


def planned(recipe: Recipe, superpixels: int | None = None) -> Mapping[str, int]:
    """About how many evaluations each part of an explanation takes a photograph, with one label explained.

    At most so many where the recipe asks in rounds. `superpixels` are those of the photograph, where they are known;
    without, those that the recipe asks for.
    """
    recipe = recipe if superpixels is None else recipe.sized(superpixels)
    explanation = method(recipe).planned
    parts = {
        "fill": len(CANDIDATES) - 1 if recipe.fill == AUTO else 0,  # of which the explanation needs one in any case
        "explanation": explanation(recipe),
        "judging": faithfulness.PLANNED + recipe.superpixels + grounding.PLANNED if recipe.judge else 0,
        "thorough": faithfulness.SUBSETS + variations.planned(recipe, explanation) if recipe.thorough else 0,
        "denoise": explanation(recipe) if recipe.denoise else 0,
    }
    return {name: evaluations for name, evaluations in parts.items() if evaluations}


def planned_evaluations(recipe: Recipe, superpixels: int | None = None) -> int:
    """About how many evaluations a photograph takes, with one label explained; at most so many where in rounds."""
    return sum(planned(recipe, superpixels).values())


def _made(labels: tuple[str, ...]) -> Callable[[Recipe], Explainer]:
    return lambda recipe: method(recipe).make(recipe, labels)


def _experiment(recipe: Recipe, labels: tuple[str, ...]) -> Explainer:
    made = _made(labels)
    return made(recipe) if recipe.denoise is None else NoiseExperiment(recipe, recipe.denoise, made)


def _tested(recipe: Recipe, inner: Explainer, labels: tuple[str, ...], thresholds: Thresholds) -> Explainer:
    if not recipe.judge:
        return inner
    tests: tuple[Examination, ...] = (Removal(labels, recipe.seeds[0]), OneOff(labels), Grounded(labels))
    if recipe.thorough:
        tests += (Subsets(labels, recipe.seeds[0]), Variations(recipe, _made(labels)))
    return Judged(Remembered(inner), tests, thresholds)


def _shown(labels: Sequence[str], most: int = 12) -> str:
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")
