"""The picture that a network takes: its layout, size, channels and numbers, told from the graph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper

from pipeline.model.model import ModelRefused

Layout = Literal["nchw", "nhwc"]

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
INTEGERS = (TensorProto.UINT8, TensorProto.INT8, TensorProto.UINT16, TensorProto.INT32, TensorProto.INT64)
CHANNELS = (1, 3)  # grey, color
KERNELS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3}  # which input of a convolution is its kernel
TO_NCHW = [0, 3, 1, 2]


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The one input of a network: a batch of pictures.

    Attributes
    ----------
    name : str
    layout : "nchw" or "nhwc"
    channels : 1 or 3
    height, width : int or None
        In pixels; None where the network takes any.
    element : int
        The type of its numbers, of onnx.TensorProto.
    batch : int or None
        The fixed batch size; None where it is free.
    """

    name: str
    layout: Layout
    channels: int
    height: int | None
    width: int | None
    element: int
    batch: int | None

    @property
    def dtype(self) -> np.dtype:
        """The type of its numbers, of NumPy."""
        return helper.tensor_dtype_to_np_dtype(self.element)

    @property
    def integral(self) -> bool:
        """Whether it takes whole numbers: then the scaling is inside the network."""
        return self.element in INTEGERS


def image_input(graph: onnx.GraphProto) -> ImageInput:
    """The network's picture input, told from its shape and type. Raises ModelRefused where there is no such thing."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(repr(value.name) for value in inputs) or "none"
        raise ModelRefused(
            f"the model has {len(inputs)} inputs ({names}), expected one picture; export an image classifier"
        )
    name, tensor = inputs[0].name, inputs[0].type.tensor_type
    if tensor.elem_type not in FLOATS + INTEGERS:
        kind = {number: name for name, number in TensorProto.DataType.items()}.get(tensor.elem_type, "unknown")
        raise ModelRefused(f"the model's input {name!r} is {kind}, no numbers of a picture; export it with FLOAT")
    dims = [dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim]
    layout, channels = _layout(graph, name, dims, [dim.dim_param for dim in tensor.shape.dim])
    height, width = dims[2:] if layout == "nchw" else dims[1:3]
    return ImageInput(name, layout, channels, height, width, tensor.elem_type, dims[0])


def _layout(graph: onnx.GraphProto, name: str, dims: list[int | None], params: list[str]) -> tuple[Layout, int]:
    """The layout and the number of channels: from the shape, or where that is silent from the first convolution."""
    if len(dims) == 4:
        for axis, layout in ((1, "nchw"), (3, "nhwc")):  # 3 before 1: a grey NHWC picture may be of 3 rows, not of 1
            if dims[axis] == 3:
                return layout, 3  # type: ignore[return-value]
        if dims[1] == 1:
            return "nchw", 1
        if dims[3] == 1:
            return "nhwc", 1
        if None in (dims[1], dims[3]):
            found = _first_convolution(graph, name) or _named_channels(params)
            if found and found[1] in CHANNELS:
                return found
    raise ModelRefused(
        f"the model's input {name!r} has the shape {_shown(dims, params)}, expected [n, 3, h, w] or [n, h, w, 3], or 1 "
        "channel in the place of 3; export a classifier of pictures with its channels fixed"
    )


def _first_convolution(graph: onnx.GraphProto, name: str) -> tuple[Layout, int] | None:
    """The layout and channels that the first convolution of the picture wants: it is NCHW, and its kernel counts."""
    kernels = {tensor.name: tensor.dims for tensor in graph.initializer}
    turned: dict[str, bool] = {name: False}  # what is computed from the picture alone: was it transposed on the way?
    for node in graph.node:
        sources = [one for one in node.input if one in turned]
        if node.op_type in KERNELS and node.input[0] in turned:
            kernel = _dims(node.input[KERNELS[node.op_type]], kernels, graph)
            group = next((a.i for a in node.attribute if a.name == "group"), 1)
            return None if len(kernel) != 4 else ("nhwc" if turned[node.input[0]] else "nchw", kernel[1] * group)
        if sources:
            to_nchw = any(a.name == "perm" and list(a.ints) == TO_NCHW for a in node.attribute)
            turned |= dict.fromkeys(node.output, turned[sources[0]] or (node.op_type == "Transpose" and to_nchw))
    return None


def _dims(name: str, kernels: Mapping[str, object], graph: onnx.GraphProto) -> list[int]:
    """The shape of a kernel: an initialiser, a Constant, or what either becomes when it is dequantised or cast."""
    if name in kernels:
        return list(kernels[name])  # type: ignore[call-overload, no-any-return]
    maker = next((node for node in graph.node if name in node.output), NodeProto())
    if maker.op_type == "Constant":
        return [size for a in maker.attribute for size in a.t.dims]
    if maker.op_type in ("DequantizeLinear", "Cast", "Identity"):
        return _dims(maker.input[0], kernels, graph)
    return []


def _named_channels(params: list[str]) -> tuple[Layout, int] | None:
    """Exporters that leave all axes free name them: (batch_size, num_channels, height, width)."""
    for axis, layout in ((1, "nchw"), (3, "nhwc")):
        if "channel" in params[axis].lower():
            return layout, 3  # type: ignore[return-value]
    return None


def _shown(dims: list[int | None], params: list[str]) -> str:
    return f"[{', '.join(str(dim or param or '?') for dim, param in zip(dims, params, strict=True))}]"
