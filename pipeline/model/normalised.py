"""Normalises a classifier's graph: one picture in, one row of scores out, nothing else left in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipeline.model.model import ModelRefused
from pipeline.model.onnx_file import ImageInput, graphs, image_input, opset, parse

SCORES = "polelens/scores"
SCORE_TYPES = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier's graph, normalised, and what was read from the file on the way.

    Attributes
    ----------
    model : onnx.ModelProto
        Initialisers not among the inputs, IR at least 4, no label heads, one output `SCORES` [n, c].
    input : ImageInput
    given_output : str
        The output of the file as given that carries the scores: a tensor, or ZipMap's list of mappings.
    classes : tuple of str, or None
        ZipMap's class names, in the order of the columns.
    properties : mapping of str to str
        metadata_props of the file.
    opset, ir : int
        Of the file as given.
    """

    model: onnx.ModelProto
    input: ImageInput
    given_output: str
    classes: tuple[str, ...] | None
    properties: Mapping[str, str]
    opset: int
    ir: int


def normalise(data: bytes) -> Network:
    """The classifier in an ONNX file, reduced to its scores; the batch axis stays as it is.

    Raises
    ------
    ModelRefused
        As `pipeline.model.onnx_file.parse` and `image_input` do, and where no output, or no single one, can be the
        scores.
    """
    try:
        return _normalised(parse(data))
    except UnicodeDecodeError as error:  # protobuf finds a broken name only when it is read
        raise ModelRefused("the file is not an ONNX model: its names are not text; export it again as ONNX") from error


def with_softmax(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a softmax after its scores."""
    changed = _copy(model)
    graph = changed.graph
    graph.node[-1].output[0] = "polelens/logits"
    graph.node.append(helper.make_node("Softmax", ["polelens/logits"], [SCORES], name="polelens/softmax", axis=1))
    return changed


def with_free_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a batch axis of any length.

    A file exported at batch 1 often writes that 1 into its Reshapes; 0 there means "as long as the input's". Whether
    the result is right for its batches only running it tells: see `pipeline.model.trial`.
    """
    changed = _copy(model)
    graph = changed.graph
    graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    constants = _constants(graph)
    pictures = _depending(graph, graph.input[0].name)
    for index, node in enumerate(graph.node):
        if node.op_type != "Reshape" or node.input[0] not in pictures or node.input[1] not in constants:
            continue
        shape = constants[node.input[1]]
        if shape.size > 1 and shape[0] == 1 and not any(a.name == "allowzero" and a.i for a in node.attribute):
            node.input[1] = f"polelens/shape{index}"  # a copy: another Reshape may share the constant
            free = np.concatenate([[0], shape[1:]]).astype(np.int64)
            graph.initializer.append(numpy_helper.from_array(free, node.input[1]))
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


def _normalised(model: onnx.ModelProto) -> Network:
    picture, version = image_input(model.graph), model.ir_version
    output, scores, classes = _score_output(model.graph)
    _end_at(model.graph, scores)
    prune(model.graph)
    _tidy(model, picture.name)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    return Network(model, picture, output, classes, properties, opset(model), version)


def _score_output(graph: onnx.GraphProto) -> tuple[str, str, tuple[str, ...] | None]:
    """The output with the scores, the tensor behind it, and the class names that ZipMap knows."""
    makers = {name: node for node in graph.node for name in node.output}
    found = []
    for output in graph.output:
        maker = makers.get(output.name, onnx.NodeProto())
        if maker.op_type == "ZipMap" and maker.input:
            return output.name, maker.input[0], _zipmap_classes(maker)
        if output.type.tensor_type.elem_type in SCORE_TYPES:
            found.append((output.name, maker.op_type))
    if len(found) > 1:  # features beside the scores
        found = [(name, operator) for name, operator in found if operator in ("Softmax", "Sigmoid")]
    if len(found) != 1:
        names = ", ".join(repr(output.name) for output in graph.output)
        raise ModelRefused(
            f"no single output of {names} can be the scores; export the model with its probabilities only"
        )
    return found[0][0], found[0][0], None


def _zipmap_classes(node: onnx.NodeProto) -> tuple[str, ...] | None:
    """ZipMap's names; None where it has mere numbers."""
    for attribute in node.attribute:
        if attribute.name == "classlabels_strings":
            return tuple(text.decode("utf-8", "replace") for text in attribute.strings)
    return None


def _end_at(graph: onnx.GraphProto, scores: str) -> None:
    """Makes `SCORES`, the flattened scores [n, c], the only output."""
    element = next((out.type.tensor_type.elem_type for out in graph.output if out.name == scores), TensorProto.FLOAT)
    graph.node.append(helper.make_node("Flatten", [scores], [SCORES], name="polelens/flatten", axis=1))
    _replace(graph.output, [helper.make_tensor_value_info(SCORES, element, ["batch", "labels"])])


def _tidy(model: onnx.ModelProto, picture: str) -> None:
    graph = model.graph
    # Up to IR 3 initialisers are listed as inputs too, and onnxruntime then may not fold them.
    _replace(graph.input, [value for value in graph.input if value.name == picture])
    model.ir_version = max(model.ir_version, 4)
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
