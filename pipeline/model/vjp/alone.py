"""One node run by itself, to ask ONNX Runtime what it makes of given numbers."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from pipeline.model.session import open_session


def alone(
    model: onnx.ModelProto, node: NodeProto, x: NDArray[np.float32], *others: NDArray[np.generic]
) -> NDArray[np.float32]:
    """What a node of this model, or one like it, answers.

    Parameters
    ----------
    model : onnx.ModelProto
        Its opset counts, its graph does not.
    node : onnx.NodeProto
        Its attributes count, and its inputs and outputs do not.
    x : float32
        The first input.
    *others : arrays
        Further inputs, as constants.
    """
    names = ["x", *(f"x{place}" for place in range(1, 1 + len(others)))]
    lone = helper.make_node(node.op_type, names, ["y"])
    lone.attribute.extend(node.attribute)
    graph = helper.make_graph(
        [lone],
        "alone",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(one, name) for one, name in zip(others, names[1:], strict=True)],
    )
    whole = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    (answer,) = open_session(whole.SerializeToString()).run(None, {"x": x})
    return np.asarray(answer, np.float32)
