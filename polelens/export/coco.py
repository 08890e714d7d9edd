"""COCO: the supporting region of each label explained, for annotation tools and detection libraries."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import LabelAttribution
from pipeline.answer.selection import Selection
from pipeline.model.profile import Profile
from pipeline.pictures.region import region
from polelens.export.columns import figures, photograph
from polelens.export.files import whole
from storage.audits import Explained

NAME = "coco.json"


@dataclass(frozen=True, slots=True)
class Regions:
    """What it takes to find a label's support in the photograph: the rule, or 80 % of the positive weight.

    As `support.png` shows it.

    `segments` gives a scene's superpixels, int32 [h, w], by the scene's digest.
    """

    labels: Sequence[str]  # the model's
    profile: Profile
    segments: Callable[[str], NDArray[np.int32]]
    selection: Selection = field(default_factory=Selection)

    def segmentation(self, row: Explained, label: LabelAttribution) -> dict[str, Any]:
        """The fields of an annotation that say where: COCO's compressed run-length code, area and box."""
        try:
            from pycocotools import mask  # noqa: PLC0415  an extra
        except ImportError:
            raise ValueError("format coco needs pycocotools: pip install 'polelens[export]'") from None
        chosen = label.supporting(self.selection)
        place = self.profile.placement(row.width, row.height)
        covered = region(self.segments(row.scene or ""), chosen, place, (row.height, row.width))
        code = mask.encode(covered.view(np.uint8))
        where = {"area": int(mask.area(code)), "bbox": mask.toBbox(code).tolist()}
        return {"segmentation": {"size": code["size"], "counts": code["counts"].decode()}, "iscrowd": 0, **where}


def export_coco(rows: Iterable[Explained], regions: Regions, folder: Path, provenance: Mapping[str, Any]) -> Path:
    """Write `coco.json` into a folder; the annotations wait in a temporary file until the images are all written."""
    categories = [{"id": number, "name": name} for number, name in enumerate(regions.labels, start=1)]
    info = {"description": f"audit {provenance.get('audit')}", "polelens": provenance}
    with whole(folder, NAME) as [path], path.open("w", encoding="ascii") as file:
        file.write(f'{{"info": {json.dumps(info)},\n"licenses": [],\n"categories": {json.dumps(categories)},\n')
        with tempfile.TemporaryFile("w+", encoding="ascii", dir=folder) as waiting:
            _write(rows, regions, file, waiting)
            waiting.seek(0)
            shutil.copyfileobj(waiting, file)
        file.write("\n]}\n")
    return folder / NAME


def _write(rows: Iterable[Explained], regions: Regions, images: IO[str], annotations: IO[str]) -> None:
    numbers, image, annotation = count(1), _items(images, "images"), _items(annotations, "annotations")
    for number, row in enumerate(rows, start=1):
        image({"id": number, "file_name": row.image_name, **photograph(row)})
        for one in _annotations(row, regions):
            annotation({"id": next(numbers), "image_id": number, **one})
    images.write("\n],\n")


def _annotations(row: Explained, regions: Regions) -> Iterator[dict[str, Any]]:
    for label in row.attribution.labels if row.attribution else ():
        category = {"category_id": regions.labels.index(label.label) + 1}
        yield category | regions.segmentation(row, label) | figures(row, label)


def _items(file: IO[str], name: str) -> Callable[[Mapping[str, Any]], None]:
    """Begin a list; what it gives writes one item of it."""
    file.write(f'"{name}": [')
    separators = iter(["\n"])

    def write(item: Mapping[str, Any]) -> None:
        file.write(next(separators, ",\n") + json.dumps(item, allow_nan=False))

    return write
