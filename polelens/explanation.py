"""An explanation as a person holds it: every number, its pictures, and the folder that it is saved in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution
from pipeline.document import ImageFacts, ModelFacts, document, heat_files
from pipeline.pictures import Backdrop
from pipeline.pictures.rendering import Style, rendered
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """The explanation of one photograph; in a notebook it shows itself as its overlay."""

    photograph: NDArray[np.uint8]
    image: ImageFacts
    model: ModelFacts
    recipe: Recipe
    scene: Scene
    attribution: Attribution
    backdrop: Backdrop
    style: Style
    notes: tuple[str, ...] = ()  # what a person should know of how the photograph and the mask were read

    @cached_property
    def pictures(self) -> Mapping[str, bytes]:
        """PNG files by name: overlay.png, support.png, seeds.png, segments.png; denoised.png where it was asked for."""
        return rendered(self.backdrop, self.scene.fill, self.attribution, self.recipe.seeds, self.style)

    def document(self) -> Mapping[str, Any]:
        """What attribution.json holds."""
        return document(self.image, self.model, self.recipe, self.attribution)

    def save(self, folder: str | Path) -> None:
        """Write the pictures, heat maps and attribution.json into a folder, made if need be."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in {**self.pictures, **heat_files(self.attribution)}.items():
            (folder / name).write_bytes(data)
        (folder / "attribution.json").write_text(json.dumps(self.document(), indent=1, allow_nan=False) + "\n")

    def _repr_png_(self) -> bytes:
        return self.pictures["overlay.png"]

    def __repr__(self) -> str:
        known, names = self.attribution.probabilities, [one.label for one in self.attribution.labels]
        explained = ", ".join(f"{name} {known[name]:.1%}" for name in names)
        return f"<Explanation under {self.model.name}, recipe {self.recipe.name}: {explained}>"
