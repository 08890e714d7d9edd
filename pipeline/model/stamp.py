"""The stamps of an ONNX file: which IR and which operators it was written for, lowered to what ONNX Runtime takes."""

from contextlib import suppress
from functools import lru_cache

import onnx
import onnx.version_converter
from onnx import TensorProto, helper

from pipeline.model.session import open_session

STANDARD = ("", "ai.onnx")
OLDEST_IR = 4  # from here on initialisers need not be inputs too


@lru_cache(maxsize=1)
def newest() -> tuple[int, int]:
    """The newest IR and the newest standard operators that this ONNX Runtime takes: found by trying, as no call tells.

    The onnx package is ahead of it by a version or two, and stamps what it saves with its own newest.
    """
    ir = next(ir for ir in range(onnx.IR_VERSION, OLDEST_IR, -1) if _opens(ir, 7))
    return ir, next(opset for opset in range(onnx.defs.onnx_opset_version(), 7, -1) if _opens(ir, opset))


def lower(model: onnx.ModelProto) -> bool:
    """Lower, in place, stamps that ONNX Runtime does not take yet; whether any was.

    Where none of the operators used has changed in between, the file means the same under the older stamp; where one
    has, ONNX's own converter makes the older one of it. What it cannot convert is left for ONNX Runtime to refuse.
    """
    ir, opset = newest()
    lowered = model.ir_version > ir
    model.ir_version = min(model.ir_version, ir)
    for entry in model.opset_import:
        if entry.domain not in STANDARD or not opset < entry.version <= onnx.defs.onnx_opset_version():
            continue  # of operators from beyond what is known nobody can say whether they changed
        lowered = True
        if _changed(model.graph, opset, entry.version):
            with suppress(Exception):  # the converter's errors share no nearer ancestor
                model.CopyFrom(onnx.version_converter.convert_version(model, opset))
            break
        entry.version = opset
    return lowered


def _changed(graph: onnx.GraphProto, before: int, after: int) -> bool:
    """Whether an operator of the graph, or of one inside it, means something else after than before."""
    inside = (body for node in graph.node for a in node.attribute for body in (a.g, *a.graphs))
    names = {node.op_type for node in graph.node if node.domain in STANDARD}
    return any(_since(name, after) > before for name in names) or any(_changed(g, before, after) for g in inside)


def _since(name: str, opset: int) -> int:
    try:
        return onnx.defs.get_schema(name, opset).since_version
    except onnx.defs.SchemaError:  # ONNX Runtime will say that there is no such operator
        return 0


def _opens(ir: int, opset: int) -> bool:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "try", ends[:1], ends[1:])
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    try:
        open_session(file.SerializeToString())
    except Exception:  # onnxruntime's errors share no nearer ancestor
        return False
    return True
