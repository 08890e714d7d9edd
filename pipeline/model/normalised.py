"""Normalises a classifier's graph: one picture in, one row of scores out, nothing else left in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipeline.model.image_input import ImageInput, image_input
from pipeline.model.model import ModelRefused
from pipeline.model.onnx_file import graphs, opset, parse
from pipeline.model.outputs import ScoreOutput, score_output
from pipeline.model.stamp import OLDEST_IR, lower

SCORES = "polelens/scores"
AXES_AS_INPUT = 13  # from this opset on Squeeze takes its axes as an input


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier's graph, normalised, and what was read from the file on the way.

    Attributes
    ----------
    model : onnx.ModelProto
        Initialisers not among the inputs, IR at least 4, no label heads, one output `SCORES` [n, c].
    given : bytes
        The file as given, with stamps that ONNX Runtime takes.
    input : ImageInput
    output : ScoreOutput
        The output of the file as given that carries the scores.
    properties : mapping of str to str
        metadata_props of the file.
    opset, ir : int
        Of the file as given.
    """

    model: onnx.ModelProto
    given: bytes
    input: ImageInput
    output: ScoreOutput
    properties: Mapping[str, str]
    opset: int
    ir: int


def normalise(data: bytes, output: str | None = None) -> Network:
    """The classifier in an ONNX file, reduced to its scores; the batch axis stays as it is.

    Parameters
    ----------
    data : bytes
    output : str or None
        The output with the scores, where there are several.

    Raises
    ------
    ModelRefused
        As `pipeline.model.onnx_file.parse`, `image_input` and `score_output` do.
    """
    try:
        return _normalised(data, output)
    except UnicodeDecodeError as error:  # protobuf finds a broken name only when it is read
        raise ModelRefused("the file is not an ONNX model: its names are not text; export it again as ONNX") from error


def with_activation(model: onnx.ModelProto, operator: str) -> onnx.ModelProto:
    """The model with a Softmax over the labels, or a Sigmoid of each, after its scores."""
    changed = _copy(model)
    graph = changed.graph
    graph.node[-1].output[0] = "polelens/logits"
    options: dict[str, Any] = {"axis": 1} if operator == "Softmax" else {}
    name = f"polelens/{operator.lower()}"
    graph.node.append(helper.make_node(operator, ["polelens/logits"], [SCORES], name=name, **options))
    return changed


def with_complement(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its one score p as two: 1 - p, p."""
    changed = _copy(model)
    graph, element = changed.graph, changed.graph.output[0].type.tensor_type.elem_type
    graph.node[-1].output[0] = "polelens/p"
    graph.initializer.append(
        numpy_helper.from_array(np.ones(1, helper.tensor_dtype_to_np_dtype(element)), "polelens/1")
    )
    graph.node.append(helper.make_node("Sub", ["polelens/1", "polelens/p"], ["polelens/rest"], name="polelens/rest"))
    pair = ["polelens/rest", "polelens/p"]
    graph.node.append(helper.make_node("Concat", pair, [SCORES], name="polelens/pair", axis=1))
    return changed


def with_rows(model: onnx.ModelProto, columns: int) -> onnx.ModelProto:
    """The model with its scores in rows of so many columns, also where one picture's come without a batch axis."""
    changed = _copy(model)
    graph = changed.graph
    scores = graph.node.pop().input[0]  # the Flatten of `normalise`
    graph.initializer.append(numpy_helper.from_array(np.array([-1, columns], np.int64), "polelens/rows"))
    graph.node.append(helper.make_node("Reshape", [scores, "polelens/rows"], [SCORES], name="polelens/rows"))
    return changed


def with_free_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a batch axis of any length.

    A file exported at batch 1 often writes that 1 into its Reshapes; 0 there means "as long as the input's". A Squeeze
    that names no axes takes the batch axis away when one picture is asked: it is told which axes it was meant for.
    Whether the result is right for its batches only running it tells: see `pipeline.model.trial`.
    """
    changed = _copy(model)
    graph = changed.graph
    batch = graph.input[0].type.tensor_type.shape.dim[0]
    length = batch.dim_value or 1
    batch.dim_param = "batch"
    constants = _constants(graph)
    pictures = _depending(graph, graph.input[0].name)
    for index, node in enumerate(graph.node):
        if node.op_type != "Reshape" or node.input[0] not in pictures or node.input[1] not in constants:
            continue
        shape = constants[node.input[1]]
        if shape.size > 1 and shape[0] == length and not any(a.name == "allowzero" and a.i for a in node.attribute):
            node.input[1] = f"polelens/shape{index}"  # a copy: another Reshape may share the constant
            free = np.concatenate([[0], shape[1:]]).astype(np.int64)
            graph.initializer.append(numpy_helper.from_array(free, node.input[1]))
    _name_squeezed_axes(changed, pictures)
    prune(graph)
    return changed


def prune(graph: onnx.GraphProto) -> None:
    """Removes, in place, the nodes and initialisers that no output needs."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):  # ONNX keeps nodes in topological order
        if needed & set(node.output):
            kept.append(node)
            needed |= _names_used(node)
    _replace(graph.node, reversed(kept))
    _replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in needed])
    _replace(graph.sparse_initializer, [tensor for tensor in graph.sparse_initializer if tensor.values.name in needed])


def _normalised(data: bytes, wanted: str | None) -> Network:
    model = parse(data)
    version, operators = model.ir_version, opset(model)
    given = bytes(model.SerializeToString()) if lower(model) else data
    picture, output = image_input(model.graph), score_output(model.graph, wanted)
    _end_at(model.graph, output.tensor)
    prune(model.graph)
    _tidy(model, picture.name)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    return Network(model, given, picture, output, properties, operators, version)


def _name_squeezed_axes(model: onnx.ModelProto, pictures: set[str]) -> None:
    """Tell each Squeeze of a picture's tensors that names no axes the ones of length 1, without the batch.

    One that has the batch alone to take away takes nothing away.
    """
    bare = [
        (place, node)
        for place, node in enumerate(model.graph.node)
        if node.op_type == "Squeeze" and node.input[0] in pictures and len(node.input) == 1 and not node.attribute
    ]
    if not bare:
        return
    inferred = onnx.shape_inference.infer_shapes(model).graph.value_info
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in inferred}
    for place, node in bare:
        axes = [axis for axis, length in enumerate(shapes.get(node.input[0], [])) if axis and length == 1]
        if axes and opset(model) < AXES_AS_INPUT:
            node.attribute.append(helper.make_attribute("axes", axes))
        elif axes:
            node.input.append(f"polelens/axes{place}")
            model.graph.initializer.append(numpy_helper.from_array(np.array(axes, np.int64), node.input[1]))
        elif node.input[0] in shapes:
            node.op_type = "Identity"


def _end_at(graph: onnx.GraphProto, scores: str) -> None:
    """Makes `SCORES`, the flattened scores [n, c], the only output."""
    element = next((out.type.tensor_type.elem_type for out in graph.output if out.name == scores), TensorProto.FLOAT)
    graph.node.append(helper.make_node("Flatten", [scores], [SCORES], name="polelens/flatten", axis=1))
    _replace(graph.output, [helper.make_tensor_value_info(SCORES, element, ["batch", "labels"])])


def _tidy(model: onnx.ModelProto, picture: str) -> None:
    graph = model.graph
    # Up to IR 3 initialisers are listed as inputs too, and onnxruntime then may not fold them.
    _replace(graph.input, [value for value in graph.input if value.name == picture])
    model.ir_version = max(model.ir_version, OLDEST_IR)
    del graph.value_info[:]
    del model.training_info[:]
    used = {node.domain for inner in graphs(graph) for node in inner.node} | {"", "ai.onnx"}
    _replace(model.opset_import, [entry for entry in model.opset_import if entry.domain in used])


def _constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """The values of integer initialisers and Constant nodes of rank one."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    tensors |= {
        node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant" and node.attribute
    }
    shapes = {name: t for name, t in tensors.items() if t.data_type == TensorProto.INT64 and len(t.dims) == 1}
    return {name: numpy_helper.to_array(tensor) for name, tensor in shapes.items()}


def _depending(graph: onnx.GraphProto, name: str) -> set[str]:
    """The tensors computed from this one."""
    names = {name}
    for node in graph.node:
        if names & _names_used(node):
            names |= set(node.output)
    return names


def _names_used(node: onnx.NodeProto) -> set[str]:
    """The node's inputs, and those that the graphs inside it may take from outside."""
    names = set(node.input)
    for attribute in node.attribute:
        for body in (attribute.g, *attribute.graphs):
            for inner in graphs(body):
                names.update(value.name for value in inner.output)
                names.update(name for deep in inner.node for name in deep.input)
    return names


def _replace(field: Any, messages: Iterable[Any]) -> None:
    """Puts these messages into a repeated field in place of what it has."""
    kept = list(messages)
    del field[:]
    field.extend(kept)


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    return copied
