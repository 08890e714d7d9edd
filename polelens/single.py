"""One photograph, no services: the core of an audit in one process, for notebooks and the `explain` command."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.answer.judgement import Thresholds
from pipeline.document import ImageFacts, ModelFacts, document
from pipeline.explain import explain as converse
from pipeline.methods import explainer
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model, ModelRefused
from pipeline.pictures import Backdrop, Palette
from pipeline.pictures import palette as palette_of
from pipeline.pictures.rendering import rendered
from pipeline.recipe import Recipe
from pipeline.recipes import recipe as named
from pipeline.scene.boxes import Box, Boxes
from pipeline.scene.photograph import decode
from pipeline.scene.scene import Scene
from pipeline.staging import stage
from polelens.quarantine import model_within
from polelens.saved_model import packed
from storage.settings import limits

MOST_BYTES = 2**31  # what protobuf, and so ONNX, can hold in a file
CHUNK = 128  # masks between two reports of progress


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """The explanation of one photograph; in a notebook it shows itself as its overlay."""

    photograph: NDArray[np.uint8]
    image: ImageFacts
    model: ModelFacts
    recipe: Recipe
    scene: Scene
    attribution: Attribution
    backdrop: Backdrop
    palette: Palette

    @cached_property
    def pictures(self) -> Mapping[str, bytes]:
        """PNG files by name: overlay.png, support.png, seeds.png, segments.png; denoised.png where it was asked for."""
        return rendered(self.backdrop, self.scene.fill, self.attribution, self.recipe.seeds, self.palette)

    def document(self) -> Mapping[str, Any]:
        """What attribution.json holds."""
        return document(self.image, self.model, self.recipe, self.attribution)

    def save(self, folder: str | Path) -> None:
        """Write the pictures and attribution.json into a folder, made if need be."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.pictures.items():
            (folder / name).write_bytes(data)
        (folder / "attribution.json").write_text(json.dumps(self.document(), indent=1, allow_nan=False) + "\n")

    def _repr_png_(self) -> bytes:
        return self.pictures["overlay.png"]

    def __repr__(self) -> str:
        known, names = self.attribution.probabilities, [one.label for one in self.attribution.labels]
        explained = ", ".join(f"{name} {known[name]:.1%}" for name in names)
        return f"<Explanation under {self.model.name}, recipe {self.recipe.name}: {explained}>"


def explain(  # noqa: PLR0913 -- a notebook's front door; all but two have defaults
    image: str | os.PathLike[str] | bytes | NDArray[np.uint8],
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
    model : path of a Custom Vision zip, of an .onnx or .pb file or of a SavedModel, or a model read by
        `pipeline.model.admission.read_model`
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
    thresholds : where the verdicts begin, a `pipeline.answer.judgement.Thresholds`

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
    photograph, sha256 = _photograph(image)
    read = model if isinstance(model, Model) else model_file(Path(model), labels=labels, profile=profile)
    made = named(recipe) if isinstance(recipe, str) else recipe
    talker = explainer(made, read.labels, thresholds)
    colors = palette_of(palette)
    scene = stage(photograph, read.profile, made, _mask(mask, boxes, photograph.shape))
    attribution = converse(scene, talker, _predict(BlackBox(read, threads=threads), progress))
    height, width = photograph.shape[:2]
    return Explanation(
        photograph=photograph,
        image=ImageFacts(sha256, width, height),
        model=ModelFacts(read.name, version, read.sha256),
        recipe=made,
        scene=scene,
        attribution=attribution,
        backdrop=Backdrop(photograph, read.profile.placement(width, height), scene.segments),
        palette=colors,
    )


def model_file(
    path: Path,
    *,
    name: str | None = None,
    labels: Sequence[str] | None = None,
    profile: Mapping[str, Any] | None = None,
    input_name: str | None = None,
    output: str | None = None,
) -> Model:
    """The model in a file, or in the folder of a SavedModel, named after it unless told otherwise.

    It is read and tried in a process with limits.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ModelRefused(
            f"the file has {path.stat().st_size:,} bytes, and ONNX ends at {MOST_BYTES:,}; export it again"
        )
    data = packed(path) if path.is_dir() else path.read_bytes()
    given: dict[str, Any] = {"labels": labels, "profile": profile, "input_name": input_name, "output": output}
    return model_within(limits(), data, name=name or path.stem, **given)


def _photograph(image: str | os.PathLike[str] | bytes | NDArray[np.uint8]) -> tuple[NDArray[np.uint8], str]:
    """The pixels, and the SHA-256 of the file; of the pixels' own bytes where there is no file."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(f"image is an array of {image.dtype} {list(image.shape)}, expected uint8 [H, W, 3], RGB")
        pixels = image.copy()
        return pixels, hashlib.sha256(pixels.tobytes()).hexdigest()
    data = image if isinstance(image, bytes) else Path(image).read_bytes()
    return decode(data), hashlib.sha256(data).hexdigest()


def _mask(
    path: str | os.PathLike[str] | None, boxes: Sequence[Sequence[float]] | None, shape: tuple[int, ...]
) -> NDArray[np.bool_] | None:
    height, width = shape[:2]
    if boxes:
        if path is not None:
            raise ValueError("mask and boxes both say where the object is; give one of them")
        if any(len(box) != 4 for box in boxes):
            raise ValueError(f"boxes is {list(boxes)}, expected (x, y, width, height) for each box")
        return Boxes(tuple(Box(*box) for box in boxes)).mask(height, width)
    if path is None:
        return None
    bright = np.asarray(decode(Path(path).read_bytes())[..., 0] > 127)
    if bright.shape != (height, width):
        size = f"{bright.shape[1]}x{bright.shape[0]}"
        raise ValueError(f"mask: {path} is {size} pixels, the upright photograph {width}x{height}; make them alike")
    return bright


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
