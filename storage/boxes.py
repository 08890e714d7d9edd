"""Files of boxes: CSV with a heading, or COCO's JSON."""

from collections import defaultdict

from pydantic import BaseModel, Field, ValidationError

from pipeline.scene.boxes import Box, Boxes
from storage.sources import Named, csv_rows

HEADER = ["name", "x", "y", "width", "height"]
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
    bbox: tuple[float, float, float, float]


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
    found: defaultdict[str, list[Box]] = defaultdict(list)
    rows = [(number, row) for number, row in csv_rows(data, "boxes", expected) if any(map(str.strip, row))]
    if not rows or [cell.strip().lower() for cell in rows[0][1]] != HEADER:
        raise ValueError(f"boxes: the first line must be {expected}, or the file COCO's JSON")
    for number, row in rows[1:]:
        name, *numbers = (cell.strip() for cell in row)
        try:
            found[name].append(Box(*map(float, numbers)))
        except (ValueError, TypeError):
            name = ""
        if not name:
            raise ValueError(f"boxes: line {number} is {','.join(row)!r}, expected {expected}")
    return Named.of({name: Boxes(tuple(some)) for name, some in found.items()})


def _coco(data: bytes) -> Named[Boxes]:
    try:
        coco = _Coco.model_validate_json(data.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        raise ValueError(f"boxes: not COCO's JSON ({place + ': ' if place else ''}{first['msg']})") from None
    images = {image.id: image for image in coco.images}
    found: defaultdict[str, list[Box]] = defaultdict(list)
    for number, annotation in enumerate(coco.annotations):
        if annotation.image_id not in images:
            raise ValueError(f"boxes: annotations[{number}] is of image {annotation.image_id!r}, not among the images")
        found[images[annotation.image_id].file_name].append(Box(*annotation.bbox))
    sizes = {image.file_name: image.size for image in coco.images}
    return Named.of({name: Boxes(tuple(some), sizes[name]) for name, some in found.items()})
