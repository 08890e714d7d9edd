"""The tail of a network: what comes after a layer, as a network of its own."""

import onnx
from onnx import GraphProto, NodeProto, ValueInfoProto, helper

from pipeline.model.onnx_file import reads


def tail(network: bytes, layer: str, output: str) -> bytes:
    """The network from a layer on to another tensor, the scores or their logits.

    Parameters
    ----------
    network : bytes
        An ONNX file whose shapes are written out.
    layer, output : str
        The names of tensors: the input, with a free batch axis, and the only output of what is returned.

    Raises
    ------
    ValueError
        If there is no such tensor, or something goes round it from the picture to the answer.
    """
    model = onnx.ModelProto.FromString(network)
    graph = model.graph
    kept, entry, end = _after(graph, layer, output), _value(graph, layer), _value(graph, output)
    read, made = {name for node in kept for name in reads(node)}, {name for node in kept for name in node.output}
    weights = [tensor for tensor in graph.initializer if tensor.name in read]
    shapes = [value for value in graph.value_info if value.name in made]
    del graph.node[:], graph.input[:], graph.output[:], graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(weights)
    graph.value_info.extend(shapes)
    graph.node.extend(kept)
    graph.input.append(entry)
    graph.output.append(end)
    return bytes(model.SerializeToString(deterministic=True))


def _after(graph: GraphProto, layer: str, output: str) -> list[NodeProto]:
    """The nodes between the layer and the output, in their order."""
    made = {name: number for number, node in enumerate(graph.node) for name in node.output}
    if layer not in made:
        raise ValueError(f"layer is {layer!r}, and the network has no such tensor")
    given = {value.name for value in graph.input} - {tensor.name for tensor in graph.initializer}
    needed, open_names = set[int](), [output]
    while open_names:
        name = open_names.pop()
        if name in given:
            raise ValueError(f"layer is {layer!r}, which the picture also reaches the answer past; take a later one")
        if name != layer and name in made and made[name] not in needed:
            needed.add(made[name])
            open_names += reads(graph.node[made[name]])
    return [graph.node[number] for number in sorted(needed)]


def _value(graph: GraphProto, name: str) -> ValueInfoProto:
    """A tensor's type and shape with a free batch axis."""
    known = next((value for value in (*graph.value_info, *graph.output) if value.name == name), None)
    if known is None:
        raise ValueError(f"layer is {name!r}, whose shape is not known")
    kind = known.type.tensor_type
    shape = ["batch", *(dim.dim_value or dim.dim_param or None for dim in kind.shape.dim[1:])]
    return helper.make_tensor_value_info(name, kind.elem_type, shape)
