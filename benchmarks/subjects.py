"""What is measured on: a classifier, and photographs."""

import os
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from skimage import data

from demo.photographs import archive
from pipeline.model.admission import read_model
from pipeline.model.model import Model

MODEL = "POLELENS_BENCH_MODEL"  # an .onnx file, its labels in labels.txt beside it, or a zip
DEMO = Path(__file__).resolve().parent.parent / "demo" / "poles-v2.zip"
IMAGENET = {"mean": 127, "scale": 128}  # EfficientNet-Lite0 as its packages publish it
COLORS = 3
ARCHIVE = 7  # the seed of rendered photographs that no model was trained on
NATURAL = ("chelsea", "coffee", "astronaut", "rocket", "motorcycle")


def model_path() -> Path:
    """The classifier's file: POLELENS_BENCH_MODEL, else the demo's second version."""
    return Path(os.environ.get(MODEL) or DEMO)


@lru_cache(maxsize=1)
def model() -> Model:
    """The classifier. A plain .onnx file is taken for EfficientNet-Lite0: RGB, (value - 127) / 128."""
    path = model_path()
    if path.suffix == ".zip":
        return read_model(path.read_bytes(), name=path.stem)
    labels = path.with_name("labels.txt")
    names = labels.read_text().splitlines() if labels.exists() else _numbered(path)
    profile = {"crop": "center", "color": "rgb", **IMAGENET}
    return read_model(path.read_bytes(), name=path.stem, labels=names, profile=profile)


def demo_model() -> Model:
    """The demo's second version: three labels."""
    return read_model(DEMO.read_bytes(), name=DEMO.stem)


def widened_model(times: int = 3) -> Model:
    """The demo's second version with each channel several times: its answers, at the cost of a real classifier's."""
    network = onnx.load_from_string(demo_model().onnx)
    for tensor in network.graph.initializer:
        if "conv" in tensor.name or tensor.name == "fc_weight":
            tensor.CopyFrom(numpy_helper.from_array(_widened(tensor, times), tensor.name))
    made = network.SerializeToString(deterministic=True)
    return replace(demo_model(), name=f"{DEMO.stem}, {times} times as wide", onnx=made, sha256=sha256(made).hexdigest())


def _widened(tensor: TensorProto, times: int) -> NDArray[Any]:
    """Weights or biases of each channel several times; what reads several alike takes a part of each."""
    values, linear = numpy_helper.to_array(tensor), tensor.name == "fc_weight"
    if values.ndim == 1:
        return values.repeat(times)
    out, into = (1, 0) if linear else (0, 1)
    wide = values if linear else values.repeat(times, out)
    return wide if wide.shape[into] == COLORS else wide.repeat(times, into) / np.float32(times)


def photographs(n: int) -> list[NDArray[np.uint8]]:
    """n photographs, no two alike, uint8 [H, W, 3]: those in the scikit-image wheel, then windows of them, mirrored."""
    whole = [natural(name) for name in NATURAL]
    return [_seen(whole[number % len(whole)], number // len(whole)) for number in range(n)]


def examples(n: int) -> list[NDArray[np.uint8]]:
    """n photographs of what the model is for: rendered poles for the demo's, else `photographs`."""
    return rendered(n) if model_path() == DEMO else photographs(n)


def rendered(n: int) -> list[NDArray[np.uint8]]:
    """n rendered poles, uint8 [H, W, 3], before backgrounds that tell nothing."""
    return [one.image for one in archive(n, ARCHIVE, shortcut=False)]


def natural(name: str) -> NDArray[np.uint8]:
    """A photograph in the scikit-image wheel by its name, uint8 [H, W, 3]."""
    pictures: Any = data
    picture = pictures.stereo_motorcycle()[0] if name == "motorcycle" else getattr(pictures, name)()
    return np.asarray(picture[..., :3], np.uint8)


def _seen(picture: NDArray[np.uint8], look: int) -> NDArray[np.uint8]:
    """The whole picture, then three quarters of it from each corner in turn, every second one mirrored."""
    if look == 0:
        return picture
    height, width = (round(side * 0.75 ** ((look + 3) // 4)) for side in picture.shape[:2])
    top, left = (picture.shape[0] - height) * (look % 2), (picture.shape[1] - width) * (look // 2 % 2)
    window = picture[top : top + height, left : left + width]
    return np.ascontiguousarray(window[:, ::-1] if look % 2 else window)


def _numbered(path: Path) -> list[str]:
    """Labels for a model without any: the numbers of its outputs."""
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return [str(number) for number in range(session.get_outputs()[0].shape[-1])]
