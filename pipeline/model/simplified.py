"""A network with its constants folded, BatchNormalization put into the convolutions, and its shapes written out."""

from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import onnxruntime
from onnx import inliner, version_converter

from pipeline.model.image_input import image_input
from pipeline.model.measured import measured
from pipeline.model.onnx_file import graphs, opset
from pipeline.model.session import CPU, FATAL
from pipeline.model.single_precision import in_float32
from pipeline.model.vjp import RULES
from pipeline.model.vjp.walk import STANDARD, STEADY

OLDEST = 10  # the first whose Slice has steps, with OneHot and ConstantOfShape; 7 to 9 differ from it in form alone


def simplified(network: bytes, size: tuple[int, int] | None = None) -> bytes:
    """The same network, as small as ONNX Runtime's basic optimisations make it, which keep to the standard operators.

    Parameters
    ----------
    network : bytes
        An ONNX file as `pipeline.model.normalised.normalise` makes them.
    size : (height, width) or None
        The size of the picture, where the network takes any: a gradient through a stride needs to know it.

    Returns
    -------
    bytes
        An ONNX file with the same inputs and outputs, of the same opset, or of opset 10 where it was older, and with
        the shapes of all tensors written out. All its numbers are float32, see `pipeline.model.single_precision`.
    """
    model = in_float32(onnx.ModelProto.FromString(network))
    if size is not None:
        _fix(model.graph, size)
    model = measured(_optimised(_spelled_out(lifted(model))))
    used = {node.domain for inner in graphs(model.graph) for node in inner.node} | {""}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    return bytes(model.SerializeToString(deterministic=True))


def lifted(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model at opset 10 or newer."""
    return model if opset(model) >= OLDEST else version_converter.convert_version(model, OLDEST)


def _spelled_out(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with each operator that has no rule written in others, where the standard says in which."""
    standard = {node.op_type for node in model.graph.node if node.domain in STANDARD}
    compound = [name for name in sorted(standard - {*RULES, *STEADY}) if _stands_for_others(name, opset(model))]
    if not compound:
        return model
    return inliner.inline_selected_functions(model, [("", name) for name in compound], inline_schema_functions=True)


def _stands_for_others(operator: str, version: int) -> bool:
    schema = onnx.defs.get_schema(operator, version)
    return bool(schema.has_function or schema.has_context_dependent_function)  # type: ignore[attr-defined]


def _fix(graph: onnx.GraphProto, size: tuple[int, int]) -> None:
    """Write the size and the channels into the picture's open axes: all but the batch's."""
    axes = graph.input[0].type.tensor_type.shape.dim[1:]
    if all(axis.dim_value for axis in axes):
        return
    picture = image_input(graph)
    lengths = (picture.channels, *size) if picture.layout == "nchw" else (*size, picture.channels)
    for axis, length in zip(axes, lengths, strict=True):
        axis.dim_value = axis.dim_value or length


def _optimised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model after the basic optimisations, which ONNX Runtime writes to a file only."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = FATAL
    with TemporaryDirectory() as folder:
        path = Path(folder) / "simplified.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[CPU])
        return onnx.load(path)
