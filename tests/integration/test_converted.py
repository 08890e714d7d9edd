"""TensorFlow's graphs, really converted, in the process that tries strangers' models: `make tensorflow` runs these."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.graph_def import CLASSES
from pipeline.model.model import Model, ModelRefused, Said
from polelens.quarantine import model_within
from storage.settings import Limits
from tests.models import zipped

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed: `make tensorflow` runs this"
)
EXPORTS = Path("demo/tensorflow_exports")
LABELS = ("BETONG", "STAAL", "TRE")
LIMITS = Limits()


def _members(name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO((EXPORTS / name).read_bytes())) as archive:
        return {member: archive.read(member) for member in archive.namelist()}


def _read(data: bytes, **given: Any) -> Model:
    return model_within(LIMITS, data, name="poles", said=Said(**given))


@pytest.fixture(scope="module")
def compact() -> Model:
    """Custom Vision's zip, admitted."""
    return _read((EXPORTS / "compact.zip").read_bytes())


def test_a_custom_vision_zip_is_converted_and_compared(compact: Model) -> None:
    """With TensorFlow's own answers, to 1e-5; what was committed is what comes out today."""
    told = compact.facts["converted"]
    assert told["difference"] <= 1e-5
    assert (told["input"], told["output"]) == ("Placeholder:0", "model_outputs:0")
    assert told["by"].startswith("tf2onnx ")
    assert compact.labels == LABELS
    assert compact.batch
    assert (compact.profile.color, compact.profile.crop) == ("bgr", "shorter-side")
    assert compact.facts["profile_sources"]["color"] == "Microsoft's sample code"


def test_the_same_graph_is_the_same_model_each_time(compact: Model) -> None:
    """To the byte, in another process, and bare as in its zip."""
    bare = _read(_members("compact.zip")["model.pb"], labels=LABELS, profile=compact.profile.to_json())
    assert (bare.onnx, bare.sha256, bare.digest) == (compact.onnx, compact.sha256, compact.digest)


def test_a_saved_model_is_converted() -> None:
    """With the variables put in; its signature names the ends."""
    read = _read((EXPORTS / "saved_model.zip").read_bytes(), labels=LABELS)
    assert read.facts["converted"]["difference"] <= 1e-5
    assert read.facts["format"] == "TensorFlow SavedModel"


def _with(change: Callable[[Any], None]) -> bytes:
    graph = CLASSES["Graph"].FromString(_members("compact.zip")["model.pb"])
    change(graph)
    return bytes(graph.SerializeToString())


def _reads_a_file(graph: Any) -> None:
    graph.node.add(name="secret", op="ReadFile", input=["mean"])
    next(node for node in graph.node if node.name == "loss").input.append("^secret")


def test_an_operator_that_is_no_arithmetic_is_refused_before_tensorflow_sees_it() -> None:
    """A graph is a program, and may ask for files, Python and the network."""
    with pytest.raises(ModelRefused, match=r"the operator 'ReadFile' \('secret'\), which has no counterpart in ONNX"):
        _read(_with(_reads_a_file), labels=LABELS)


def test_a_saved_model_that_writes_when_it_is_restored_is_refused() -> None:
    """Nothing is run but what reads the variables."""
    files = _members("saved_model.zip")
    saved = CLASSES["SavedModel"].FromString(files["saved_model.pb"])
    graph, restore = saved.meta_graphs[0].graph_def, saved.meta_graphs[0].saver_def.restore_op_name
    graph.node.add(name="harm", op="WriteFile", input=["save/Const", "save/Const"])
    next(node for node in graph.node if node.name == restore).input.append("^harm")
    with pytest.raises(ModelRefused, match="operator 'WriteFile'"):
        _read(zipped(files | {"saved_model.pb": bytes(saved.SerializeToString())}), labels=LABELS)


def test_an_end_may_be_named() -> None:
    """Without a softmax, one is added."""
    read = _read(_members("compact.zip")["model.pb"], labels=LABELS, input_name="Placeholder", output="loss")
    assert read.facts["converted"]["output"] == "loss:0"


def test_what_lies_beside_the_way_is_left_out() -> None:
    """TensorFlow does not see it; a cut in front of the pixels leaves the decoder out."""

    def change(graph: Any) -> None:
        graph.node.add(name="aside", op="WriteFile", input=["mean", "mean"])
        graph.node.add(name="file", op="Placeholder")
        graph.node.add(name="pixels", op="DecodeJpeg", input=["file"])
        next(node for node in graph.node if node.name == "sub").input[0] = "pixels"

    read = _read(_with(change), labels=LABELS, input_name="pixels", output="loss", profile={"size": 224})
    assert read.facts["converted"]["input"] == "pixels:0"


def test_a_batch_of_a_fixed_length_is_freed() -> None:
    """TensorFlow is shown each picture as often as its graph demands, and batches of others give the same."""

    def change(graph: Any) -> None:
        shape = next(attribute for attribute in graph.node[0].attr if attribute.key == "shape").value.shape
        assert (graph.node[0].name, shape.dim[0].size) == ("Placeholder", -1)
        shape.dim[0].size = 2

    read = _read(_with(change), labels=LABELS)
    assert read.batch
    assert read.facts["converted"]["difference"] <= 1e-5


def test_a_graph_that_is_not_frozen_is_refused() -> None:
    """Its weights are elsewhere."""
    saved = CLASSES["SavedModel"].FromString(_members("saved_model.zip")["saved_model.pb"])
    with pytest.raises(ModelRefused, match="the graph is not frozen"):
        _read(bytes(saved.meta_graphs[0].graph_def.SerializeToString()), labels=LABELS, output="model_outputs")


def test_the_committed_exports_are_what_the_demo_writes(tmp_path: Path) -> None:
    """To the byte, with the versions that wrote them; with others, TensorFlow's answers to 1e-5."""
    environment = os.environ | {"PYTHONHASHSEED": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "demo.tensorflow", str(tmp_path)]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    old, new = (json.loads((folder / "answers.json").read_text()) for folder in (EXPORTS, tmp_path))
    for before, after in zip(old["answers"], new["answers"], strict=True):
        assert before == pytest.approx(after, abs=1e-5)
    if old["by"] == new["by"]:
        for name in ("compact.zip", "saved_model.zip", "compact.onnx"):
            assert (EXPORTS / name).read_bytes() == (tmp_path / name).read_bytes()
