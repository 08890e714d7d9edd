"""The document of an explanation: what `attribution.json` holds, and what the archive gives for each photograph."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.answer.attribution import Attribution
from pipeline.recipe import Recipe


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Which photograph: the SHA-256 of its file, and its upright size in pixels."""

    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Which model: its name, its version where it is registered, and the SHA-256 of its ONNX file."""

    name: str
    version: int | None
    sha256: str


def document(image: ImageFacts, model: ModelFacts, recipe: Recipe, attribution: Attribution) -> Mapping[str, Any]:
    """An explanation with its provenance, as JSON says it; docs/formats.md describes every field."""
    return {
        "image": asdict(image),
        "model": asdict(model),
        "recipe": recipe.to_json() | {"digest": recipe.digest},
        **attribution.to_json(),
    }
