"""Tables of labels, as spreadsheets, annotation tools and databases write them."""

import pytest

from storage.labels import labels

ROWS = {"nord/blåbær.png": "TRE", "sør/0002.jpg": "STÅL"}


def table(delimiter: str, heading: str, end: str) -> str:
    """The same rows, as a program writes them."""
    lines = ([heading.replace(",", delimiter)] if heading else []) + [delimiter.join(row) for row in ROWS.items()]
    return end.join([*lines, ""])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("heading", ["", "path,label", "Filename,Class"])
def test_a_table_is_read_whatever_saved_it(encoding: str, delimiter: str, end: str, heading: str) -> None:
    """Excel's Unicode text, its CSV where the comma is the decimal sign, a Mac's line ends; a guess is said."""
    found = labels(table(delimiter, heading, end).encode(encoding))
    assert dict(found.told) == ROWS
    assert found.notes == (("read as Windows-1252, for it is not UTF-8",) if encoding == "cp1252" else ())


@pytest.mark.parametrize(
    "text",
    [
        "label,path\nTRE,a.png\n",
        "id;filename;width;class\n7;a.png;640;TRE\n",
        "sep=;\npath;label\na.png;TRE\n",
        "sha256,name,known_label,state\n12ab,a.png,TRE,done\n",
        "TRAIN,a.png,TRE\n",
        '"a.png","TRE"\n',
        "\n a.png , TRE \n\n,\n",
        "a.png,TRE\na.png,TRE",
    ],
)
def test_the_columns_are_found_by_their_names(text: str) -> None:
    """In any order, among others; AutoML's set and Excel's hint are no data, and a row that comes twice is one."""
    assert labels(text.encode()).told == (("a.png", "TRE"),)


def test_a_label_may_hold_commas_and_letters_beyond_ascii() -> None:
    """Quoted, as CSV has it."""
    assert labels('"a,b.png","tømmer, ""gammelt"""\n'.encode()).told == (("a,b.png", 'tømmer, "gammelt"'),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a.png,TRE\nb.png\n", "line 2 is 'b.png', expected path,label"),
        (b"a.png TRE\n", "line 1 is 'a.png TRE', expected path,label"),
        (b"a.png,TRE,1\n", "line 1"),
        (b"a.png,\n", "line 1"),
        (b",TRE\n", "line 1"),
        (b"a.png,b\x81\n", "not UTF-8 text \\(byte 7\\)"),
        (b"\xff\xfea", "not UTF-16-LE text"),
        (b"a.png,a\0b\n", "line 1"),
    ],
)
def test_a_labels_file_that_is_wrong_names_the_line(data: bytes, message: str) -> None:
    """Nothing of it is used."""
    with pytest.raises(ValueError, match=message):
        labels(data)
