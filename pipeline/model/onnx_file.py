"""What an ONNX file holds: parsed in memory, refused if it may not or cannot be explained."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import onnx
from google.protobuf.message import DecodeError

from pipeline.model.model import ModelRefused

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")  # nothing else is needed by an exported classifier, or can be trusted
OLDEST_OPSET = 7  # the oldest that onnxruntime promises to run, and that broadcasts as NumPy does
DETECTOR_OUTPUTS = {"detected_boxes", "detected_classes", "detected_scores", "model_outputs0"}

Layout = Literal["nchw", "nhwc"]


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The one input of a network: a batch of color pictures.

    Attributes
    ----------
    name : str
    layout : "nchw" or "nhwc"
    size : int or None
        Height and width in pixels; None where the network takes any.
    half : bool
        Whether it takes float16.
    batch : int or None
        The fixed batch size; None where it is free.
    """

    name: str
    layout: Layout
    size: int | None
    half: bool
    batch: int | None


def parse(data: bytes) -> onnx.ModelProto:
    """The model in these bytes; never opens another file.

    Raises
    ------
    ModelRefused
        For bytes that are no ONNX model, external data, functions, foreign operators, and opsets before 7.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ModelRefused("the file is not an ONNX model; export it again as ONNX") from error
    if not (model.ir_version and model.opset_import and model.graph.node and model.graph.output):
        raise ModelRefused("the file is not an ONNX model; export it again as ONNX")
    _refuse_external_data(model)
    _refuse_foreign_operators(model)
    if opset(model) < OLDEST_OPSET:
        raise ModelRefused(
            f"the model uses opset {opset(model)}, the oldest supported is {OLDEST_OPSET}; "
            "convert it with onnx.version_converter"
        )
    return model


def opset(model: onnx.ModelProto) -> int:
    """The version of the standard operators that the model uses."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and every graph inside it (the bodies of If, Loop and Scan)."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from graphs(inner)


def image_input(graph: onnx.GraphProto) -> ImageInput:
    """The network's picture input, told from its shape and type. Raises ModelRefused where there is no such thing."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(repr(value.name) for value in inputs) or "none"
        raise ModelRefused(
            f"the model has {len(inputs)} inputs ({names}), expected one picture; export an image classifier"
        )
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
        kind = {number: name for name, number in onnx.TensorProto.DataType.items()}.get(tensor.elem_type, "unknown")
        raise ModelRefused(f"the model's input {inputs[0].name!r} is {kind}, expected FLOAT or FLOAT16; export it so")
    dims = [dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim]
    layout = _layout(inputs[0].name, dims)
    height, width = dims[2:] if layout == "nchw" else dims[1:3]
    if height and width and height != width:
        raise ModelRefused(f"the model's input is {height} x {width} pixels; only square inputs are supported")
    if dims[0] not in (None, 1):
        raise ModelRefused(f"the model takes batches of exactly {dims[0]}; export it with a batch of 1 or a free one")
    half = tensor.elem_type == onnx.TensorProto.FLOAT16
    return ImageInput(inputs[0].name, layout, height or width, half, dims[0])


def _layout(name: str, dims: list[int | None]) -> Layout:
    if len(dims) == 4 and dims[1] == 3:
        return "nchw"
    if len(dims) == 4 and dims[3] == 3:
        return "nhwc"
    raise ModelRefused(
        f"the model's input {name!r} has the shape {[dim or '?' for dim in dims]}, expected [n, 3, h, w] or "
        "[n, h, w, 3]; export a classifier of color pictures"
    )


def _refuse_external_data(model: onnx.ModelProto) -> None:
    for graph in graphs(model.graph):
        for tensor in _tensors(graph):
            if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise ModelRefused(
                    f"the model keeps its weights ({tensor.name!r}) in another file; "
                    "save it as one file without external data"
                )


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    sparse = list(graph.sparse_initializer)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            sparse += (attribute.sparse_tensor, *attribute.sparse_tensors)
    for tensor in sparse:
        yield from (tensor.values, tensor.indices)


def _refuse_foreign_operators(model: onnx.ModelProto) -> None:
    if model.functions:
        raise ModelRefused(
            f"the model defines a function of its own ({model.functions[0].name!r}); inline it and export again"
        )
    for graph in graphs(model.graph):
        for node in graph.node:
            if node.domain not in DOMAINS:
                raise ModelRefused(
                    f"the model uses the operator {node.op_type!r} of the domain {node.domain!r}; "
                    "only standard ONNX operators are run, so export it without custom ones"
                )
    detector = DETECTOR_OUTPUTS & {value.name for value in model.graph.output}
    if detector:
        raise ModelRefused(
            f"the model is an object detector (output {min(detector)!r}); polelens explains classifiers only"
        )
