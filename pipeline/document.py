"""The document of an explanation: what `attribution.json` holds, and what the archive gives for each photograph."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.model.profile import Profile
from pipeline.recipe import Recipe


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Which photograph: the SHA-256 of its file, and its upright size in pixels."""

    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Which model: its name, its version where it is registered, the SHA-256 of its ONNX file, and how it is asked.

    That is its profile as a JSON object, where each field of it comes from, and what a person should know. A function
    has no file, and so no SHA-256: None.
    """

    name: str
    version: int | None
    sha256: str | None
    profile: Mapping[str, Any]
    profile_sources: Mapping[str, str]
    warnings: Sequence[str]

    @classmethod
    def of(
        cls, reference: tuple[str, int | None], sha256: str | None, profile: Profile, facts: Mapping[str, Any]
    ) -> Self:
        """The facts of the model with this name and version."""
        sources, warnings = facts.get("profile_sources", {}), facts.get("warnings", [])
        return cls(*reference, sha256, profile.to_json(), sources, warnings)


def heat_files(attribution: Attribution) -> Mapping[str, bytes]:
    """The heat maps, where the method gives such, as files by name.

    `heat-1.npz` holds `heat` and, where the method knows it, its `std_error`, float32 [h, w].
    """
    return {
        heat_name(place): _packed(label.heat, label.heat_error)
        for place, label in enumerate(attribution.labels, start=1)
        if label.heat is not None
    }


def heat_name(place: int) -> str:
    """The file of the heat map of the label in this place of those explained, from 1."""
    return f"heat-{place}.npz"


def _packed(heat: NDArray[np.float32], error: NDArray[np.float32] | None) -> bytes:
    buffer, known = io.BytesIO(), {} if error is None else {"std_error": error}
    np.savez_compressed(buffer, allow_pickle=False, heat=heat, **known)
    return buffer.getvalue()


def document(image: ImageFacts, model: ModelFacts, recipe: Recipe, attribution: Attribution) -> Mapping[str, Any]:
    """An explanation with its provenance, as JSON says it; docs/formats.md describes every field."""
    return {
        "image": asdict(image),
        "model": asdict(model),
        "recipe": recipe.to_json() | {"digest": recipe.digest},
        **attribution.to_json(),
    }
