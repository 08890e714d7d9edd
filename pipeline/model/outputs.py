"""Which of a network's outputs are the scores, and what the graph tells of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, numpy_helper

from pipeline.model.model import ModelRefused
from pipeline.text import meant

SCORE_TYPES = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
PROBABILITIES = {"Softmax": "Softmax", "Sigmoid": "Sigmoid", "HardSigmoid": "Sigmoid", "LogSoftmax": "LogSoftmax"} | {
    "QLinearSoftmax": "Softmax",  # as ONNX Runtime's quantisation writes them
    "QLinearSigmoid": "Sigmoid",
}
# These change the form of the scores and not their meaning.
PASSING = ["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Cast", "Transpose"]
PASSING += ["QuantizeLinear", "DequantizeLinear"]


@dataclass(frozen=True, slots=True)
class ScoreOutput:
    """The output with the scores.

    Attributes
    ----------
    name : str
        The output of the file: a tensor, or ZipMap's list of mappings.
    tensor : str
        The tensor behind it.
    classes : tuple of str, or None
        ZipMap's class names, in the order of the columns.
    operator : str
        The last operator that gives the scores a meaning; Softmax, Sigmoid and LogSoftmax by these names.
    bias : float
        The mean of what that operator adds to every picture's scores, where it adds a constant; else 0.
    """

    name: str
    tensor: str
    classes: tuple[str, ...] | None
    operator: str
    bias: float


def score_output(graph: onnx.GraphProto, wanted: str | None = None) -> ScoreOutput:
    """The output with the scores: the one wanted, or the one that can be meant.

    Raises
    ------
    ModelRefused
        If there is none, none of that name, or several of which nothing says which is meant.
    """
    makers = {name: node for node in graph.node for name in node.output}
    zipmaps = [output for output in graph.output if makers.get(output.name, NodeProto()).op_type == "ZipMap"]
    found = zipmaps + [output for output in graph.output if output.type.tensor_type.elem_type in SCORE_TYPES]
    name = (zipmaps or [_chosen(graph, found, makers)])[0].name if wanted is None else _named(graph, found, wanted)
    maker = makers.get(name, NodeProto())
    mapped = maker.op_type == "ZipMap" and maker.input
    tensor = maker.input[0] if mapped else name
    last = _last(tensor, makers)
    operator = PROBABILITIES.get(last.op_type, last.op_type)
    return ScoreOutput(name, tensor, _zipmap_classes(maker) if mapped else None, operator, _bias(last, graph))


def _chosen(graph: onnx.GraphProto, found: Sequence[ValueInfoProto], makers: Mapping[str, NodeProto]) -> ValueInfoProto:
    """The only output of numbers, or the one that ends in a softmax or sigmoid and that all others lead to."""
    if len(found) == 1:
        return found[0]
    for output in found:
        final = _last(output.name, makers).op_type in PROBABILITIES
        if final and {one.name for one in found} <= _leading_to(output.name, makers):
            return output
    if not found:
        names = ", ".join(repr(output.name) for output in graph.output)
        raise ModelRefused(
            f"none of the model's outputs ({names}) has numbers; export the model with its probabilities"
        )
    shown = ", ".join(f"{output.name!r}{_shape(output)}" for output in found)
    raise ModelRefused(
        f"the model has {len(found)} outputs that can be its scores ({shown}); name the one meant with --output"
    )


def _named(graph: onnx.GraphProto, found: Sequence[ValueInfoProto], wanted: str) -> str:
    names = [output.name for output in found]
    if wanted in names:
        return wanted
    if wanted in {output.name for output in graph.output}:
        raise ModelRefused(f"output {wanted!r} has no scores: it is not of floating-point numbers; {_offered(names)}")
    raise ModelRefused(f"output: the model has no {wanted!r}{meant(wanted, names)}; {_offered(names)}")


def _offered(names: Sequence[str]) -> str:
    return f"it has {', '.join(map(repr, names)) or 'none with scores'}"


def _last(tensor: str, makers: Mapping[str, NodeProto]) -> NodeProto:
    """The last node that gives a tensor its meaning."""
    node = makers.get(tensor, NodeProto())
    while node.op_type in PASSING and node.input[0] in makers:
        node = makers[node.input[0]]
    return node


def _leading_to(tensor: str, makers: Mapping[str, NodeProto]) -> set[str]:
    """The tensor and all that it is computed from."""
    names, ahead = {tensor}, [tensor]
    while ahead:
        for name in makers.get(ahead.pop(), NodeProto()).input:
            if name not in names:
                names.add(name)
                ahead.append(name)
    return names


def _bias(node: NodeProto, graph: onnx.GraphProto) -> float:
    added = {"Gemm": node.input[2:], "Conv": node.input[2:], "Add": node.input[:]}.get(node.op_type, [])
    values = [numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.name in added]
    return float(np.mean(values[0], dtype=np.float64)) if values and values[0].size else 0.0


def _zipmap_classes(node: NodeProto) -> tuple[str, ...] | None:
    """ZipMap's names; None where it has mere numbers."""
    for attribute in node.attribute:
        if attribute.name == "classlabels_strings":
            return tuple(text.decode("utf-8", "replace") for text in attribute.strings)
    return None


def _shape(output: ValueInfoProto) -> str:
    dims = output.type.tensor_type.shape.dim
    if not dims:
        return ""
    return f" [{', '.join(str(dim.dim_value or dim.dim_param or '?') for dim in dims)}]"
