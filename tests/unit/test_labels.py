"""Label files: whoever wrote them, the labels come out in the order of the model's outputs, or are refused."""

import json

import pytest

from pipeline.model.label_files import read_labels
from pipeline.model.model import ModelRefused

NAMES = ("betong", "stål", "tre og stein")
BY_NUMBER, BY_NAME = dict(enumerate(NAMES)), {name: number for number, name in enumerate(NAMES)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n  "])
def test_lines_are_labels_in_any_encoding_with_any_ends(encoding: str, end: str) -> None:
    """Notepad, Excel and a Mac of any age."""
    assert read_labels(end.join([*NAMES, ""]).encode(encoding)) == NAMES


@pytest.mark.parametrize(
    "value",
    [
        NAMES,
        BY_NUMBER,
        BY_NAME,
        dict(reversed(BY_NAME.items())),
        {"architectures": ["ViT"], "id2label": BY_NUMBER, "label2id": BY_NAME},
        {"classes": NAMES},
        {"names": BY_NUMBER},
        [{"name": name, "id": number} for number, name in BY_NUMBER.items()],
        {number: [f"n0144{number}", name] for number, name in BY_NUMBER.items()},
    ],
)
@pytest.mark.parametrize("indent", [None, 0, 2])
def test_json_is_labels_however_a_tool_shapes_it(value: object, indent: int | None) -> None:
    """AutoML's list, Hugging Face's config.json, Keras's class_indices, ImageNet's index; on one line or on many."""
    assert read_labels(json.dumps(value, indent=indent, ensure_ascii=False).encode()) == NAMES


@pytest.mark.parametrize("form", ["{0} {1}", "{0},{1}", "{0}\t{1}", "{0}: {1}", " {0} ;{1}", "{1},{0}", "{1};{0}"])
def test_numbers_before_or_after_every_label_are_not_part_of_it(form: str) -> None:
    """Teachable Machine's labels.txt and tables of numbers and names; the numbers say the order."""
    lines = [form.format(number, name) for number, name in BY_NUMBER.items()]
    for written in (lines, lines[::-1]):
        assert read_labels("\n".join(written).encode()) == NAMES
    if "," in form:
        assert read_labels("\n".join(["index,label", *lines]).encode()) == NAMES


@pytest.mark.parametrize(
    "lines",
    [
        ["class 0", "class 1", "class 2"],
        ["0", "1", "2"],
        ["0 poles", "1 pole", "2 poles"],
        ["1 krone", "5 kroner", "10 kroner"],
        ["0 betong", "tre"],
        ["2-stroke", "4-stroke"],
    ],
)
def test_a_number_that_is_part_of_a_label_stays(lines: list[str]) -> None:
    """Where the numbers do not count the lines, or the rest would not tell them apart."""
    assert read_labels("\n".join(lines).encode()) == tuple(lines)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe\x00a\x00", "not UTF-16-LE text"),
        (b"caf\x81\xe9", "not UTF-8 text"),
        (b'{"labels": ', "is JSON without labels"),
        (b'["betong", {"x": 1}]', "is no name"),
        (b'{"0": "a", "2": "b"}', "its numbers are not 0, 1, 2"),
        (b'{"a": 0, "b": 0}', "its numbers are not 0, 1, 2"),
        (b'{"model": "vit", "layers": 12}', "its fields are 'model', 'layers'"),
        (b'item {\n id: 1\n name: "a"\n}\n', "begins with 'item {', which is no label"),
        (b"names:\n- a\n- b\n", "begins with 'names:', which is no label"),
        (b"[]", None),
        (b"[" * 100_000, "is JSON without labels"),
    ],
)
def test_what_holds_no_labels_is_refused_and_never_taken_for_lines(data: bytes, message: str | None) -> None:
    """A file of braces with as many lines as the model has outputs is the silent mistake."""
    if message is None:
        assert read_labels(data) == ()
        return
    with pytest.raises(ModelRefused, match=message):
        read_labels(data)
