"""Variants: another look at the same photograph, other superpixels, another fill, or the object as one region.

A variant may be of another one: a method that shows regions of its own does so too where the photograph is denoised.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.scene.choice import own_options
from pipeline.scene.fills import fill
from pipeline.scene.lattice import Lattice
from pipeline.scene.scene import Scene
from pipeline.scene.segments import segment, tiles

Regions = Literal["superpixels", "object"]
LATER = ("of", "tile", "lattice")  # fields that are told where they say something: workers of before can read the rest
HELD = 8  # variants that a process remembers: their masks come in many parts, and superpixels take their time


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs from the recipe's own scene.

    Attributes
    ----------
    fill : str or None
        See `pipeline.scene.fills`; None is the scene's own, which goes with its own regions only.
    regions : "superpixels" or "object"
        What is switched: the superpixels, or the background (0) and the object (1) of the photograph's mask.
    segmenter : {"name": ..., its own options} or None
        Other superpixels than the scene's; see `pipeline.scene.segments`.
    noise : float
        Standard deviation, of 255, of Gaussian noise on the canvas. The superpixels stay as they are.
    without : tuple of int
        Superpixels of the scene that show their fill for good.
    tile : int or None
        What is switched is squares of so many pixels a side, which show the scene's own fill.
    lattice : int or None
        What is switched is the soft cells of a lattice with so many along a side.
    of : Variant or None
        What it is another look at; None is the recipe's own scene.
    """

    fill: str | None = None
    regions: Regions = "superpixels"
    segmenter: Mapping[str, Any] | None = None
    noise: float = 0.0
    without: tuple[int, ...] = ()
    of: Self | None = None
    tile: int | None = None
    lattice: int | None = None

    def __post_init__(self) -> None:
        if self.fill is None and (self.regions == "object" or self.segmenter):
            raise ValueError("variant: fill is None, which goes with the scene's own superpixels only; name a fill")

    def upon(self, other: "Variant") -> "Variant":
        """The same look at what another variant shows: `vary(vary(scene, other), self)` in one."""
        return replace(self, of=other if self.of is None else self.of.upon(other))

    def within(self) -> "Variant | None":
        """The same look at what the innermost variant shows: what was `upon` it; None if this is that one."""
        return None if self.of is None else replace(self, of=self.of.within())

    @property
    def keeps_canvas(self) -> bool:
        """Whether with everything on it shows the photograph as it is."""
        return not (self.noise or self.without) and (self.of is None or self.of.keeps_canvas)

    @property
    def shows_mask(self) -> bool:
        """Whether the photograph's mask has a part in it."""
        return self.regions == "object" or (self.of is not None and self.of.shows_mask)

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `from_json` reads."""
        told = asdict(replace(self, of=None))
        later = {name: value for name in LATER if (value := told.pop(name)) is not None}
        return told | later | ({} if self.of is None else {"of": self.of.to_json()})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The variant that `to_json` wrote."""
        of = cls.from_json(value["of"]) if "of" in value else None
        return cls(**{**value, "without": tuple(value.get("without", ())), "of": of})


def vary(scene: Scene, variant: Variant | None) -> Scene:
    """The scene as a variant shows it.

    Raises
    ------
    ValueError
        If the object is asked for and the scene has no mask of it, or one that is all or nothing of the canvas.
    """
    return (
        scene if variant is None else _varied(vary(scene, variant.of), json.dumps(replace(variant, of=None).to_json()))
    )


@lru_cache(maxsize=HELD)  # no state: a scene is told by identity, and what is remembered is what would be made again
def _varied(scene: Scene, variant_json: str) -> Scene:
    variant = Variant.from_json(json.loads(variant_json))
    canvas = _canvas(scene, variant)
    segments = _segments(scene, variant)
    shown = scene.fill if variant.fill is None else fill(canvas, segments, variant.fill)
    return Scene(canvas, segments, shown, scene.mask, Lattice(variant.lattice) if variant.lattice else None)


def _canvas(scene: Scene, variant: Variant) -> NDArray[np.uint8]:
    canvas = scene.canvas
    if variant.noise:
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(canvas.shape)))
        noisy = canvas + generator.normal(0, variant.noise, canvas.shape)
        canvas = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
    if variant.without:
        gone = np.isin(scene.segments, variant.without)
        canvas = np.where(gone[..., None], scene.fill, canvas)
    return canvas


def _segments(scene: Scene, variant: Variant) -> NDArray[np.int32]:
    if variant.tile:
        return tiles(scene.canvas, variant.tile)
    if variant.segmenter:
        return segment(scene.canvas, variant.segmenter["name"], own_options(variant.segmenter))
    if variant.regions == "superpixels":
        return scene.segments
    if scene.mask is None or scene.mask.all() or not scene.mask.any():
        raise ValueError("the scene has no mask that divides it into object and background")
    return scene.mask.astype(np.int32)
