"""What an ONNX file holds: parsed in memory, refused if it may not or cannot be explained."""

from collections.abc import Iterator

import onnx
from google.protobuf.message import DecodeError
from onnx import inliner

from pipeline.model.model import ModelRefused

# What ONNX Runtime brings along itself; com.microsoft's are what its quantisation and its own optimiser write.
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")
OUTSIDE = ("EPContext",)  # of com.microsoft: a pointer to another file
OLDEST_OPSET = 7  # the oldest that onnxruntime promises to run, and that broadcasts as NumPy does
DETECTOR_OUTPUTS = {"detected_boxes", "detected_classes", "detected_scores", "model_outputs0"}


def parse(data: bytes) -> onnx.ModelProto:
    """The model in these bytes; never opens another file.

    Raises
    ------
    ModelRefused
        For bytes that are no ONNX model, external data, foreign operators, and opsets before 7.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ModelRefused("the file is not an ONNX model; export it again as ONNX") from error
    if not (model.ir_version and model.opset_import and model.graph.node and model.graph.output):
        raise ModelRefused("the file is not an ONNX model; export it again as ONNX")
    model = _inlined(model)
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


def reads(node: onnx.NodeProto) -> Iterator[str]:
    """The tensors that a node reads, those that its inner graphs take from outside included."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for inner in (attribute.g, *attribute.graphs):
            made = {name for one in inner.node for name in one.output}
            yield from (name for one in inner.node for name in reads(one) if name not in made)


def halves(graph: onnx.GraphProto) -> bool:
    """Whether anything in the graph is computed in float16, which keeps 11 bits."""
    small = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    declared = [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)]
    casts = [a.i for node in graph.node if node.op_type == "Cast" for a in node.attribute if a.name == "to"]
    return any(kind in small for kind in (*declared, *casts, *(t.data_type for t in graph.initializer)))


def _refuse_external_data(model: onnx.ModelProto) -> None:
    for graph in graphs(model.graph):
        for tensor in _tensors(graph):
            if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise ModelRefused(
                    f"the model keeps its weights ({tensor.name!r}) in another file; save it as one file, in Python: "
                    "onnx.save(onnx.load('model.onnx'), 'whole.onnx')"
                )


def _inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with functions of its own, as PyTorch's exporter writes them, put in where they are called."""
    if not model.functions:
        return model
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # the inliner's errors share no nearer ancestor
        raise ModelRefused(
            f"the model defines a function of its own ({model.functions[0].name!r}) that cannot be inlined; export it "
            "without functions"
        ) from error


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
    for graph in graphs(model.graph):
        for node in graph.node:
            if node.domain not in DOMAINS or (node.domain == "com.microsoft" and node.op_type in OUTSIDE):
                raise ModelRefused(
                    f"the model uses the operator {node.op_type!r} of the domain {node.domain!r}; "
                    "only operators that ONNX Runtime brings along are run, so export it without custom ones"
                )
    detector = DETECTOR_OUTPUTS & {value.name for value in model.graph.output}
    if detector:
        raise ModelRefused(
            f"the model is an object detector (output {min(detector)!r}); polelens explains classifiers only"
        )
