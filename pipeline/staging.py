"""Staging: from a photograph to the scene that every worker perturbs, and the scene as bytes."""

import hashlib
import io
import json

import numpy as np
from numpy.typing import NDArray

from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from pipeline.scene.fills import fill
from pipeline.scene.scene import Scene
from pipeline.scene.segments import segment

SEEN = 0.6  # of a photograph: who is shown less of it should know


def stage(
    photograph: NDArray[np.uint8], profile: Profile, recipe: Recipe, mask: NDArray[np.bool_] | None = None
) -> Scene:
    """The scene of an upright photograph, uint8 [H, W, 3], and of the mask of its object, bool [H, W], if known."""
    canvas = profile.canvas(photograph)
    segments = segment(canvas, recipe.segmenter["name"], recipe.segmenter_options())
    placed = None if mask is None else canvas_mask(profile, mask)
    return Scene(canvas, segments, fill(canvas, segments, recipe.fill), placed)


def canvas_mask(profile: Profile, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A photograph's mask, bool [H, W], on the canvas, bool [h, w]: a pixel is in if at least half of it was."""
    shades = np.broadcast_to((mask * np.uint8(255))[..., None], (*mask.shape, 3))
    return np.asarray(profile.canvas(shades)[..., 0] > 127)


def share_seen(profile: Profile, width: int, height: int) -> float:
    """The share of an upright photograph of this size that a model with this profile is shown, 0..1.

    Examples
    --------
    >>> share_seen(Profile(224, crop="center"), 400, 100), share_seen(Profile(224, crop="stretch"), 400, 100)
    (0.25, 1.0)
    """
    place = profile.placement(width, height)
    across = min(place.right, width) - max(place.left, 0)
    return float(across * (min(place.bottom, height) - max(place.top, 0)) / (width * height))


def canvas_notes(profile: Profile, scene: Scene, mask: NDArray[np.bool_] | None, size: tuple[int, int]) -> list[str]:
    """What a person should know of the part of a photograph, [height, width], that the model is shown."""
    seen, notes = share_seen(profile, size[1], size[0]), list[str]()
    if seen < SEEN:
        notes.append(f"the model is shown {seen:.0%} of the photograph: its profile's crop is {profile.crop}")
    if mask is not None and scene.mask is not None and mask.any() and not mask.all():
        if not scene.mask.any():
            notes.append("the object lies outside of what the model is shown, so nothing is said of the background")
        elif scene.mask.all():
            notes.append("the model is shown nothing but the object, so nothing is said of the background")
    return notes


def scene_digest(image_sha256: str, profile: Profile, recipe: Recipe, mask_sha256: str | None = None) -> str:
    """What a scene depends on, as one hex digest: models and recipes that agree on it share the scene."""
    body = {
        "image": image_sha256,
        "mask": mask_sha256,
        "geometry": profile.geometry(),
        "segmenter": recipe.to_json()["segmenter"],
        "fill": recipe.fill,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def pack(scene: Scene) -> bytes:
    """The scene as a compressed .npz file of canvas, segments, fill and mask."""
    buffer = io.BytesIO()
    mask = {} if scene.mask is None else {"mask": scene.mask}
    np.savez_compressed(
        buffer, allow_pickle=False, canvas=scene.canvas, segments=scene.segments, fill=scene.fill, **mask
    )
    return buffer.getvalue()


def unpack(data: bytes) -> Scene:
    """The scene that `pack` wrote."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Scene(arrays["canvas"], arrays["segments"], arrays["fill"], arrays.get("mask"))
