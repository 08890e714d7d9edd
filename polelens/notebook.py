"""The front door of a notebook, and of the `explain` command: an audit's core in one process, without services."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.judgement import Thresholds
from pipeline.document import ImageFacts, ModelFacts
from pipeline.explain import explain as converse
from pipeline.methods import check, explainer
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.pictures import Backdrop
from pipeline.pictures import palette as palette_of
from pipeline.recipe import Recipe
from pipeline.recipes import recipe as named
from pipeline.scene.scene import Scene
from pipeline.staging import stage
from polelens.explanation import Explanation
from polelens.inputs import Image, model_file, object_mask, photograph

CHUNK = 128  # masks between two reports of progress


def explain(  # noqa: PLR0913 -- a notebook's front door; all but two have defaults
    image: Image,
    model: str | os.PathLike[str] | Model,
    *,
    recipe: str | Recipe = "default",
    labels: Sequence[str] | None = None,
    profile: Mapping[str, Any] | None = None,
    threads: int = 1,
    palette: str = "green-red",
    progress: Callable[[int, int], None] | None = None,
    version: int | None = None,
    mask: str | os.PathLike[str] | None = None,
    boxes: Sequence[Sequence[float]] | None = None,
    thresholds: Thresholds | None = None,
) -> Explanation:
    """Explain what a classifier sees in one photograph.

    Parameters
    ----------
    image : path of a photograph, its file's bytes, or its pixels, uint8 [H, W, 3], upright RGB
    model : path of a Custom Vision zip or an .onnx file, or a model read by `pipeline.model.model.read_model`
    recipe : name of a recipe, or a Recipe such as `polelens.recipe("lime").override({"samples": 500})`
    labels : the model's labels in the order of its outputs, where the file does not carry them
    profile : fields of the preprocessing profile that go before what the file says
    threads : ONNX Runtime threads
    palette : "green-red", or "blue-orange" for colour-blind readers
    progress : called with (evaluations done, evaluations asked for so far)
    version : the model's version, for the document
    mask : path of a picture of the photograph's size, bright where the object is: the judgement then says whether the
        answer rests on the object or on the background
    boxes : (x, y, width, height) of boxes that hold the object, in the upright photograph's pixels; instead of a mask
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
    """
    pixels, sha256 = photograph(image)
    read = model if isinstance(model, Model) else model_file(Path(model), labels=labels, profile=profile)
    made = named(recipe) if isinstance(recipe, str) else recipe
    check(made, read.labels)
    talker = explainer(made, read.labels, thresholds)
    colors = palette_of(palette)
    height, width = pixels.shape[:2]
    scene = stage(pixels, read.profile, made, object_mask(mask, boxes, height, width))
    attribution = converse(scene, talker, _predict(BlackBox(read, threads=threads), progress))
    return Explanation(
        photograph=pixels,
        image=ImageFacts(sha256, width, height),
        model=ModelFacts(read.name, version, read.sha256),
        recipe=made,
        scene=scene,
        attribution=attribution,
        backdrop=Backdrop(pixels, read.profile.placement(width, height), scene.segments),
        palette=colors,
    )


def _predict(
    black_box: BlackBox, progress: Callable[[int, int], None] | None
) -> Callable[[Scene, NDArray[np.bool_]], NDArray[np.float32]]:
    done = 0

    def predict(scene: Scene, masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        nonlocal done
        scores, asked = [], done + len(masks)
        for start in range(0, len(masks), CHUNK):
            scores.append(black_box.scores(scene, masks[start : start + CHUNK]))
            done = min(done + CHUNK, asked)
            if progress:
                progress(done, asked)
        return np.concatenate(scores)

    return predict
