"""Files of boxes: CSV with a heading, or COCO's JSON."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from pipeline.scene.boxes import Box, Boxes
from storage.names import Named, Parts, parts
from storage.sheets import read_sheet

HEADER = ("name", "x", "y", "width", "height")
Size = tuple[int, int] | None


class _Image(BaseModel):
    id: int | str
    file_name: str
    width: int | None = None
    height: int | None = None

    @property
    def size(self) -> Size:
        return None if self.width is None or self.height is None else (self.width, self.height)


class _Annotation(BaseModel):
    image_id: int | str
    bbox: Annotated[tuple[float, float, float, float] | None, BeforeValidator(lambda value: value or None)] = None
    segmentation: Any = None

    @property
    def box(self) -> Box | None:
        """Its box, or that of its outline; None if it has neither, or one of no size."""
        box = Box(*self.bbox) if self.bbox else _around(self.segmentation)
        return None if box is None or box.width == 0 or box.height == 0 else box


class _Coco(BaseModel):
    """What is read of COCO's format: https://cocodataset.org/#format-data."""

    images: list[_Image] = Field(min_length=1)
    annotations: list[_Annotation]


def boxes(data: bytes) -> Named[Boxes]:
    """The boxes of a file, all of one photograph together, by the photographs' names.

    Raises
    ------
    ValueError
        Naming the place, if the file is no such CSV or JSON. Whether a box lies in its photograph shows when it is
        drawn.
    """
    return _coco(data) if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else _csv(data)


def _csv(data: bytes) -> Named[Boxes]:
    expected = ",".join(HEADER)
    sheet = read_sheet(data, "boxes", expected)
    columns = sheet.columns(*(frozenset({name}) for name in HEADER))
    if columns is None or len(sheet.rows[0][1]) != len(HEADER):
        raise ValueError(f"boxes: the first line must be {expected}, or the file COCO's JSON")
    found = defaultdict[str, list[Box]](list)
    for number, row in sheet.rows[1:]:
        try:
            name, *numbers = (row[place] for place in columns) if len(row) == len(HEADER) else ("",)
            box = Box(*(float(one if sheet.delimiter == "," else one.replace(",", ".")) for one in numbers))
        except (ValueError, TypeError):
            name = ""
        if not name:
            raise ValueError(f"boxes: line {number} is {sheet.delimiter.join(row)!r}, expected {expected}")
        found[name].append(box)
    return Named(_together(found, {}), sheet.notes)


def _coco(data: bytes) -> Named[Boxes]:
    try:
        coco = _Coco.model_validate_json(data.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        raise ValueError(f"boxes: not COCO's JSON ({place + ': ' if place else ''}{first['msg']})") from None
    images = {image.id: image for image in coco.images}
    found, without = defaultdict[str, list[Box]](list), Counter[str]()
    for number, annotation in enumerate(coco.annotations):
        if annotation.image_id not in images:
            raise ValueError(f"boxes: annotations[{number}] is of image {annotation.image_id!r}, not among the images")
        name, box = images[annotation.image_id].file_name, annotation.box
        if box is None:
            without[name] += 1
        else:
            found[name].append(box)
    return Named(_together(found, {image.file_name: image.size for image in coco.images}), _told(without))


def _around(segmentation: Any) -> Box | None:
    """The box around polygons, lists of x, y, x, y and so on; None for anything else, as a run-length code."""
    polygons = segmentation if isinstance(segmentation, list) else []
    numbers = [[n for n in one if isinstance(n, int | float)] for one in polygons if isinstance(one, list)]
    across, down = ([n for one in numbers for n in one[first::2]] for first in (0, 1))
    return Box(min(across), min(down), max(across) - min(across), max(down) - min(down)) if down else None


def _together(found: Mapping[str, Iterable[Box]], sizes: Mapping[str, Size]) -> tuple[tuple[str, Boxes], ...]:
    """All boxes of one photograph, however its name is written."""
    joined = dict[Parts, tuple[str, Boxes]]()
    for name, some in found.items():
        before = joined[parts(name)][1].boxes if parts(name) in joined else ()
        joined[parts(name)] = (name, Boxes((*before, *some), sizes.get(name)))
    return tuple(joined.values())


def _told(without: Counter[str]) -> tuple[str, ...]:
    some = ", ".join(list(without)[:3]) + (", ..." if len(without) > 3 else "")
    return (f"{without.total()} annotations have neither a box nor an outline: {some}",) if without else ()
