"""The front door of a notebook, and of the `explain` command: an audit's core in one process, without services."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.judgement import Thresholds
from pipeline.answer.selection import Selection
from pipeline.document import ImageFacts, ModelFacts
from pipeline.explain import explain as converse
from pipeline.methods import check, explainer
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model, Said
from pipeline.pictures import Backdrop
from pipeline.pictures import palette as palette_of
from pipeline.pictures.rendering import Style
from pipeline.recipe import Recipe
from pipeline.recipes import recipe as named
from pipeline.scene.mask import object_mask
from pipeline.scene.photograph import MEGAPIXELS
from pipeline.scene.scene import Scene
from pipeline.staging import canvas_notes, stage
from polelens.explanation import Explanation
from polelens.inputs import Image, model_file, photograph, whereabouts

CHUNK = 128  # masks between two reports of progress


def explain(  # noqa: PLR0913 -- a notebook's front door; all but two have defaults
    image: Image,
    model: str | os.PathLike[str] | Model,
    *,
    recipe: str | Recipe = "default",
    labels: Sequence[str] | None = None,
    profile: Mapping[str, Any] | None = None,
    output: str | None = None,
    input_name: str | None = None,
    threads: int = 1,
    palette: str = "green-red",
    show: str | None = None,
    progress: Callable[[int, int], None] | None = None,
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
    image : path of a photograph, its file's bytes, or its pixels, uint8 [H, W, 3], upright RGB
    model : path of a Custom Vision zip, of an .onnx or .pb file or of a SavedModel, or a model read by
        `pipeline.model.admission.read_model`
    recipe : name of a recipe, or a Recipe such as `polelens.recipe("lime").override({"samples": 500})`
    labels : the model's labels in the order of its outputs, where the file does not carry them
    profile : fields of the preprocessing profile that go before what the file says
    output : the model's output with the scores, where the file has several
    input_name : where pictures enter a TensorFlow graph, where it cannot be found
    threads : ONNX Runtime threads
    palette : "green-red", or "blue-orange" for colour-blind readers
    show : how many superpixels are drawn, the strongest: "4", "10%" of them, or with a weight of ">0.02"; without, all
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
    """
    said = Said(labels, profile, output, input_name)
    read = model if isinstance(model, Model) else model_file(Path(model), said=said)
    made = named(recipe) if isinstance(recipe, str) else recipe
    check(made, read.labels)
    talker = explainer(made, read.labels, thresholds)
    style = Style(palette_of(palette), None if show is None else Selection.of(show))
    decoded, sha256 = photograph(image, read.profile.transparent, megapixels)
    height, width = decoded.pixels.shape[:2]
    drawn = object_mask(whereabouts(mask, boxes, mask_value), height, width)
    marked = drawn.pixels if drawn else None
    scene = stage(decoded.pixels, read.profile, made, marked)
    attribution = converse(scene, talker, _predict(BlackBox(read, threads=threads), progress))
    return Explanation(
        photograph=decoded.pixels,
        image=ImageFacts(sha256, width, height),
        model=ModelFacts.of((read.name, version), read.sha256, read.profile, read.facts),
        recipe=made,
        scene=scene,
        attribution=attribution,
        backdrop=Backdrop(decoded.pixels, read.profile.placement(width, height), scene.segments),
        style=style,
        notes=(
            *decoded.notes,
            *(drawn.notes if drawn else ()),
            *canvas_notes(read.profile, scene, marked, (height, width)),
        ),
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
