"""Tables of labels: the path of a photograph and its label, a line each."""

from storage.names import Named, parts
from storage.sheets import Sheet, read_sheet

PATHS = "path name file filename file_name filepath file_path image imagename image_name image_path image_id photograph"
LABELS = "label class classname class_name category target tag known_label"
SETS = frozenset({"train", "training", "validation", "test", "unassigned"})  # AutoML's first column, where it has one
EXPECTED = "path,label"


def labels(data: bytes) -> Named[str]:
    """The labels of a CSV file by the photographs' paths.

    With a heading the columns may be any, as long as one names the path and one the label; without one there are two,
    or three as AutoML has them. Several labels of one path are kept: which is meant nobody can know.

    Raises
    ------
    ValueError
        Naming the line.
    """
    sheet = read_sheet(data, "labels", EXPECTED)
    heading = sheet.columns(frozenset(PATHS.split()), frozenset(LABELS.split()))
    path, label = heading or (0, 1)
    found = dict[tuple[tuple[str, ...], str], tuple[str, str]]()
    for number, row in sheet.rows[1 if heading else 0 :]:
        cells = row if heading else _two(row)
        if cells is None or len(cells) <= max(path, label) or not cells[path] or not cells[label]:
            raise ValueError(f"labels: line {number} is {sheet.delimiter.join(row)!r}, expected {EXPECTED}")
        found[parts(cells[path]), cells[label]] = (cells[path], cells[label])
    if any("\0" in cell for row in found.values() for cell in row):
        raise ValueError(f"labels: {_first_zero(sheet)} holds a zero byte, expected {EXPECTED}")
    return Named(tuple(found.values()), sheet.notes)


def _two(row: list[str]) -> list[str] | None:
    if len(row) == 3 and row[0].lower() in SETS:
        return row[1:]
    return row if len(row) == 2 else None


def _first_zero(sheet: Sheet) -> str:
    return next(f"line {number}" for number, row in sheet.rows if "\0" in "".join(row))
