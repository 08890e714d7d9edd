"""What a black box runs on, found by running it; apart from what tells it, which opens no ONNX Runtime."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.model.pace import noise
from pipeline.model.placement import Placement, read_profile
from pipeline.model.precision import CPU


def placement(model: Model, box: BlackBox) -> Placement:
    """What became of each node, by ONNX Runtime's own profile of a run with noise; on the CPU nothing falls back."""
    if box.provider == CPU:
        return Placement(CPU, 0, 0.0)
    scene = noise(model.profile)
    with TemporaryDirectory() as folder:
        path = box.profiled(scene, np.ones((box.batch, scene.k), np.bool_), Path(folder))
        return read_profile(box.provider, json.loads(path.read_text()))
