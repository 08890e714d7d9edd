"""A network of float16 or float64 with all its numbers in float32: what is looked into has one kind of number.

On a CPU ONNX Runtime computes most of a float16 network in float32 in any case, with casts in between that hide its
structure; and a gradient of float16 vanishes soon.
"""

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, numpy_helper

from pipeline.model.onnx_file import graphs

OTHERS = (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
TYPES = ("to", "dtype", "output_dtype")  # attributes that say of which type an operator's answer is


def in_float32(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed: every tensor of floating-point numbers is float32, its inputs and outputs among them."""
    for graph in graphs(model.graph):
        for value in (*graph.input, *graph.value_info, *graph.output):
            if value.type.tensor_type.elem_type in OTHERS:
                value.type.tensor_type.elem_type = TensorProto.FLOAT
        for tensor in graph.initializer:
            _convert(tensor)
        for node in graph.node:
            _convert_attributes(node)
    return model


def _convert_attributes(node: NodeProto) -> None:
    for attribute in node.attribute:
        if attribute.name in TYPES and attribute.i in OTHERS:
            attribute.i = TensorProto.FLOAT
        if attribute.HasField("t"):
            _convert(attribute.t)


def _convert(tensor: TensorProto) -> None:
    if tensor.data_type in OTHERS:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
