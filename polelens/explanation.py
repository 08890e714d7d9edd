"""An explanation as a person holds it: every number, its pictures, and the folder that it is saved in."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.document import ImageFacts, ModelFacts, document, heat_files
from pipeline.methods.chosen_fill import filled
from pipeline.pictures import Backdrop, png
from pipeline.pictures.composition import LARGEST
from pipeline.pictures.rendering import Drawing, Picture, Style, rendered
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from polelens.card import card
from polelens.predictor import Predictor
from polelens.subject import Subject


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """The explanation of one photograph; in a notebook it shows itself: answers, figures and overlay."""

    photograph: NDArray[np.uint8]
    image: ImageFacts
    model: ModelFacts
    recipe: Recipe
    scene: Scene
    attribution: Attribution
    backdrop: Backdrop
    style: Style
    notes: tuple[str, ...] = ()  # what a person should know of how the photograph and the mask were read

    @classmethod
    def of(
        cls, subject: Subject, predictor: Predictor, answered: tuple[Recipe, Scene, Attribution], style: Style
    ) -> Self:
        """The explanation of a subject, by a recipe that made this scene of it and gave this attribution."""
        recipe, scene, attribution = answered
        return cls(
            photograph=subject.photograph,
            image=subject.image,
            model=predictor.facts,
            recipe=recipe,
            scene=scene,
            attribution=attribution,
            backdrop=subject.backdrop(scene),
            style=style,
            notes=(*predictor.notes, *subject.notes_on(scene)),
        )

    @cached_property
    def drawing(self) -> Drawing:
        """What each picture is drawn from, when it is asked for."""
        shown = filled(self.scene, self.attribution.fill_choice).fill
        return Drawing(self.backdrop.within(LARGEST), shown, self.attribution, self.style)

    @cached_property
    def pictures(self) -> Mapping[str, bytes]:
        """PNG files by name: overlay.png, support.png, seeds.png, segments.png; denoised.png where it was asked for."""
        return rendered(self.drawing)

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

    def plot(self) -> PIL.Image.Image:
        """The overlay, which a notebook shows and `save` writes."""
        return PIL.Image.fromarray(self.drawing.draw(Picture("overlay")))

    def table(self) -> Any:
        """A row a label and superpixel: a pandas DataFrame where pandas is installed, else a list of dicts.

        `weight`, its `std_error` and the `half_width` of its 95 % interval; `x` and `y`, the superpixel's mean place in
        the photograph's pixels, and `area`, its share of what the model is shown.
        """
        rows = [row for label in self.attribution.labels for row in self._rows(label)]
        try:
            from pandas import DataFrame  # noqa: PLC0415 -- a notebook may have it; nothing else needs it
        except ImportError:
            return rows
        return DataFrame(rows)

    def _rows(self, label: LabelAttribution) -> Iterator[dict[str, Any]]:
        sizes = np.bincount(self.scene.segments.ravel())
        for number, (x, y) in enumerate(self.backdrop.centers()):
            yield {
                "label": label.label,
                "superpixel": number,
                "weight": float(label.weights[number]),
                "std_error": float(label.std_error[number]),
                "half_width": float(label.half_width[number]),
                "x": x,
                "y": y,
                "area": float(sizes[number] / sizes.sum()),
            }

    def _repr_html_(self) -> str:
        return card(self.attribution, png(self.drawing.draw(Picture("overlay"))), self.notes)

    def __repr__(self) -> str:
        known, names = self.attribution.probabilities, [one.label for one in self.attribution.labels]
        explained = ", ".join(f"{name} {known[name]:.1%}" for name in names)
        return f"<Explanation under {self.model.name}, recipe {self.recipe.title}: {explained}>"
