"""Turns TensorFlow's graphs into ONNX by tf2onnx; TensorFlow is imported only here, and only when one is to be turned.

A graph is a program. Only operators that compute numbers are let through, before TensorFlow sees it: none of them opens
a file, calls Python or asks the network.
"""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.graph_def import (
    PLACEHOLDERS,
    Ends,
    ancestors,
    ends_of,
    graph_of,
    node_of,
    reached,
    restores_elsewhere,
    saved_model_of,
    shape_at,
    signed_ends,
)
from pipeline.model.model import ModelRefused
from pipeline.model.onnx_file import graphs
from pipeline.model.tensorflow_file import TensorFlowFile

CHANNELS = (1, 3)
FLOAT = 1  # TensorFlow's DT_FLOAT
OPSET = 15  # tf2onnx's own default
INSTALL = "pip install 'polelens[tensorflow]'"
# What tf2onnx turns by rewriting several nodes at once, or what TensorFlow folds away before.
REWRITTEN = {"Assert", "BatchNormWithGlobalNormalization", "Enter", "Exit", "LinSpace", "LoopCond", "Merge"}
REWRITTEN |= {"NextIteration", "PartitionedCall", "QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "Rank"}
REWRITTEN |= {"StatefulPartitionedCall", "Switch"}
VARIABLES = {"DisableCopyOnRead", "ReadVariableOp", "VarHandleOp", "Variable", "VariableV2"}
RESTORING = {"Assign", "AssignVariableOp", "Const", "Identity", "NoOp", "PartitionedCall", "Placeholder"}
RESTORING |= {"PlaceholderWithDefault", "RestoreV2", "StatefulPartitionedCall"}


@dataclass(frozen=True, slots=True)
class Converted:
    """A TensorFlow graph as ONNX, and itself to compare with.

    Attributes
    ----------
    onnx : bytes
        Takes NCHW, as TensorFlow's own takes NHWC.
    ends : Ends
    versions : str
        Of what converted it.
    """

    onnx: bytes
    ends: Ends
    versions: str
    _graph: Any
    _nhwc: bool

    def answers(self, pictures: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
        """TensorFlow's own scores for pictures, float32 [c, h, w] each, put to it one at a time: float32 [n, c]."""
        tf = importlib.import_module("tensorflow")
        with tf.Graph().as_default() as graph, _session(tf, graph) as session:
            tf.import_graph_def(self._graph, name="")
            entrance = graph.get_tensor_by_name(self.ends.input)
            batch = entrance.shape.as_list()[0] or 1
            rows = []
            for picture in pictures:
                tensor = (picture.transpose(1, 2, 0) if self._nhwc else picture).astype(entrance.dtype.as_numpy_dtype)
                answer = session.run(self.ends.output, {self.ends.input: np.repeat(tensor[None], batch, axis=0)})
                rows.append(np.asarray(answer, np.float32).reshape(batch, -1)[0])
        return np.stack(rows)


def convert(file: TensorFlowFile, input_name: str | None = None, output: str | None = None) -> Converted:
    """A TensorFlow graph as ONNX.

    Parameters
    ----------
    file : TensorFlowFile
    input_name, output : str or None
        Nodes, tensors or, in a SavedModel, keys of its signature; found where they are not given.

    Raises
    ------
    ModelRefused
        If TensorFlow or tf2onnx are not installed, the ends cannot be found, or the graph cannot be converted or run.
    """
    saved = saved_model_of(file.data) if file.variables is not None else None
    if file.variables is not None and saved is None:
        raise ModelRefused("the SavedModel holds no graph; save it again")
    graph = saved.graph_def if saved is not None else graph_of(file.data)
    ends = signed_ends(saved, input_name, output) if saved is not None else ends_of(graph, input_name, output)
    tf, tf2onnx = _libraries()
    kept = _needed(graph, ends, saved)
    shape = shape_at(graph, ends.input)
    nhwc = shape is None or len(shape) != 4 or shape[1] not in CHANNELS or shape[3] in CHANNELS
    try:
        frozen = _frozen(tf, file, ends, kept)
        onnx = _onnx(tf2onnx, frozen, ends, nhwc)
    except Exception as error:  # TensorFlow's and tf2onnx's errors share no nearer ancestor
        raise ModelRefused(
            f"tf2onnx cannot turn the graph into ONNX ({_first_line(error)}); export the model as ONNX, or name other "
            "ends with --input and --output"
        ) from error
    return Converted(onnx, ends, f"tf2onnx {tf2onnx.__version__}, TensorFlow {tf.__version__}", frozen, nhwc)


def _libraries() -> tuple[Any, Any]:
    try:
        tf2onnx = importlib.import_module("tf2onnx")
        importlib.import_module("tf2onnx.convert")
        return importlib.import_module("tensorflow"), tf2onnx
    except ImportError as error:
        raise ModelRefused(
            f"the model is a TensorFlow graph, and what converts it is not installed ({error}); run {INSTALL}"
        ) from error


def _needed(graph: Any, ends: Ends, saved: Any) -> set[str]:
    """The nodes between the ends, and those that restore the variables; refused if one computes no numbers."""
    tables = importlib.import_module("tf2onnx.handler").tf_op.get_opsets().get("", [])
    known = REWRITTEN.union(*tables) | (VARIABLES if saved is not None else set())
    names = ancestors(graph, [node_of(ends.output)], stop=[node_of(ends.input)])
    used, _ = reached(graph, [name for name in names if name != node_of(ends.input)])
    strange = {op: node for op, node in used.items() if op not in known}
    if saved is None and not strange.keys().isdisjoint(VARIABLES):
        raise ModelRefused(
            "the graph is not frozen: its weights are in another file; give the SavedModel, or freeze it"
        )
    if saved is not None:
        names += ancestors(graph, [saved.saver_def.restore_op_name])
        restored, _ = reached(graph, ancestors(graph, [saved.saver_def.restore_op_name]))
        strange |= {op: node for op, node in restored.items() if op not in RESTORING | VARIABLES}
        if restores_elsewhere(saved):
            raise ModelRefused("the SavedModel would read another file than its own variables; save it again")
    if strange:
        op, node = next(iter(strange.items()))
        raise ModelRefused(
            f"the graph uses the operator {op!r} ({node!r}), which has no counterpart in ONNX; export the model "
            "without it, or name with --input and --output the tensors that it does not lie between"
        )
    needed = set(names)
    reads = [node for node in graph.node if node.op == "ReadVariableOp" and needed.issuperset(map(node_of, node.input))]
    return needed | {node.name for node in reads}  # TensorFlow's freezing goes by these


def _frozen(tf: Any, file: TensorFlowFile, ends: Ends, names: set[str]) -> Any:
    """The graph of these nodes alone, with a SavedModel's variables in it; nothing else that the file wants is done."""
    if file.variables is None:
        return _opened(_kept(tf.compat.v1.GraphDef.FromString(file.data), names), ends.input)
    saved = importlib.import_module("tensorflow.core.protobuf.saved_model_pb2").SavedModel.FromString(file.data)
    freezing = importlib.import_module("tensorflow.python.framework.convert_to_constants")
    meta, output = saved.meta_graphs[0], node_of(ends.output)
    with TemporaryDirectory() as folder, tf.Graph().as_default() as graph, _session(tf, graph) as session:
        tf.import_graph_def(_kept(meta.graph_def, names), name="")
        if file.variables:
            prefix = _written(file, Path(folder))
            session.run(meta.saver_def.restore_op_name, {meta.saver_def.filename_tensor_name: prefix})
        frozen = freezing.convert_variables_to_constants_from_session_graph(session, graph.as_graph_def(), [output])
    return _opened(_kept(frozen, {node.name for node in frozen.node}), ends.input)


def _kept(graph: Any, names: set[str]) -> Any:
    """The graph of these nodes and the functions that they call; tf2onnx stumbles over those that nothing calls."""
    kept = type(graph)(versions=graph.versions)
    kept.node.extend(node for node in graph.node if node.name in names)
    _, called = reached(graph_of(graph.SerializeToString()), names)
    kept.library.function.extend(each for each in graph.library.function if each.signature.name in called)
    return kept


def _opened(graph: Any, entrance: str) -> Any:
    """The graph with a placeholder where pictures enter, for colour pictures of any size if it says no shape."""
    node = next(node for node in graph.node if node.name == node_of(entrance))
    if node.op not in PLACEHOLDERS:
        kind = node.attr["T"].type or FLOAT
        node.op = "Placeholder"
        node.ClearField("input")
        node.ClearField("attr")
        node.attr["dtype"].type = kind
    if node.attr["shape"].shape.unknown_rank or not node.attr["shape"].shape.dim:
        node.attr["shape"].shape.ClearField("unknown_rank")
        for size in (-1, -1, -1, 3):
            node.attr["shape"].shape.dim.add(size=size)
    return graph


def _written(file: TensorFlowFile, folder: Path) -> str:
    """The variables written below a folder, and where TensorFlow finds them: it reads them from files only."""
    (folder / "variables").mkdir()
    for path, data in (file.variables or {}).items():
        (folder / path).write_bytes(data)
    return str(folder / "variables/variables")


def _onnx(tf2onnx: Any, graph: Any, ends: Ends, nhwc: bool) -> bytes:
    model, _ = tf2onnx.convert.from_graph_def(
        graph,
        input_names=[ends.input],
        output_names=[ends.output],
        opset=OPSET,
        inputs_as_nchw=[ends.input] if nhwc else None,
    )
    _name_constants(model.graph)
    return bytes(model.SerializeToString(deterministic=True))


def _name_constants(graph: Any) -> None:
    """Name the constants, and put them, in the order of their use.

    tf2onnx merges equal ones in an order of chance; the same file is to give the same bytes.
    """
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    names: dict[str, str] = {}
    for node in (node for inner in graphs(graph) for node in inner.node):
        for place, name in enumerate(node.input):
            if name in tensors:
                node.input[place] = names.setdefault(name, f"constant{len(names)}")
    kept = [tensors[name] for name in names]
    for tensor in kept:
        tensor.name = names[tensor.name]
    copies = [type(tensor).FromString(tensor.SerializeToString()) for tensor in kept]
    del graph.initializer[:]
    graph.initializer.extend(copies)


def _session(tf: Any, graph: Any) -> Any:
    alone = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    return tf.compat.v1.Session(graph=graph, config=alone)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
