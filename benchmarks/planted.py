"""Planted models: those that cost nothing."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipeline.model.admission import read_model
from pipeline.model.model import Model

SIZE = 224


def average() -> Model:
    """A classifier of 224x224 pictures that is a global average: two labels, bright and dark."""
    nodes = [
        helper.make_node("ReduceMean", ["data"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", "column"], ["bright"]),
        helper.make_node("Sub", ["one", "bright"], ["dark"]),
        helper.make_node("Concat", ["bright", "dark"], ["probs"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "average",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["N", 2])],
        [
            numpy_helper.from_array(np.array([-1, 1], np.int64), "column"),
            numpy_helper.from_array(np.array([1], np.float32), "one"),
        ],
    )
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    onnx.checker.check_model(file)
    profile = {"crop": "center", "color": "rgb", "mean": 0, "scale": 255}
    return read_model(file.SerializeToString(), name="average", labels=("bright", "dark"), profile=profile)
