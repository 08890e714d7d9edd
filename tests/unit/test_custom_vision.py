"""Reading Custom Vision zips: what is found, and everything that is refused."""

import io
import json
import stat
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.custom_vision import read_export
from pipeline.model.model import ModelRefused
from tests.models import COMPACT, LABELS, custom_vision_onnx, custom_vision_zip, preprocess_properties, zipped

ONNX = custom_vision_onnx()


def test_the_zip_gives_the_model_its_labels_and_its_metadata():
    export = read_export(custom_vision_zip(onnx=ONNX, properties=preprocess_properties(COMPACT)))
    assert export.onnx == ONNX
    assert export.labels == LABELS
    assert export.properties["CustomVision.Preprocess.CropHeight"] == "224"
    assert export.custom_vision
    assert export.warnings == ()


def test_bytes_that_are_no_zip_pass_as_a_plain_onnx_file():
    export = read_export(ONNX)
    assert (export.onnx, export.labels, export.custom_vision) == (ONNX, None, False)


def test_the_manifest_names_the_model_and_the_labels():
    manifest = json.dumps({"Platform": "ONNX", "ModelFileName": "net.onnx", "LabelFileName": "names.txt"})
    files = {"cvexport.manifest": manifest, "net.onnx": ONNX, "other.onnx": b"", "names.txt": "x\ny", "labels.txt": "z"}
    export = read_export(zipped(files))
    assert (export.onnx, export.labels) == (ONNX, ("x", "y"))


def test_a_zip_without_manifest_and_a_zip_packed_as_a_folder_are_read():
    files = {"poles/model.onnx": ONNX, "__MACOSX/poles/._model.onnx": b"", "poles/labels.txt": "x"}
    export = read_export(zipped(files))
    assert (export.onnx, export.labels) == (ONNX, ("x",))


def test_a_model_that_the_manifest_was_not_written_for_is_read_with_a_warning():
    export = read_export(custom_vision_zip(onnx=ONNX, manifest={"ModelFileSHA1": "0" * 40}))
    assert "SHA-1 differs" in export.warnings[0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (custom_vision_zip(onnx=ONNX, manifest={"DomainType": "ObjectDetection"}), r"detector \(ObjectDetection\)"),
        (custom_vision_zip(onnx=ONNX, properties=preprocess_properties({}, "Yolo")), r"detector \(Yolo\)"),
        (
            custom_vision_zip(onnx=ONNX, manifest={"Platform": "TensorFlow", "Flavor": "TensorFlowLite"}),
            r"TensorFlow \(TensorFlowLite\); export the iteration again as ONNX",
        ),
        (custom_vision_zip(onnx=ONNX, manifest={"Platform": "CoreML"}), "CoreML; export the iteration again as ONNX"),
        (zipped({"labels.txt": "a"}), "no ONNX model and no TensorFlow graph; export the iteration again as ONNX"),
        (zipped({"a.onnx": ONNX, "b.onnx": ONNX}), "2 ONNX models and does not say which"),
        (zipped({"a/model.onnx": ONNX, "b/model.onnx": ONNX, "a/labels.txt": "", "b/labels.txt": ""}), "2 ONNX models"),
        (zipped({"model.onnx": ONNX, "a/labels.txt": "", "b/labels.txt": ""}), "2 entries called 'labels.txt'"),
        (zipped({"model.onnx": ONNX, "cvexport.manifest": "{"}), "cvexport.manifest in the zip is not JSON"),
        (zipped({"model.onnx": ONNX, "cvexport.manifest": "[]"}), "not a JSON object"),
        (zipped({"model.onnx": ONNX, "labels.txt": b"\x81"}), "not UTF-8"),
        (zipped({str(i): b"" for i in range(1001)}), "1001 entries"),
        (zipped({"model.onnx": bytes(2**21)}), "how a zip bomb looks"),
        (b"PK\x03\x04 and nothing more", "the zip is damaged"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:20],
)
def test_what_is_no_single_onnx_classifier_is_refused_with_its_reason(data, reason):
    with pytest.raises(ModelRefused, match=reason):
        read_export(data)


@pytest.mark.parametrize(
    "name",
    ["/model.onnx", "../model.onnx", "a/../../model.onnx", "a\\..\\..\\model.onnx", "\\model.onnx", "C:model.onnx"],
)
def test_a_path_that_could_leave_the_zip_is_refused_even_beside_a_good_model(name):
    with pytest.raises(ModelRefused, match="not a plain path"):
        read_export(zipped({"model.onnx": ONNX, name: b""}))


def test_a_name_cut_short_by_a_nul_is_refused():
    with pytest.raises(ModelRefused, match="not a plain path"):
        read_export(zipped({"model.onnxQ.txt": ONNX}).replace(b"onnxQ", b"onnx\0"))


def test_a_symbolic_link_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("model.onnx")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ModelRefused, match="symbolic link"):
        read_export(stream.getvalue())


def test_an_encrypted_entry_is_refused():
    with pytest.raises(ModelRefused, match="without a password"):
        read_export(_claiming(zipped({"model.onnx": ONNX}), "<H", 8, 1))


def test_an_uncommon_compression_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("model.onnx", ONNX)
    with pytest.raises(ModelRefused, match="neither stored nor deflated"):
        read_export(stream.getvalue())


def test_the_declared_sizes_are_added_up_before_anything_is_unpacked():
    claims = _claiming(zipped({"model.onnx": ONNX, "other": ONNX}), "<II", 20, 2**22, 2**28 + 1)
    with pytest.raises(ModelRefused, match="unpacks to 536870914 bytes"):
        read_export(claims)


@pytest.mark.parametrize("difference", [-1, 1, 4096])
def test_an_entry_of_another_length_than_it_declares_is_refused(difference):
    data = zipped({"model.onnx": ONNX})
    with pytest.raises(ModelRefused, match=r"damaged|not as long"):
        read_export(_claiming(data, "<I", 24, len(ONNX) + difference))


@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.integers(0, 300))
def test_a_damaged_zip_is_read_or_refused_and_nothing_else(place, byte, cut):
    data = bytearray(custom_vision_zip(onnx=b"short", properties=preprocess_properties(COMPACT)))
    data[place % len(data)] = byte
    if cut % 2:
        del data[-cut:]
    try:
        assert read_export(bytes(data)).onnx
    except ModelRefused as refused:
        assert str(refused)


def _claiming(data, form, offset, *values):
    """The zip with these values written into every entry of its central directory."""
    changed, place = bytearray(data), data.find(b"PK\x01\x02")
    while place >= 0:
        struct.pack_into(form, changed, place + offset, *values)
        place = data.find(b"PK\x01\x02", place + 4)
    return bytes(changed)


MANIFEST = json.dumps({"Platform": "ONNX", "ModelFileName": "model.onnx", "LabelFileName": "labels.txt"})


@pytest.mark.parametrize(
    "files",
    [
        {
            "export\\model.onnx": ONNX,
            "export\\labels.txt": "x\r\ny",
            "export\\cvexport.manifest": MANIFEST,
            "export\\": b"",
        },
        {"model.onnx": ONNX, "labels.txt": "x\ny", "cvexport.manifest": MANIFEST, "python/labels.txt": "no"},
        {"model.onnx": ONNX, "labels.txt": "x\ny", "cvexport.manifest": MANIFEST, "CSharp/Assets/model.onnx": b""},
        {"a/model.onnx": ONNX, "a/labels.txt": "x\ny", "a/cvexport.manifest": MANIFEST, "labels.txt": "no"},
        {"model.onnx": ONNX, "labels.txt": "x\ny", "python/other.onnx": b"", "python/labels.txt": "no"},
        {
            "a/model.onnx": ONNX,
            "a/labels.txt": "x\ny",
            "__MACOSX/a/._model.onnx": b"",
            ".DS_Store": b"",
            "._labels.txt": b"",
        },
        {"Model.ONNX": ONNX, "Labels.TXT": "x\ny", "CVExport.manifest": MANIFEST, "desktop.ini": b""},
    ],
    ids=["PowerShell", "sample's labels", "sample's model", "in a folder", "no manifest", "macOS", "case"],
)
def test_an_export_packed_again_is_read_whatever_packed_it(files):
    """Backslashes, shadows of macOS, and sample code that brings a model or labels of its own, further down."""
    export = read_export(zipped(files))
    assert (export.onnx, export.labels) == (ONNX, ("x", "y"))


def test_a_zip_in_a_zip_is_named():
    with pytest.raises(ModelRefused, match=r"no ONNX model and no .*, but another zip .'in/export.zip'.,"):
        read_export(zipped({"in/export.zip": custom_vision_zip()}))
