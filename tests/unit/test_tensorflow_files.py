"""What TensorFlow wrote: told apart, its ends found, refused with the true reason; all that needs no TensorFlow."""

import hashlib
import importlib.util
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.model.admission import read_model
from pipeline.model.custom_vision import read_export
from pipeline.model.graph_def import CLASSES, Ends, ends_of, graph_of, restores_elsewhere, saved_model_of, signed_ends
from pipeline.model.model import ModelRefused
from pipeline.model.normalised import normalise
from pipeline.model.preprocessing import work_out
from pipeline.model.session import open_session
from pipeline.model.tensorflow_file import frozen_graph
from polelens.saved_model import packed
from tests.models import zipped

EXPORTS = Path("demo/tensorflow_exports")
COMPACT = (EXPORTS / "compact.zip").read_bytes()
SAVED = (EXPORTS / "saved_model.zip").read_bytes()
MISSING = importlib.util.find_spec("tensorflow") is None


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


GRAPH = _members(COMPACT)["model.pb"]


def _graph(**nodes: tuple[str, ...]) -> Any:
    """A graph of nodes: an operator and the inputs of each."""
    graph = CLASSES["Graph"]()
    for name, (op, *inputs) in nodes.items():
        graph.node.add(name=name, op=op, input=inputs)
    return graph


def test_a_custom_vision_zip_for_tensorflow_gives_its_graph_its_labels_and_its_own_sha256() -> None:
    """The SHA-256 is that of model.pb."""
    export = read_export(COMPACT)
    assert export.kind == "Custom Vision zip, TensorFlow frozen graph"
    assert export.labels == ("BETONG", "STAAL", "TRE")
    assert export.sha256 == hashlib.sha256(GRAPH).hexdigest()
    assert export.warnings == ()
    assert read_export(GRAPH).sha256 == export.sha256
    assert read_export(zipped({"poles/model.pb": GRAPH, "poles/labels.txt": "x"})).labels == ("x",)


def test_a_saved_model_is_the_same_in_a_folder_and_in_any_zip_of_it(tmp_path: Path) -> None:
    """Its SHA-256 is of what `sha256sum` says of its files."""
    files = _members(SAVED)
    (tmp_path / "variables").mkdir()
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    lines = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    wanted = hashlib.sha256(lines.encode()).hexdigest()
    deep = {f"a/b/{name}": content for name, content in files.items()}
    from_windows = {name.replace("/", "\\"): content for name, content in deep.items()}  # as PowerShell 5 packs it
    for data in (SAVED, packed(tmp_path), zipped(deep), zipped(from_windows)):
        assert read_export(data).sha256 == wanted
    assert read_export(SAVED).kind == "TensorFlow SavedModel"
    (tmp_path / "saved_model.pb").unlink()
    with pytest.raises(ModelRefused, match=r"holds no saved_model\.pb; give"):
        packed(tmp_path)


def test_the_ends_are_found() -> None:
    """Custom Vision's, and any graph's with one placeholder and one end; a SavedModel's are those of its signature."""
    assert ends_of(graph_of(GRAPH)) == Ends("Placeholder:0", "model_outputs:0")
    assert signed_ends(saved_model_of(_members(SAVED)["saved_model.pb"])) == Ends("Placeholder:0", "model_outputs:0")
    plain = _graph(x=("Placeholder",), w=("Const",), y=("MatMul", "x", "w"), gone=("NoOp", "^y"))
    assert ends_of(plain) == Ends("x:0", "y:0")
    two = _graph(data=("Placeholder",), features=("Relu", "data"), model_output=("Softmax", "data"))
    assert ends_of(two) == Ends("data:0", "model_output:0")
    assert ends_of(two, output="features") == Ends("data:0", "features:0")


@pytest.mark.parametrize(
    ("graph", "named", "reason"),
    [
        (_graph(x=("Placeholder",), a=("Relu", "x"), b=("Relu", "x")), {}, r"2 outputs \('a', 'b'\); name .* --output"),
        (_graph(x=("Placeholder",), y=("Add", "x", "keep"), keep=("Placeholder",)), {}, "2 inputs .* --input"),
        (_graph(c=("Const",), y=("Relu", "c")), {}, r"0 inputs \(none\) before 'y:0'"),
        (_graph(x=("Placeholder",)), {}, r"0 outputs \(none\)"),
        (_graph(x=("Placeholder",), detected_boxes=("Relu", "x")), {}, "object detector"),
        (_graph(x=("Placeholder",), y=("Relu", "x")), {"output": "z"}, "--output is 'z', and the graph has no node"),
        (_graph(x=("Placeholder",), y=("Relu", "x")), {"input_name": "z"}, "--input is 'z', and the graph has no"),
        (_graph(data=("Placeholder",), y=("Relu", "data")), {"input_name": "Data"}, "did you mean data"),
    ],
    ids=["outputs", "inputs", "no-input", "no-output", "detector", "unknown-output", "unknown-input", "near"],
)
def test_ends_that_cannot_be_found_are_asked_for(graph: Any, named: dict[str, str], reason: str) -> None:
    """With what there is, and the option that names one."""
    with pytest.raises(ModelRefused, match=reason):
        ends_of(graph, **named)


def test_a_graph_that_begins_with_a_file_is_cut_where_its_pixels_are() -> None:
    """As retrained Inceptions are: --input names the tensor behind the decoder."""
    graph = _graph(file=("Placeholder",), jpeg=("DecodeJpeg", "file"), mul=("Mul", "jpeg"), y=("Softmax", "mul"))
    assert ends_of(graph, "mul") == Ends("mul:0", "y:0")
    with pytest.raises(ModelRefused, match="expected one picture"):
        ends_of(_graph(x=("Placeholder",), t=("Placeholder",), m=("Mul", "x"), y=("Add", "m", "t")), "m")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_members(SAVED)["saved_model.pb"], r"saved_model\.pb of a SavedModel, .* give the folder, or a zip of it"),
        (b"\x1c\0\0\0TFL3" + bytes(64), "TensorFlow Lite model, which is not read; give a frozen graph"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), r"Keras \.h5 file; load it in Keras, save it with model\.export"),
        (b'node {\n  name: "x"\n}\n', "graph in text form; write it as binary"),
        (zipped({"config.json": "{}", "metadata.json": "{}", "model.weights.h5": b""}), r"\.keras file; load it"),
        (zipped({"model.tflite": b"\x1c\0\0\0TFL3"}), "zip holds a TensorFlow Lite model"),
        (zipped({"model.pb": b"hello"}), "no frozen TensorFlow graph"),
        (zipped({"model.pb": GRAPH, "other.pb": GRAPH}), "2 TensorFlow models and does not say which"),
        (zipped({"model.pb": GRAPH, "model.onnx": b""}), "2 ONNX or TensorFlow models"),
    ],
    ids=["saved-pb", "tflite", "h5", "text", "keras", "zipped-tflite", "no-graph", "two", "both"],
)
def test_what_is_no_frozen_graph_is_refused_by_its_true_name(data: bytes, reason: str) -> None:
    """With what to do instead."""
    with pytest.raises(ModelRefused, match=reason):
        read_export(data)


def test_onnx_files_and_other_bytes_are_no_graphs() -> None:
    """They go the way they went."""
    for data in (b"", b"\n", b"hello", b"\nhello", (EXPORTS / "compact.onnx").read_bytes()):
        assert frozen_graph(data) is None


@pytest.mark.skipif(not MISSING, reason="TensorFlow is installed")
@pytest.mark.parametrize("data", [COMPACT, SAVED], ids=["frozen", "saved"])
def test_without_tensorflow_there_is_one_sentence_with_the_command(data: bytes) -> None:
    """That installs it."""
    with pytest.raises(ModelRefused, match=r"is not installed .*; run pip install 'polelens\[tensorflow\]'") as refused:
        read_model(data, name="poles")
    assert "\n" not in str(refused.value)


def test_the_input_of_a_graph_is_refused_for_onnx() -> None:
    """Rather than passed over."""
    with pytest.raises(ModelRefused, match="enter a TensorFlow graph, which this is not"):
        read_model((EXPORTS / "compact.onnx").read_bytes(), name="poles", input_name="data")


def test_the_converted_graph_answers_as_tensorflow_did() -> None:
    """To 1e-5, in NCHW, on the pictures that TensorFlow was asked about when the exports were made."""
    rng = np.random.Generator(np.random.Philox(3))
    pictures = rng.integers(0, 256, (5, 3, 8, 8)).repeat(28, axis=2).repeat(28, axis=3).astype(np.float32)
    session = open_session((EXPORTS / "compact.onnx").read_bytes())
    (scores,) = session.run(None, {"Placeholder:0": pictures})
    told = json.loads((EXPORTS / "answers.json").read_text())
    np.testing.assert_allclose(scores, told["answers"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("ends", "color", "zipped_up"),
    [
        (Ends("Placeholder:0", "loss:0"), "bgr", False),
        (Ends("data:0", "model_output:0"), "rgb", False),
        (Ends("serving_default_data:0", "StatefulPartitionedCall:0"), "rgb", True),
        (Ends("serving_default_Placeholder:0", "StatefulPartitionedCall:0"), "bgr", True),
    ],
)
def test_color_and_range_are_those_of_microsofts_sample_code(ends: Ends, color: str, zipped_up: bool) -> None:
    """BGR for General (compact), RGB for its [S1], both on 0..255, whatever metadata_properties.json says; recorded."""
    network = normalise((EXPORTS / "compact.onnx").read_bytes())
    export = read_export(COMPACT if zipped_up else GRAPH)
    read = work_out(network, type(export)(b"", export.labels, export.properties, zipped_up, ends=ends), {})
    assert (read.profile.color, read.profile.mean, read.profile.scale) == (color, (0, 0, 0), (1, 1, 1))
    assert {read.sources[name] for name in ("color", "mean", "scale")} == {"Microsoft's sample code"}
    assert read.profile.crop == ("shorter-side" if zipped_up else "center")


def test_another_graph_is_assumed_to_take_rgb_and_the_assumption_is_told() -> None:
    """Its names are nobody's convention."""
    network = normalise((EXPORTS / "compact.onnx").read_bytes())
    read = work_out(network, type(read_export(GRAPH))(b"", ends=Ends("Placeholder:0", "final_result:0")), {})
    assert (read.profile.color, read.sources["color"]) == ("rgb", "assumed")
    assert "assumed: color, crop, mean, scale" in read.warnings[0]


def test_a_saved_model_reads_no_file_but_its_own_variables() -> None:
    """Whatever path it names: a checkpoint elsewhere would be read by whoever adds the model."""
    saved = saved_model_of(_members(SAVED)["saved_model.pb"])
    assert saved is not None
    assert not restores_elsewhere(saved)
    other = type(saved)()
    other.CopyFrom(saved)
    other.graph_def.node.add(name="path", op="Const")
    for node in other.graph_def.node:
        if node.op == "RestoreV2":
            node.input[0] = "path"
    assert restores_elsewhere(other)
    inner = type(saved)()
    inner.CopyFrom(saved)
    body = inner.graph_def.library.function.add()
    body.signature.name = "elsewhere"
    body.node_def.add(name="read", op="RestoreV2", input=["path:output:0"])
    assert restores_elsewhere(inner)
