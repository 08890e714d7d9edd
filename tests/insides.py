"""Explaining by what is read of a planted network's inside, and answers that are worked out by hand."""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.explain import explain
from pipeline.methods import check, explainer, looked_into
from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.model.model import Model
from pipeline.model.tap import tap
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene
from pipeline.scene.segments import grid

SIZE = 32


def read(onnx: bytes, *labels: str, **profile: Any) -> Model:
    """A planted model that takes values 0..255, RGB."""
    plain = {"crop": "center", "color": "rgb", "mean": 0, "scale": 1, "size": SIZE}
    return read_model(onnx, name="planted", labels=labels or None, profile=plain | profile)


def scene(k: int = 16, seed: int = 0) -> Scene:
    """Noise over a fill of another colour, in squares."""
    canvas = np.random.Generator(np.random.Philox(seed)).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    return Scene(canvas, grid(canvas, k), np.full_like(canvas, 90))


def explained(model: Model, shown: Scene, name: str, **changes: Any) -> Attribution:
    """What a recipe says of a scene under a model, without a judgement unless it is asked for."""
    made: Recipe = recipe(name).override({"judge": False, **changes})
    inside = Inside(model)
    check(made, model.labels)
    talker = explainer(looked_into(made, inside), model.labels)
    return explain(shown, talker, BlackBox(model).scores, inside.read)


def difference(model: Model, shown: Scene) -> NDArray[np.float32]:
    """Canvas less fill as the network sees them, float32 [c, h, w]."""
    return model.profile.tensor(shown.canvas) - model.profile.tensor(shown.fill)


def tensors(model: Model, shown: Scene, *names: str) -> list[NDArray[np.float32]]:
    """Tensors of a network that takes NCHW float32, for the canvas."""
    session = onnxruntime.InferenceSession(tap(model.onnx, names), providers=["CPUExecutionProvider"])
    [entry] = session.get_inputs()
    return [np.asarray(one) for one in session.run(list(names), {entry.name: model.profile.tensor(shown.canvas)[None]})]
