"""Models through the command line: registered once, and refused in one sentence."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests import models
from tests.commands import Commands


def test_a_model_is_added_once_and_versions_count_up(cli: Commands, zipped: Path, tmp_path: Path) -> None:
    """The profile is printed with the source of each field; the same file again is the same version."""
    told = cli("models", "add", zipped, "poles")
    assert told.startswith("poles@1 is registered")
    assert "labels: BETONG, STAAL, TRE" in told
    for field in ("size", "crop", "color", "mean", "scale"):
        assert any(line.split()[0] == field and len(line.split()) > 2 for line in told.splitlines()[2:7])
    assert "nothing changed" in cli("models", "add", zipped, "poles")
    other = tmp_path / "other.zip"
    other.write_bytes(models.custom_vision_zip(models.Network(seed=1)))
    added = cli.json("models", "add", other, "poles")
    assert (added["version"], added["new"], added["labels"]) == (2, True, ["BETONG", "STAAL", "TRE"])
    assert cli.json("models", "add", other, "poles@2")["new"] is False
    assert "is this very model already" in cli.refused("models", "add", other, "poles@7")
    third = tmp_path / "third.zip"
    third.write_bytes(models.custom_vision_zip(models.Network(seed=2)))
    assert "leave the version out for 3" in cli.refused("models", "add", third, "poles@2")
    assert [(one["name"], one["version"]) for one in cli.json("models", "list")] == [("poles", 1), ("poles", 2)]
    assert "poles@2" in cli("models", "list")


def test_a_plain_onnx_file_takes_labels_and_a_profile(cli: Commands, tmp_path: Path) -> None:
    """What the file does not say is given, and goes before what it says."""
    (tmp_path / "net.onnx").write_bytes(models.means(np.ones((2, 32, 32), bool)))
    (tmp_path / "labels.txt").write_text("yes\nno\n")
    (tmp_path / "profile.json").write_text('{"crop": "stretch", "mean": 127, "scale": [1, 2, 3]}')
    options = ["--labels", tmp_path / "labels.txt", "--profile", tmp_path / "profile.json", "--activation", "sigmoid"]
    added = cli.json("models", "add", tmp_path / "net.onnx", "net@5", *options)
    assert (added["version"], added["labels"]) == (5, ["yes", "no"])
    assert added["profile"] == {
        "size": 32,
        "crop": "stretch",
        "color": "rgb",
        "mean": [127.0, 127.0, 127.0],
        "scale": [1.0, 2.0, 3.0],
        "activation": "sigmoid",
    }
    assert set(added["facts"]["profile_sources"]) == {"size", "crop", "color", "mean", "scale", "activation"}


def _changed(change: Callable[[onnx.ModelProto], object]) -> bytes:
    model = onnx.load_model_from_string(models.custom_vision_onnx())
    change(model)
    return bytes(model.SerializeToString())


def _external(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="../../etc/passwd")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (models.custom_vision_zip(manifest={"DomainType": "ObjectDetection"}), "object detector"),
        (models.zipped({"model.onnx": _changed(_external)}), "in another file"),
        (_changed(lambda model: setattr(model.graph.node[0], "domain", "com.example")), "domain 'com.example'"),
        (models.custom_vision_zip(labels="BETONG\nTRE"), "2 labels"),
        (models.zipped({"model.onnx": bytes(2**21)}), "how a zip bomb looks"),
        (models.zipped({"../model.onnx": models.custom_vision_onnx()}), "not a plain path inside the zip"),
        (b"hello", "not an ONNX"),
        (b"", "ONNX"),
        (b"PK\x03\x04 and nothing more", "the zip is damaged"),
    ],
    ids=["detector", "external", "domain", "labels", "bomb", "path", "text", "empty", "torn"],
)
def test_a_file_that_is_no_classifier_is_refused(cli: Commands, tmp_path: Path, data: bytes, reason: str) -> None:
    """In one clear sentence, and nothing is registered."""
    (tmp_path / "model").write_bytes(data)
    assert reason in cli.refused("models", "add", tmp_path / "model", "poles")
    assert cli.json("models", "list") == []


def test_what_goes_with_a_model_is_refused_too(cli: Commands, zipped: Path, tmp_path: Path) -> None:
    """Labels of the wrong number, profiles that are none, and names that are none."""
    (tmp_path / "labels.txt").write_text("one\ntwo\n")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[224]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "size.json").write_text('{"size": "big"}')
    (tmp_path / "field.json").write_text('{"sise": 224}')
    assert "2 labels" in cli.refused("models", "add", zipped, "poles", "--labels", tmp_path / "labels.txt")
    for name, reason in (
        ("broken", "is not JSON"),
        ("list", "holds no JSON object"),
        ("deep", "is not JSON"),
        ("size", "size"),
        ("field", "unknown field sise"),
    ):
        told = cli.refused("models", "add", zipped, "poles", "--profile", tmp_path / f"{name}.json")
        assert reason in told, name
    for name in ("poles@x", "poles@0", "@1", "two words", "a/b"):
        assert "model is" in cli.refused("models", "add", zipped, name)
    assert "does not exist" in cli.refused("models", "add", tmp_path / "none.zip", "poles", status=2)


def test_adding_a_model_tries_what_its_inside_can_be_asked(cli: Commands, zipped: Path, tmp_path: Path) -> None:
    """Gradients, maps, and where one of them is exact are said, listed and shown; what has no gradient says why."""
    assert "inside: maps of r2, where cam is exact; gradients" in cli("models", "add", zipped, "poles")
    nodes = [
        models.node("Mod", "pixels seven", "odd", fmod=1),
        models.node("MatMul", "odd weights", "logits"),
        models.node("Softmax", "logits", "probs", axis=1),
    ]
    weights = np.random.default_rng(0).normal(size=(3 * 32 * 32, 2)) / 1000
    (tmp_path / "odd.onnx").write_bytes(models.planted(nodes, {"weights": weights, "seven": [7.0]}, size=32))
    (tmp_path / "labels.txt").write_text("a\nb\n")
    told = cli("models", "add", tmp_path / "odd.onnx", "odd", "--labels", tmp_path / "labels.txt")
    assert "inside: no layer with a height and a width to map; no gradient, for there is none for its Mod" in told
    facts = {one["name"]: one["facts"]["inside"] for one in cli.json("models", "list")}
    assert facts["poles"] == {"layer": "r2", "exact_cam": True, "no_gradient": None, "no_relevance": None}
    assert "Mod" in facts["odd"]["no_gradient"]
    rows = {line.split()[0]: line for line in cli("models", "list").splitlines()[1:]}
    assert "cam, gradients" in rows["poles@1"]
    assert "scores alone" in rows["odd@1"]
    shown = " ".join(cli("models", "show", "poles").split())
    assert "inside: maps of r2, where cam is exact; gradients; relevance" in shown
