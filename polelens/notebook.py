"""The front door of a notebook, and of the `explain` command: an audit's core in one process, without services."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.judgement import Thresholds
from pipeline.answer.selection import Selection
from pipeline.explain import Predict
from pipeline.explain import explain as converse
from pipeline.methods import check, explainer, looked_into
from pipeline.model.model import Model, Said
from pipeline.model.precision import CPU, F32, Precision
from pipeline.pictures import palette as palette_of
from pipeline.pictures.rendering import Style
from pipeline.recipe import Recipe
from pipeline.recipes import recipe as named
from pipeline.scene.photograph import MEGAPIXELS
from pipeline.scene.scene import Scene
from polelens.explanation import Explanation
from polelens.inputs import Image, texts, whereabouts
from polelens.predictor import PLAIN, Predictor, Runtime, Source, found_model
from polelens.sides import SideBySide, beside
from polelens.subject import Subject

CHUNK = 128  # masks between two reports of progress
Progress = Callable[[int, int], None]


def explain(  # noqa: PLR0913 -- a notebook's front door; all but two have defaults
    image: Image,
    model: Source,
    *,
    recipe: str | Recipe = "default",
    labels: Sequence[str] | None = None,
    size: int | tuple[int, int] | None = None,
    profile: Mapping[str, Any] | None = None,
    output: str | None = None,
    input_name: str | None = None,
    threads: int = 1,
    providers: Sequence[str] = (CPU,),
    palette: str = "green-red",
    show: str | int | None = None,
    progress: Progress | None = None,
    version: int | None = None,
    mask: str | os.PathLike[str] | None = None,
    boxes: Sequence[Sequence[float]] | None = None,
    mask_value: str | None = None,
    megapixels: float = MEGAPIXELS,
    thresholds: Thresholds | None = None,
) -> Explanation:
    """Explain what a classifier sees in one photograph.

    Parameters
    ----------
    image : path of a photograph, its file's bytes, a `PIL.Image`, or its pixels, uint8 [H, W, 3], upright RGB
    model : path of a Custom Vision zip, of an .onnx or .pb file or of a SavedModel; the NAME or NAME@VERSION of a
        registered model; a model read by `pipeline.model.admission.read_model`; or any function of pictures, uint8
        [n, h, w, 3] RGB, that gives probabilities, [n, c]
    recipe : name of a recipe, or a Recipe such as `polelens.recipe("lime").override({"samples": 500})`
    labels : the model's labels in the order of its outputs, where the file does not carry them, or it is a function
    size : side, or (height, width), of the pictures that a function is shown
    profile : fields of the preprocessing profile that go before what the file says
    output : the model's output with the scores, where the file has several
    input_name : where pictures enter a TensorFlow graph, where it cannot be found
    threads : ONNX Runtime threads
    providers : ONNX Runtime's, the preferred first; the recipe's `precision` says what they compute in
    palette : "green-red", or "blue-orange" for colour-blind readers
    show : how many superpixels are drawn, the strongest: 4, "10%" of them, or with a weight of ">0.02"; without, all
    progress : called with (evaluations done, evaluations asked for so far)
    version : the model's version, for the document
    mask : path of a picture of the photograph's size that marks the object (see `pipeline.scene.mask`): the judgement
        then says whether the answer rests on the object or on the background
    boxes : (x, y, width, height) of boxes that hold the object, in the upright photograph's pixels; instead of a mask
    mask_value : what of the mask is the object, such as "3", "1-20" or "#00ff00"; without, all that is not 0 or black
    megapixels : the most that is read
    thresholds : where each answer of the judgement begins, a `pipeline.answer.judgement.Thresholds`

    Raises
    ------
    ValueError
        With one sentence that says what is wrong with the photograph, the model or the recipe.
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> from polelens import explain
    >>> explain("pole.jpg", "poles.zip", recipe="lime").save("out")  # doctest: +SKIP

    Of a function that finds red in the middle of the picture:

    >>> def red(pictures):
    ...     share = pictures[:, 8:24, 8:24, 0].mean(axis=(1, 2)) / 255
    ...     return np.stack([share, 1 - share], axis=1)
    >>> explain(np.full((32, 32, 3), 255, np.uint8), red, labels=["red", "other"], size=32)
    <Explanation under red, recipe default: red 100.0%>
    """
    handed: Handed = {"labels": labels, "size": size, "profile": profile, "output": output, "input_name": input_name}
    handed |= {"threads": threads, "version": version, "mask": mask, "boxes": boxes, "mask_value": mask_value}
    handed |= {"providers": providers, "megapixels": megapixels}
    [made], style = recipes_of([recipe]), style_of(palette, show)
    subject, predictor = taken(image, model, handed, made.precision)
    check(made, predictor.labels)
    asked = looked_into(made, predictor.inside)
    scene = subject.scene(made)
    talker = explainer(asked, predictor.labels, thresholds)
    attribution = converse(scene, talker, reporting(predictor.scores, progress), predictor.read)
    return Explanation.of(subject, predictor, (made, scene, attribution), style)


class Handed(TypedDict, total=False):
    """What `explain` takes beside photograph and model, of what the two are."""

    labels: Sequence[str] | None
    size: int | tuple[int, int] | None
    profile: Mapping[str, Any] | None
    output: str | None
    input_name: str | None
    threads: int
    providers: Sequence[str]
    version: int | None
    mask: str | os.PathLike[str] | None
    boxes: Sequence[Sequence[float]] | None
    mask_value: str | None
    megapixels: float


def side_by_side(  # noqa: PLR0913 -- as above
    image: Image,
    model: Source,
    recipes: Sequence[str | Recipe],
    *,
    palette: str = "green-red",
    show: str | int | None = None,
    progress: Progress | None = None,
    thresholds: Thresholds | None = None,
    **handed: Unpack[Handed],
) -> SideBySide:
    """Explain a photograph by several recipes, and say which of the explanations is best supported.

    Takes what `explain` takes, and several recipes, each once. Raises as `explain` does.

    Examples
    --------
    >>> from polelens import side_by_side
    >>> side_by_side("pole.jpg", "poles.zip", ["default", "occlusion", "rise"]).save("out")  # doctest: +SKIP
    """
    made, style = recipes_of(recipes), style_of(palette, show)
    subject, predictor = taken(image, model, handed, precision_of(made))
    told = replace(predictor, scores=reporting(predictor.scores, progress))
    return beside(subject, told, made, thresholds, style)


def recipes_of(asked: Iterable[str | Recipe]) -> list[Recipe]:
    """The recipes that a caller names or hands in."""
    if isinstance(asked, str | Recipe):
        raise ValueError(f"recipes is {asked!r}, expected a list of two or more, such as ['default', 'rise']")
    return [_recipe(one) for one in asked]


def precision_of(recipes: Sequence[Recipe]) -> Precision:
    """The one precision of recipes that share what the model says. Raises ValueError where they have several."""
    found = sorted({one.precision for one in recipes})
    if len(found) > 1:
        raise ValueError(f"recipes are computed in {' and '.join(found)}; side by side they share answers: take one")
    return found[0] if found else F32


def _recipe(one: str | Recipe) -> Recipe:
    if not isinstance(one, str | Recipe):
        raise ValueError(f"recipe is {one!r}, expected a name or a Recipe; several are for `side_by_side`")
    return named(one) if isinstance(one, str) else one


def style_of(palette: str, show: str | int | None) -> Style:
    """How the pictures are painted."""
    return Style(palette_of(palette), None if show is None else Selection.of(str(show)))


def taken(image: Image, model: Source, handed: Handed, precision: Precision = F32) -> tuple[Subject, Predictor]:
    """The photograph and the model that a caller hands in. Raises TypeError for a name that `Handed` does not have."""
    if unknown := sorted(handed.keys() - Handed.__annotations__.keys()):
        raise TypeError(f"there is no argument {unknown[0]}; there are {', '.join(Handed.__annotations__)}")
    said = Said(texts(handed.get("labels")), handed.get("profile"), handed.get("output"), handed.get("input_name"))
    runtime = Runtime(handed.get("threads", 1), handed.get("providers", (CPU,)), precision)
    predictor = predictor_of(model, said, handed.get("size"), handed.get("version"), runtime)
    where = whereabouts(handed.get("mask"), handed.get("boxes"), handed.get("mask_value"))
    return Subject.of(image, where, predictor.profile, handed.get("megapixels", MEGAPIXELS)), predictor


def predictor_of(
    model: Source,
    said: Said,
    size: int | tuple[int, int] | None = None,
    version: int | None = None,
    runtime: Runtime = PLAIN,
) -> Predictor:
    """Whatever a caller hands in as a model. Raises ValueError where it is none, or more is said than it can use."""
    if isinstance(model, str | os.PathLike):
        read, found = found_model(model, said)
        model, version = read, found if version is None else version
    if isinstance(model, Model):
        if size is not None:
            raise ValueError("size is for functions; a model file knows its own, or its profile says it")
        return Predictor.of_model(model, version, runtime)
    if not callable(model):
        raise ValueError(f"model is {model!r}, expected a file, a registered name, a model or a function of pictures")
    if said.output is not None or said.input_name is not None:
        raise ValueError("output and input_name are for model files; a function gives the scores meant")
    if runtime.precision != F32:
        raise ValueError("precision is for model files; a function computes as it does")
    shown = dict(said.profile or {}) | ({} if size is None else {"size": size})
    return Predictor.of_function(model, said.labels, shown)


def reporting(predict: Predict, progress: Progress | None) -> Predict:
    """The same in chunks, after each of which the progress is told."""
    done = 0

    def scores(scene: Scene, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        nonlocal done
        answers, asked = [], done + len(masks)
        for start in range(0, len(masks), CHUNK):
            answers.append(predict(scene, masks[start : start + CHUNK]))
            done = min(done + CHUNK, asked)
            if progress:
                progress(done, asked)
        return np.concatenate(answers)

    return scores
