"""Writes a network as Custom Vision exports General (compact) to ONNX: the same weights give the same bytes."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from demo.network import Network

SIZE = 224
OPSET, IR = 7, 3  # what the service wrote when it offered "ONNX 1.2": initialisers stand among the inputs too
WRITTEN = (2026, 1, 1, 0, 0, 0)  # a fixed date: the same weights give the same bytes
LICENSE = "Rendered photographs and a network trained on them, both part of polelens and under its license.\n"

IMAGE = {
    "Image.BitmapPixelFormat": "Bgr8",
    "Image.ColorSpaceGamma": "SRGB",
    "Image.NominalPixelRange": "NominalRange_0_255",
}
METADATA = {
    "CustomVision.Metadata.AdditionalModelInfo": "",
    "CustomVision.Metadata.Version": "1.2",
    "CustomVision.Postprocess.Method": "ClassificationMultiClass",
    "CustomVision.Postprocess.Yolo.Biases": "[]",
    "CustomVision.Postprocess.Yolo.NmsThreshold": "0.0",
    "CustomVision.Preprocess.CropHeight": str(SIZE),
    "CustomVision.Preprocess.CropMethod": "OneCropCenter",
    "CustomVision.Preprocess.CropWidth": str(SIZE),
    "CustomVision.Preprocess.MaxDimension": "0",
    "CustomVision.Preprocess.MaxScale": "0.0",
    "CustomVision.Preprocess.MinDimension": "0",
    "CustomVision.Preprocess.MinScale": "0.0",
    "CustomVision.Preprocess.NormalizeMean": "[0.0, 0.0, 0.0]",
    "CustomVision.Preprocess.NormalizeStd": "[1.0, 1.0, 1.0]",
    "CustomVision.Preprocess.ResizeMethod": "ByShorterSide",
    "CustomVision.Preprocess.TargetHeight": "256",
    "CustomVision.Preprocess.TargetWidth": "256",
    **IMAGE,
}


def package(network: Network, iteration: str) -> bytes:
    """The export as a zip.

    Parameters
    ----------
    iteration : str
        The iteration's id, a UUID on the service.
    """
    model = build(network).SerializeToString(deterministic=True)
    members = {
        "LICENSE": LICENSE.encode(),
        "cvexport.manifest": _json(manifest(model, iteration)),
        "labels.txt": "\r\n".join(network.labels).encode(),
        "metadata_properties.json": _json(METADATA),
        "model.onnx": model,
    }
    return zipped(members)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """These files as a zip, always of the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, WRITTEN), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def build(network: Network) -> onnx.ModelProto:
    """The network as an ONNX model at opset 7: `data` in, `classLabel` and `loss` out."""
    weights = _weights(network)
    nodes = [*_trunk(network), *_head(network)]
    inputs = [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["None", 3, SIZE, SIZE])]
    initialisers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    inputs += [helper.make_tensor_value_info(each.name, each.data_type, each.dims) for each in initialisers]
    graph = helper.make_graph(nodes, "CustomVision", inputs, _outputs(), initialisers)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR, producer_name="CustomVision")
    helper.set_model_props(model, IMAGE)
    onnx.checker.check_model(model)
    return model


def _weights(network: Network) -> dict[str, NDArray[Any]]:
    weights: dict[str, NDArray[Any]] = {
        "data_bn_scale": np.ones(3, np.float32),
        "data_bn_bias": np.zeros(3, np.float32),
        "data_bn_mean": network.mean,
        "data_bn_variance": network.variance,
    }
    for i, convolution in enumerate(network.convolutions):
        weights |= {f"conv{i}_weight": convolution.weight, f"conv{i}_bias": convolution.bias}
    weights |= {"fc_weight": network.weight, "fc_bias": network.bias}
    return weights | {"classes": np.array(network.labels, object), "rows": np.array([-1], np.int64)}


def _trunk(network: Network) -> list[onnx.NodeProto]:
    """Normalisation and convolutions, up to the last feature map."""
    statistics = [f"data_bn_{name}" for name in ("scale", "bias", "mean", "variance")]
    nodes = [helper.make_node("BatchNormalization", ["data", *statistics], ["data_bn"], "data_bn", epsilon=1e-5)]
    flow = "data_bn"
    for i, convolution in enumerate(network.convolutions):
        kernel, stride = convolution.weight.shape[-1], convolution.stride
        geometry: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        name = f"conv{i}"
        nodes.append(helper.make_node("Conv", [flow, f"{name}_weight", f"{name}_bias"], [name], name, **geometry))
        nodes.append(helper.make_node("Relu", [name], [f"{name}_relu"], f"{name}_relu"))
        flow = f"{name}_relu"
    return nodes


def _head(network: Network) -> list[onnx.NodeProto]:
    """Pooling, linear layer, softmax, and the two outputs that Custom Vision's classifiers give."""
    names = list(network.labels)
    last = f"conv{len(network.convolutions) - 1}_relu"
    return [
        helper.make_node("GlobalAveragePool", [last], ["pool"], "pool"),
        helper.make_node("Flatten", ["pool"], ["features"], "features", axis=1),
        helper.make_node("Gemm", ["features", "fc_weight", "fc_bias"], ["logits"], "fc"),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["best"], "argmax", axis=1, keepdims=0),
        helper.make_node("ArrayFeatureExtractor", ["classes", "best"], ["named"], "label", domain="ai.onnx.ml"),
        helper.make_node("Reshape", ["named", "rows"], ["classLabel"], "rows"),
        helper.make_node(
            "ZipMap", ["probabilities"], ["loss"], "zipmap", domain="ai.onnx.ml", classlabels_strings=names
        ),
    ]


def _outputs() -> list[onnx.ValueInfoProto]:
    table = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    loss = helper.make_value_info("loss", helper.make_sequence_type_proto(table))
    return [helper.make_tensor_value_info("classLabel", TensorProto.STRING, ["None"]), loss]


def manifest(model: bytes, iteration: str) -> dict[str, Any]:
    """What cvexport.manifest says of an export to ONNX."""
    return {
        "DomainType": "Classification",
        "Platform": "ONNX",
        "Flavor": None,
        "ExporterVersion": "2.2",
        "ExportedDate": "2026-01-01T00:00:00.0000000Z",
        "IterationId": iteration,
        "ModelFileName": "model.onnx",
        "LabelFileName": "labels.txt",
        "MetadataPropsFileName": "metadata_properties.json",
        "ModelFileSHA1": hashlib.sha1(model, usedforsecurity=False).hexdigest(),
        "SchemaVersion": "1.0",
    }


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode()
