"""Planted models: small ONNX files whose answers are known, and zips that look as Custom Vision's exports do.

All the planted ones take `data` [N, 3, size, size] and answer `probs` [N, c].
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

LABELS = ("BETONG", "STAAL", "TRE")


def uneven() -> bytes:
    """An additive model of 32x32 pictures that weighs every pixel otherwise, with answers well within 0..1."""
    weights = np.random.Generator(np.random.Philox(7)).normal(size=(3, 32, 32))
    return additive(weights * 0.45 / np.abs(weights).sum() / 255, bias=0.5)


def additive(weights: ArrayLike, *, bias: float = 0.0) -> bytes:
    """Two labels: bias + Σ weights · pixel, and one less that. Exactly additive in superpixels: there is no softmax.

    `weights` is [h, w], the same for the three channels, or [3, h, w], and applies to the network's input (0..255
    unless the profile scales it). The caller sees to it that the sum stays within 0..1.
    """
    size, flat = _flattened(weights)
    nodes = [
        helper.make_node("MatMul", ["pixels", "weights"], ["sum"]),
        helper.make_node("Add", ["sum", "bias"], ["score"]),
        helper.make_node("Sub", ["one", "score"], ["rest"]),
        helper.make_node("Concat", ["score", "rest"], ["probs"], axis=1),
    ]
    return planted(nodes, {"weights": flat[:, None], "bias": [bias], "one": [1.0]}, size=size)


def constant(scores: Sequence[float] = (0.7, 0.2, 0.1), *, size: int = 32) -> bytes:
    """The same scores for every picture."""
    nodes = [
        helper.make_node("MatMul", ["pixels", "zeros"], ["nothing"]),
        helper.make_node("Add", ["nothing", "scores"], ["probs"]),
    ]
    return planted(nodes, {"zeros": np.zeros((3 * size * size, len(scores))), "scores": scores}, size=size)


def conjunction(first: NDArray[np.bool_], second: NDArray[np.bool_], *, threshold: float = 127.0) -> bytes:
    """Two labels, exactly 0 or 1: both regions [h, w] are brighter than the threshold on average, or not both.

    The threshold is in the units of the network's input.
    """
    size, _ = _flattened(first)
    regions = np.stack([_flattened(region / region.sum() / 3)[1] for region in (first, second)], axis=1)
    nodes = [
        helper.make_node("MatMul", ["pixels", "regions"], ["means"]),
        helper.make_node("Greater", ["means", "threshold"], ["bright"]),
        helper.make_node("Cast", ["bright"], ["each"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMin", ["each"], ["both"], axes=[1]),
        helper.make_node("Sub", ["one", "both"], ["not_both"]),
        helper.make_node("Concat", ["both", "not_both"], ["probs"], axis=1),
    ]
    return planted(nodes, {"regions": regions, "threshold": [threshold], "one": [1.0]}, size=size)


def means(regions: NDArray[np.bool_]) -> bytes:
    """A recorder: a label for each region of [r, h, w], the mean of the network's input over pixels and channels."""
    size = regions.shape[1]
    columns = np.stack([_flattened(region / region.sum() / 3)[1] for region in regions], axis=1)
    return planted([helper.make_node("MatMul", ["pixels", "regions"], ["probs"])], {"regions": columns}, size=size)


def planted(nodes: list[NodeProto], constants: Mapping[str, ArrayLike], *, size: int, opset: int = 12) -> bytes:
    """An ONNX file that makes `probs` out of `pixels`, the flattened input [N, 3 · size · size]."""
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["data"], ["pixels"], axis=1), *nodes],
        "planted",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 3, size, size])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["N", "c"])],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    return _stamped(graph, opset=opset, ir=8).SerializeToString()


@dataclass(frozen=True, slots=True)
class Network:
    """A small classifier with the skeleton of Custom Vision's compact export: convolutions, mean, linear, softmax."""

    labels: Sequence[str] = LABELS
    size: int = 32
    opset: int = 7
    ir: int = 3
    fixed_batch: bool = False  # batch 1 in the input, and in the constant of a Reshape
    constant_node: bool = False  # that constant as a node rather than an initialiser; from opset 9
    half: bool = False
    nhwc: bool = False
    free_size: bool = False
    zipmap: bool = True
    logits: bool = False
    flat: bool = True  # False: scores [N, c, 1, 1]
    metadata: Mapping[str, str] | None = None  # inside the model
    seed: int = 0

    @property
    def element(self) -> int:
        return TensorProto.FLOAT16 if self.half else TensorProto.FLOAT


def custom_vision_onnx(network: Network | None = None, **changes: Any) -> bytes:
    """The model.onnx of an export: old opset and IR, initialisers among the inputs, ZipMap, a label head."""
    network = network or Network(**changes)
    weights = [tensor for tensor in _weights(network) if not (network.constant_node and tensor.name == "flat")]
    batch: int | str = 1 if network.fixed_batch else "N"
    side: int | str = "side" if network.free_size else network.size
    shape = [batch, side, side, 3] if network.nhwc else [batch, 3, side, side]
    listed = [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in weights] if network.ir < 4 else []
    graph = helper.make_graph(
        _body(network) + (_label_head(network) if network.zipmap else []),
        "custom vision",
        [helper.make_tensor_value_info("data", network.element, shape), *listed],
        _outputs(network, batch),
        weights,
    )
    model = _stamped(graph, opset=network.opset, ir=network.ir, zipmap=network.zipmap)
    helper.set_model_props(model, dict(network.metadata or {}))
    return model.SerializeToString()


def custom_vision_zip(
    network: Network | None = None,
    *,
    onnx: bytes | None = None,
    labels: str | bytes | None = None,
    manifest: Mapping[str, Any] | None = None,
    properties: Mapping[str, str] | None = None,
) -> bytes:
    """A zip as Custom Vision exports it; `manifest` changes fields of cvexport.manifest, None takes a field out."""
    network = network or Network()
    onnx = onnx if onnx is not None else custom_vision_onnx(network)
    labels = labels if labels is not None else "\r\n".join(network.labels)
    stated = MANIFEST | {"ModelFileSHA1": hashlib.sha1(onnx, usedforsecurity=False).hexdigest()} | dict(manifest or {})
    entries: dict[str, str | bytes] = {
        "model.onnx": onnx,
        "labels.txt": labels,
        "cvexport.manifest": json.dumps({key: value for key, value in stated.items() if value is not None}),
        "LICENSE": "see the service's terms",
    }
    if properties is not None:
        entries["metadata_properties.json"] = json.dumps(dict(properties))
    return zipped(entries)


def zipped(entries: Mapping[str, str | bytes]) -> bytes:
    """A zip of these entries."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


MANIFEST: dict[str, Any] = {
    "DomainType": "Classification",
    "Platform": "ONNX",
    "Flavor": "null",
    "ExporterVersion": "2.0",
    "IterationId": "00000000-0000-0000-0000-000000000000",
    "ModelFileName": "model.onnx",
    "LabelFileName": "labels.txt",
    "SchemaVersion": "1.0",
}
# As seen in exports of General (compact), General (compact) [S1], and a container export.
COMPACT = {"CropMethod": "OneCropCenter", "ResizeMethod": "ByShorterSide", "TargetHeight": "256", "CropHeight": "224"}
S1 = {"CropMethod": "FullImageShorterSide", "ResizeMethod": "Stretch", "TargetHeight": "300", "CropHeight": "0"}
NO_CROP = {"CropMethod": "NoCrop", "ResizeMethod": "Stretch", "TargetHeight": "300", "CropHeight": "0"}


def preprocess_properties(fields: Mapping[str, str], method: str = "ClassificationMultiClass") -> dict[str, str]:
    """A metadata_properties.json of these `CustomVision.Preprocess` fields, with the pixel format it always has."""
    return {
        "CustomVision.Postprocess.Method": method,
        "CustomVision.Preprocess.NormalizeMean": "[0.0, 0.0, 0.0]",
        "CustomVision.Preprocess.NormalizeStd": "[1.0, 1.0, 1.0]",
        "Image.BitmapPixelFormat": "Rgb8",
        "Image.NominalPixelRange": "Normalized_0_1",
    } | {f"CustomVision.Preprocess.{name}": text for name, text in fields.items()}


def _flattened(weights: ArrayLike) -> tuple[int, NDArray[np.float64]]:
    plane = np.asarray(weights, np.float64)
    size = plane.shape[-1]
    return size, np.broadcast_to(plane, (3, size, size)).ravel()


def _weights(network: Network) -> list[TensorProto]:
    rng = np.random.Generator(np.random.Philox(network.seed))
    floats = {
        "conv1_w": rng.normal(0, 0.3, (8, 3, 3, 3)) * (2.0 if network.logits else 1.0),
        "conv1_b": rng.normal(0, 0.1, 8),
        "conv2_w": rng.normal(0, 0.3, (16, 8, 3, 3)),
        "fc_w": rng.normal(0, 1.0, (16, len(network.labels))),
        "fc_b": rng.normal(0, 0.1, len(network.labels)),
    }
    kind = np.float16 if network.half else np.float32
    tensors = [numpy_helper.from_array(value.astype(kind), name) for name, value in floats.items()]
    shape = np.array([1 if network.fixed_batch else -1, 16], np.int64)
    names = [numpy_helper.from_array(np.array(network.labels, object), "names")] if network.zipmap else []
    return [*tensors, *names, numpy_helper.from_array(shape, "flat")]


def _body(network: Network) -> list[NodeProto]:
    last = "loss_tensor" if network.zipmap else "model_output"
    nodes = [
        helper.make_node("Conv", ["pixels", "conv1_w", "conv1_b"], ["c1"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "conv2_w"], ["c2"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["gap"]),
        helper.make_node("Reshape", ["gap", "flat"], ["features"]),
        helper.make_node("MatMul", ["features", "fc_w"], ["mm"]),
        helper.make_node("Add", ["mm", "fc_b"], ["logits"]),
        helper.make_node("Identity" if network.logits else "Softmax", ["logits"], [last if network.flat else "p"]),
    ]
    if not network.logits:
        nodes[-1].attribute.append(helper.make_attribute("axis", 1))
    if not network.flat:
        nodes.append(helper.make_node("Unsqueeze", ["p"], [last], axes=[2, 3]))
    if network.constant_node:
        nodes.insert(0, helper.make_node("Constant", [], ["flat"], value=_weights(network)[-1]))
    entry = "Transpose" if network.nhwc else "Identity"
    nodes.insert(0, helper.make_node(entry, ["data"], ["pixels"]))
    if network.nhwc:
        nodes[0].attribute.append(helper.make_attribute("perm", [0, 3, 1, 2]))
    return nodes


def _label_head(network: Network) -> list[NodeProto]:
    return [
        helper.make_node("ZipMap", ["loss_tensor"], ["loss"], domain="ai.onnx.ml", classlabels_strings=network.labels),
        helper.make_node("ArgMax", ["loss_tensor"], ["best"], axis=1, keepdims=0),
        helper.make_node("ArrayFeatureExtractor", ["names", "best"], ["classLabel"], domain="ai.onnx.ml"),
    ]


def _outputs(network: Network, batch: int | str) -> list[onnx.ValueInfoProto]:
    if not network.zipmap:
        shape = [batch, len(network.labels)] + ([] if network.flat else [1, 1])
        return [helper.make_tensor_value_info("model_output", network.element, shape)]
    pairs = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    return [
        helper.make_tensor_value_info("classLabel", TensorProto.STRING, ["rows", batch]),
        helper.make_value_info("loss", helper.make_sequence_type_proto(pairs)),
    ]


def _stamped(graph: onnx.GraphProto, *, opset: int, ir: int, zipmap: bool = False) -> onnx.ModelProto:
    imports = [helper.make_opsetid("", opset)] + ([helper.make_opsetid("ai.onnx.ml", 1)] if zipmap else [])
    return helper.make_model(graph, opset_imports=imports, ir_version=ir)


def pooled(
    *ends: NodeProto,
    weights: ArrayLike | None = None,
    element: int = TensorProto.FLOAT,
    shape: Sequence[int | str] = ("N", 3, 32, 32),
    outputs: Sequence[str] = ("scores",),
    opset: int = 13,
    ir: int = 8,
    **constants: ArrayLike,
) -> bytes:
    """A classifier that looks at each channel's mean alone: `logits` = means [N, c] @ weights, and what comes after.

    `x` is the input, `mean` [N, c, 1, 1] the means, `flat` [N, c] the same. Weights of 0.1 at the diagonal by default.
    """
    nhwc = len(shape) == 4 and shape[3] in (1, 3)
    channels = int(shape[3 if nhwc else 1]) if isinstance(shape[3 if nhwc else 1], int) else 3
    matrix = np.asarray(np.eye(channels, 3) * 0.1 if weights is None else weights, np.float32)
    nodes = [
        helper.make_node("Cast", ["x"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["laid"], perm=[0, 3, 1, 2] if nhwc else [0, 1, 2, 3]),
        helper.make_node("GlobalAveragePool", ["laid"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        *ends,
    ]
    graph = helper.make_graph(
        nodes,
        "pooled",
        [helper.make_tensor_value_info("x", element, list(shape))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(matrix, "weights")]
        + [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return _stamped(graph, opset=opset, ir=ir).SerializeToString()


def node(operator: str, inputs: str, output: str, **attributes: Any) -> NodeProto:
    """A node of an ONNX graph; inputs with spaces between them."""
    return helper.make_node(operator, inputs.split(), [output], **attributes)


def standardised(size: int = 32) -> bytes:
    """A classifier that standardises each picture by its own deviation, with no epsilon: one colour gives it 0/0."""
    nodes = [
        node("ReduceMean", "pixels", "m", axes=[1]),
        node("Sub", "pixels m", "d"),
        node("Mul", "d d", "q"),
        node("ReduceMean", "q", "v", axes=[1]),
        node("Sqrt", "v", "s"),
        node("Div", "d s", "n"),
        node("MatMul", "n weights", "l"),
        node("Softmax", "l", "probs", axis=1),
    ]
    weights = np.random.Generator(np.random.Philox(3)).normal(size=(3 * size * size, 2)) / size
    return planted(nodes, {"weights": weights}, size=size)
