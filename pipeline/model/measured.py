"""What a network's shapes are, measured by running it; and what is computed from shapes alone, made constant.

Exporters that leave the batch open compute with shapes inside the graph: how wide a picture is by then, where to cut
it. No inference follows all of that, and a gradient has to know it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from pipeline.model.normalised import prune
from pipeline.model.onnx_file import reads
from pipeline.model.session import open_session

BATCHES = (1, 2)  # what differs between them depends on how many pictures there are
SHAPE = "polelens/shape_of/"


def measured(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed: with the shape of each tensor, and with constants for what no picture and no batch changes.

    ONNX Runtime's errors come through, where the network cannot be run with one picture and with two.
    """
    picture = model.graph.input[0]
    dims = [dim.dim_value for dim in picture.type.tensor_type.shape.dim]
    batches = (dims[0],) if dims[0] else BATCHES
    steady = _steady(model.graph, picture.name)
    session = open_session(_probe(model, steady))
    names = [output.name for output in session.get_outputs()]
    kind = helper.tensor_dtype_to_np_dtype(picture.type.tensor_type.elem_type)
    pictures = [np.zeros([batch, *dims[1:]], kind) for batch in batches]
    runs = [dict(zip(names, session.run(names, {picture.name: one}), strict=True)) for one in pictures]
    _write_shapes(model, runs, picture.type.tensor_type.shape.dim[0].dim_param or "batch")
    _fold(model.graph, {name: runs[0][name] for name in steady if _same([run[name] for run in runs])})
    return model


def _steady(graph: onnx.GraphProto, picture: str) -> list[str]:
    """The tensors that no picture changes: computed from constants, and from shapes."""
    changing = {picture}
    for node in graph.node:
        if node.op_type not in ("Shape", "Size") and changing.intersection(reads(node)):
            changing.update(node.output)
    return [name for node in graph.node for name in node.output if name and name not in changing]


def _probe(model: onnx.ModelProto, steady: Sequence[str]) -> bytes:
    """The model that answers with the steady tensors, and with the shapes of all."""
    graph = model.graph
    nodes, outputs = len(graph.node), list(graph.output)
    names = [name for node in graph.node for name in node.output if name]
    del graph.output[:]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in [*steady, *(SHAPE + name for name in names)])
    graph.node.extend(helper.make_node("Shape", [name], [SHAPE + name]) for name in names)
    probe = bytes(model.SerializeToString())
    del graph.node[nodes:], graph.output[:]  # in place, for a copy of all weights takes its time
    graph.output.extend(outputs)
    return probe


def _write_shapes(model: onnx.ModelProto, runs: Sequence[Mapping[str, NDArray[np.generic]]], batch: str) -> None:
    inferred = onnx.shape_inference.infer_shapes(model).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*inferred.value_info, *inferred.output)}
    outputs = {value.name: value for value in model.graph.output}
    del model.graph.value_info[:]
    for name in (name for node in model.graph.node for name in node.output):
        if types.get(name):
            if len({len(run[SHAPE + name]) for run in runs}) > 1:
                raise ValueError(f"{name!r} has more axes of two pictures than of one; export it with its axes named")
            lengths = zip(*(run[SHAPE + name].tolist() for run in runs), strict=True)
            shape = [
                one[0] if len(set(one)) == 1 else batch if one[0] == 1 else f"{one[0]} * {batch}" for one in lengths
            ]
            place = outputs[name] if name in outputs else model.graph.value_info.add()
            place.CopyFrom(helper.make_tensor_value_info(name, types[name], shape))


def _same(values: Sequence[NDArray[np.generic]]) -> bool:
    return all(one.shape == values[0].shape and np.array_equal(one, values[0]) for one in values)


def _fold(graph: onnx.GraphProto, constants: Mapping[str, NDArray[np.generic]]) -> None:
    kept = [node for node in graph.node if not constants.keys() & set(node.output)]
    del graph.node[:]
    graph.node.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items())
    prune(graph)
