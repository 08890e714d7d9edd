"""The methods. Each is one file here; nothing above this package knows their names."""

from collections.abc import Callable, Mapping, Sequence

from pipeline.answer.judgement import Thresholds
from pipeline.conversation.explainer import Explainer
from pipeline.conversation.once import Once
from pipeline.judge import faithfulness, variations
from pipeline.judge.faithfulness import Removal, Subsets
from pipeline.judge.grounding import KEPT, OBJECT, Grounded
from pipeline.judge.judged import Examination, Judged
from pipeline.judge.variations import Variations
from pipeline.methods.lime import BASE_ROWS, Lime
from pipeline.methods.noise_experiment import NoiseExperiment
from pipeline.nearest import meant
from pipeline.recipe import Recipe
from pipeline.scene.segments import check

__all__ = ["METHODS", "explainer", "planned", "planned_evaluations"]

METHODS: Mapping[str, Callable[[Recipe, tuple[str, ...]], Explainer]] = {"lime": Lime}


def explainer(recipe: Recipe, labels: Sequence[str], thresholds: Thresholds | None = None) -> Explainer:
    """The explainer of a recipe for a model with these labels; its verdicts are given by the thresholds.

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
        near = meant(unknown[0], labels)
        raise ValueError(f"the model has no label {unknown[0]!r}{near}; it has {_shown(labels)}")
    check(recipe.segmenter["name"], recipe.segmenter_options())
    tested = _tested(recipe, _experiment(recipe, tuple(labels)), tuple(labels), thresholds or Thresholds())
    return Once(tested)


def planned(recipe: Recipe) -> Mapping[str, int]:
    """About how many evaluations each part of an explanation takes a photograph, with one label explained.

    At most so many where the recipe asks in rounds.
    """
    explanation = _explanation(recipe)
    parts = {
        "explanation": explanation,
        "judging": faithfulness.PLANNED + len(OBJECT) * len(KEPT) if recipe.judge else 0,
        "thorough": faithfulness.SUBSETS + variations.planned(recipe, _explanation) if recipe.thorough else 0,
        "denoise": explanation if recipe.denoise else 0,
    }
    return {name: evaluations for name, evaluations in parts.items() if evaluations}


def planned_evaluations(recipe: Recipe) -> int:
    """About how many evaluations a photograph takes, with one label explained."""
    return sum(planned(recipe).values())


def _explanation(recipe: Recipe) -> int:
    return BASE_ROWS + len(recipe.seeds) * recipe.samples


def _made(labels: tuple[str, ...]) -> Callable[[Recipe], Explainer]:
    return lambda recipe: METHODS[recipe.method](recipe, labels)


def _experiment(recipe: Recipe, labels: tuple[str, ...]) -> Explainer:
    if recipe.denoise is None:
        return METHODS[recipe.method](recipe, labels)
    return NoiseExperiment(recipe, recipe.denoise, _made(labels))


def _tested(recipe: Recipe, inner: Explainer, labels: tuple[str, ...], thresholds: Thresholds) -> Explainer:
    if not recipe.judge:
        return inner
    tests: tuple[Examination, ...] = (Removal(labels, recipe.seeds[0]), Grounded(labels))
    if recipe.thorough:
        tests += (Subsets(labels, recipe.seeds[0]), Variations(recipe, _made(labels)))
    return Judged(inner, tests, thresholds)


def _shown(labels: Sequence[str], most: int = 12) -> str:
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")
