"""Subject: the photograph that is explained, as it was handed in, and where its object is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.document import ImageFacts
from pipeline.model.profile import Profile
from pipeline.pictures import Backdrop
from pipeline.recipe import Recipe
from pipeline.scene.mask import Whereabouts, object_mask
from pipeline.scene.scene import Scene
from pipeline.staging import canvas_notes, stage
from polelens.inputs import Image, photograph


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A photograph, uint8 [H, W, 3], and the mask of its object, bool [H, W], if that is known."""

    photograph: NDArray[np.uint8]
    image: ImageFacts
    profile: Profile
    mask: NDArray[np.bool_] | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, image: Image, where: Whereabouts, profile: Profile, megapixels: float) -> "Subject":
        """The photograph as a model with this profile is shown it. Raises ValueError for what cannot be read."""
        decoded, sha256 = photograph(image, profile.transparent, megapixels)
        height, width = decoded.pixels.shape[:2]
        drawn = object_mask(where, height, width)
        notes = (*decoded.notes, *(drawn.notes if drawn else ()))
        facts = ImageFacts(sha256, width, height)
        return cls(decoded.pixels, facts, profile, drawn.pixels if drawn else None, notes)

    def scene(self, recipe: Recipe) -> Scene:
        """What a recipe perturbs of it."""
        return stage(self.photograph, self.profile, recipe, self.mask)

    def notes_on(self, scene: Scene) -> tuple[str, ...]:
        """What a person should know of how it was read, and of what the model is shown of it."""
        return (*self.notes, *canvas_notes(self.profile, scene, self.mask, (self.image.height, self.image.width)))

    def backdrop(self, scene: Scene) -> Backdrop:
        """What its pictures are painted on."""
        return Backdrop(self.photograph, self.profile.placement(self.image.width, self.image.height), scene.segments)
