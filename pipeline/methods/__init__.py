"""The methods. Each is one file here; nothing above this package knows their names."""

from collections.abc import Callable, Mapping, Sequence

from pipeline.answer.judgement import Thresholds
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.once import Once
from pipeline.conversation.remembered import Remembered
from pipeline.judge import faithfulness, grounding, variations
from pipeline.judge.faithfulness import Removal, Subsets
from pipeline.judge.grounding import Grounded
from pipeline.judge.judged import Examination, Judged
from pipeline.judge.neighbourhood import OneOff
from pipeline.judge.variations import Variations
from pipeline.methods import anchors, lime, occlusion, rise, shap, surrogate
from pipeline.methods.chosen_fill import CANDIDATES, ChosenFill
from pipeline.methods.method import Method
from pipeline.methods.noise_experiment import NoiseExperiment
from pipeline.recipe import Recipe
from pipeline.scene import segments
from pipeline.scene.fills import AUTO
from pipeline.text import meant

__all__ = ["METHODS", "Method", "check", "explainer", "method", "planned", "planned_evaluations"]

METHODS: Mapping[str, Method] = {
    "lime": lime.METHOD,
    "shap": shap.METHOD,
    "occlusion": occlusion.METHOD,
    "rise": rise.METHOD,
    "anchors": anchors.METHOD,
}


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
    segments.check(recipe.segmenter["name"], recipe.segmenter_options())
    if "surrogate" in method(recipe).uses:
        surrogate.check(recipe.surrogate)


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


def planned_evaluations(recipe: Recipe) -> int:
    """About how many evaluations a photograph takes, with one label explained."""
    return sum(planned(recipe).values())


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
