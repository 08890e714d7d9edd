"""Variants: another look at the same photograph, such as another fill, or the object as one region."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from pipeline.fills import fill
from pipeline.scene import Scene

Regions = Literal["superpixels", "object"]
BACKGROUND, OBJECT = 0, 1  # the labels of the two regions that a mask makes


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs from the recipe's own scene.

    Attributes
    ----------
    fill : str
        See `pipeline.fills`.
    regions : "superpixels" or "object"
        What is switched: the superpixels, or the background (0) and the object (1) of the photograph's mask.
    """

    fill: str
    regions: Regions = "superpixels"

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The variant that `to_json` wrote."""
        return cls(**value)


def vary(scene: Scene, variant: Variant | None) -> Scene:
    """The scene as a variant shows it.

    Raises
    ------
    ValueError
        If the object is asked for and the scene has no mask of it, or one that is all or nothing of the canvas.
    """
    if variant is None:
        return scene
    segments = scene.segments
    if variant.regions == "object":
        if scene.mask is None or scene.mask.all() or not scene.mask.any():
            raise ValueError("the scene has no mask that divides it into object and background")
        segments = scene.mask.astype(segments.dtype)
    return Scene(scene.canvas, segments, fill(scene.canvas, segments, variant.fill), scene.mask)
