"""Which tensors cannot be below zero: for their sake half of a rule's work can be left out."""

from collections.abc import Iterable

import numpy as np
from onnx import NodeProto

from pipeline.model.vjp.draft import Draft

ABOVE = frozenset({"Relu", "Sigmoid", "HardSigmoid", "Softmax", "Softplus", "Abs", "Exp", "Sqrt"})
KEPT = frozenset(
    {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceSum", "ReduceMax"}
    | {"Add", "Sum", "Mul", "Max", "Min", "Concat", "Identity", "Dropout", "Reshape", "Flatten", "Transpose"}
    | {"Squeeze", "Unsqueeze", "Slice", "Split", "Gather", "Expand"}
)


def above_zero(nodes: Iterable[NodeProto], draft: Draft) -> set[str]:
    """The tensors of a graph that cannot be below zero, as far as the operators tell."""
    found: set[str] = set()
    for node in nodes:
        kept = node.op_type in KEPT and all(name in found or _constant(name, draft) for name in _numbers(node))
        if node.op_type in ABOVE or kept or (node.op_type == "Clip" and _lowest(node, draft) >= 0):
            found.update(node.output)
    return found


def _constant(name: str, draft: Draft) -> bool:
    value = draft.value(name)
    return value is not None and bool((value >= 0).all())


def _numbers(node: NodeProto) -> list[str]:
    """The inputs whose numbers go into the output: of what moves and pools the first alone."""
    joined = node.op_type in ("Add", "Sum", "Mul", "Max", "Min", "Concat")
    return [name for name in (node.input if joined else node.input[:1]) if name]


def _lowest(node: NodeProto, draft: Draft) -> float:
    for attribute in node.attribute:
        if attribute.name == "min":
            return float(attribute.f)
    value = draft.value(node.input[1]) if len(node.input) > 1 and node.input[1] else None
    return -np.inf if value is None else float(value)
