"""What exporters write into an ONNX file's own metadata beside Microsoft's keys: class names, size, range, task."""

import ast
import json
from collections.abc import Mapping
from typing import Any

from pipeline.model.model import ModelRefused

NAMES = ("names", "class_names", "classes", "labels", "id2label")
MOST_CHARACTERS = 2**20  # of a literal that is read
ULTRALYTICS = "Ultralytics metadata"


def class_names(properties: Mapping[str, str]) -> tuple[str, ...] | None:
    """The class names in the metadata: a list, or a mapping from the column's number, in JSON or in Python's words."""
    known = {key.lower(): text for key, text in properties.items()}
    for key in NAMES:
        names = _in_order(_literal(known.get(key, "")))
        if names and all(isinstance(name, str) for name in names):
            return tuple(names)
    return None


def ultralytics(properties: Mapping[str, str]) -> dict[str, Any]:
    """The profile's fields that Ultralytics' metadata stands for; none where it is not Ultralytics'.

    Their classifiers are trained on the largest centred square, RGB on 0..1 (`classify_transforms`).

    Raises
    ------
    ModelRefused
        If the file says that it is for another task than classifying.
    """
    if "task" not in properties or not {"stride", "imgsz", "names"} & set(properties):
        return {}
    if properties["task"] != "classify":
        task = properties["task"]
        raise ModelRefused(f"the model's metadata names the task {task!r}; polelens explains classifiers only")
    size = _literal(properties.get("imgsz", ""))
    sides = [size] * 2 if isinstance(size, int) else size
    known = isinstance(sides, list | tuple) and len(sides) == 2 and all(type(side) is int for side in sides)
    square = not known or sides[0] == sides[1]
    fields = {"crop": "center" if square else "stretch", "color": "rgb", "mean": 0.0, "scale": 255.0}
    return fields | ({"size": sides[0] if square else list(sides)} if known else {})


def _in_order(value: Any) -> list[Any]:
    """The names in a list, or in a mapping from 0, 1, 2 ...; none in anything else."""
    if not isinstance(value, dict):
        return list(value) if isinstance(value, list | tuple) else []
    numbered = {str(key): name for key, name in value.items()}
    return [numbered.get(str(place)) for place in range(len(numbered))]


def _literal(text: str) -> Any:
    """A value as Python or JSON writes it; None for what is neither."""
    if len(text) > MOST_CHARACTERS:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None
