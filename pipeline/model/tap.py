"""Makes tensors inside a network readable."""

from collections.abc import Sequence

import onnx


def tap(network: bytes, tensors: Sequence[str]) -> bytes:
    """The network with these tensors among its outputs.

    Parameters
    ----------
    network : bytes
        An ONNX file.
    tensors : sequence of str
        Names of tensors of its graph.

    Raises
    ------
    ValueError
        For a name that no tensor of the graph has.
    """
    model = onnx.ModelProto.FromString(network)
    expose(model, tensors)
    return bytes(model.SerializeToString(deterministic=True))


def expose(model: onnx.ModelProto, tensors: Sequence[str]) -> None:
    """Make these tensors outputs, in place."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    known = {value.name: value for value in (*graph.input, *graph.value_info, *graph.output)}
    made = {name for node in graph.node for name in node.output} | {value.name for value in graph.input}
    outputs = {value.name for value in graph.output}
    for name in dict.fromkeys(tensors):
        if name not in made:
            raise ValueError(f"tap: the network has no tensor {name!r}")
        if name not in outputs:
            model.graph.output.append(known.get(name, onnx.ValueInfoProto(name=name)))
