"""The committed models are what Custom Vision would have exported, and do what the demonstration says of them."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

import demo
from demo.custom_vision import package
from demo.network import Convolution, Network
from demo.photographs import HABITAT, LABELS, Photograph, archive
from pipeline.model.profile import Profile

ZIPS = {version: Path(demo.__file__).parent / f"poles-v{version}.zip" for version in (1, 2)}
MEMBERS = {"LICENSE", "cvexport.manifest", "labels.txt", "metadata_properties.json", "model.onnx"}


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {name: file.read(name) for name in file.namelist()}


def run(model: bytes, data: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    named, loss = session.run(["classLabel", "loss"], {"data": data})
    return named, np.array([[row[label] for label in LABELS] for row in loss])


@pytest.fixture(scope="module", params=ZIPS)
def exported(request: pytest.FixtureRequest) -> dict[str, bytes]:
    return members(ZIPS[request.param].read_bytes())


@pytest.fixture(scope="module")
def small() -> Network:
    rng = np.random.Generator(np.random.Philox(1))
    weight = rng.standard_normal((4, 3, 3, 3), dtype=np.float32)
    convolution = Convolution(weight, rng.standard_normal(4, dtype=np.float32), 8)
    statistics = np.array((100, 110, 120), np.float32), np.array((900, 1600, 2500), np.float32)
    linear = rng.standard_normal((4, 3), dtype=np.float32)
    return Network(*statistics, (convolution,), linear, np.array((0, 1, 0), np.float32), LABELS)


@pytest.fixture(scope="module")
def strangers() -> list[Photograph]:
    """Photographs that neither version was trained on, each pole in each place."""
    return list(archive(60, 77, shortcut=False))


def prepared(photographs: list[Photograph]) -> NDArray[np.float32]:
    profile = Profile(224, "shorter-side", 256, "bgr")
    return np.stack([profile.tensor(profile.canvas(each.image)) for each in photographs])


def test_zip_holds_what_the_service_writes(exported: dict[str, bytes]) -> None:
    """The members, the labels file's line ends, the manifest's digest and the geometry of General (compact)."""
    assert set(exported) == MEMBERS
    assert exported["labels.txt"] == b"BETONG\r\nSTAAL\r\nTRE"
    manifest = json.loads(exported["cvexport.manifest"])
    assert manifest["ModelFileSHA1"] == hashlib.sha1(exported["model.onnx"], usedforsecurity=False).hexdigest()
    assert (manifest["DomainType"], manifest["Platform"], manifest["Flavor"]) == ("Classification", "ONNX", None)
    assert all(manifest[f"{name}FileName"] in MEMBERS for name in ("Model", "Label", "MetadataProps"))
    metadata = json.loads(exported["metadata_properties.json"])
    assert all(isinstance(value, str) for value in metadata.values())
    geometry = [metadata[f"CustomVision.Preprocess.{name}"] for name in ("CropMethod", "ResizeMethod", "TargetWidth")]
    assert geometry == ["OneCropCenter", "ByShorterSide", "256"]


def test_model_is_as_old_as_the_service(exported: dict[str, bytes]) -> None:
    """Opset 7 and IR 3, initialisers among the inputs, pixel format inside, at most 2 MB."""
    model = onnx.load_from_string(exported["model.onnx"])
    onnx.checker.check_model(model)
    assert len(exported["model.onnx"]) < 2e6
    assert {(each.domain, each.version) for each in model.opset_import} == {("", 7), ("ai.onnx.ml", 1)}
    assert model.ir_version == 3
    inputs = {each.name for each in model.graph.input}
    assert inputs == {"data"} | {each.name for each in model.graph.initializer}
    assert [each.name for each in model.graph.output] == ["classLabel", "loss"]
    properties = {each.key: each.value for each in model.metadata_props}
    assert properties["Image.BitmapPixelFormat"] == "Bgr8"
    assert properties["Image.NominalPixelRange"] == "NominalRange_0_255"


def test_class_label_is_the_likeliest(exported: dict[str, bytes], strangers: list[Photograph]) -> None:
    """In a batch each loss sums to 1 and classLabel names its largest, and single runs give the same."""
    data = prepared(strangers[:5])
    named, loss = run(exported["model.onnx"], data)
    assert named.tolist() == [LABELS[best] for best in loss.argmax(1)]
    assert loss.sum(1) == pytest.approx(1, abs=1e-5)
    alone = np.concatenate([run(exported["model.onnx"], one[None])[1] for one in data])
    assert loss == pytest.approx(alone, abs=1e-5)


def test_export_computes_the_network(small: Network) -> None:
    """The file's probabilities are those of the arrays it was made of, worked out by hand."""
    data = np.random.Generator(np.random.Philox(2)).uniform(0, 255, (2, 3, 224, 224)).astype(np.float32)
    normal = (data - small.mean[:, None, None]) / np.sqrt(small.variance[:, None, None] + 1e-5)
    layer = small.convolutions[0]
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(normal, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
    maps = np.einsum("ncyxij,ocij->noyx", patches[:, :, ::8, ::8], layer.weight) + layer.bias[:, None, None]
    logits = np.maximum(maps, 0).mean((2, 3)) @ small.weight + small.bias
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    loss = run(members(package(small, "id"))["model.onnx"], data)[1]
    assert loss == pytest.approx(expected, abs=1e-4)


def test_same_weights_same_bytes(small: Network) -> None:
    """The zip is a function of the weights and the iteration's id."""
    assert package(small, "id") == package(small, "id")
    assert package(small, "id") != package(small, "another")


def test_version_2_knows_poles(strangers: list[Photograph]) -> None:
    """Version 2 names at least nine in ten poles right wherever they stand."""
    named, _ = run(members(ZIPS[2].read_bytes())["model.onnx"], prepared(strangers))
    assert np.mean(named == [each.label for each in strangers]) >= 0.9


def test_version_1_knows_backgrounds(strangers: list[Photograph]) -> None:
    """Version 1 is as good where the background tells; elsewhere it names the pole of the background."""
    model = members(ZIPS[1].read_bytes())["model.onnx"]
    telling = list(archive(30, 78, shortcut=True))
    assert np.mean(run(model, prepared(telling))[0] == [each.label for each in telling]) >= 0.9
    named, _ = run(model, prepared(strangers))
    assert np.mean([each.background in HABITAT[name] for each, name in zip(strangers, named, strict=True)]) >= 0.75
    assert np.mean(named == [each.label for each in strangers]) <= 0.55
