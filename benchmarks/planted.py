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


def sure(labels: int, key: int = 7) -> Model:
    """A softmax over this many labels of random weights on 8 x 8 means of a picture of 224 pixels.

    Its logits have a spread of about 2: it is as sure of a photograph as a trained classifier is.
    """
    generator = np.random.Generator(np.random.Philox(key))
    weights = generator.normal(0, 2 / np.sqrt(192) / 50, (192, labels)).astype(np.float32)  # 50: of a mean's greys
    nodes = [
        helper.make_node("AveragePool", ["x"], ["means"], kernel_shape=[28, 28], strides=[28, 28]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "sure",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", labels])],
        [numpy_helper.from_array(weights, "weights")],
    )
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    names = [f"label {number:04}" for number in range(labels)]
    profile = {"crop": "center", "color": "rgb", "mean": 127, "scale": 1}
    return read_model(file.SerializeToString(), name=f"sure-{labels}", labels=names, profile=profile)
