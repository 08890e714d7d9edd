"""A sample of photographs, prepared to see how many superpixels they get and how long that takes."""

import time
from dataclasses import dataclass

from pipeline.recipe import Recipe
from pipeline.staging import stage
from polelens.cli.store import archive
from storage.archive import Image
from storage.blob_errors import BlobMissing
from storage.registry import Version

MOST = 4  # photographs: preparing one takes a tenth of a second or so


@dataclass(frozen=True, slots=True)
class Sample:
    """What a few photographs say of the others: superpixels, and seconds to prepare one; none if none can be read."""

    photographs: int
    superpixels: int | None
    seconds: float


NOTHING_SEEN = Sample(0, None, 0.0)


def sample(version: Version, recipe: Recipe, selection: str) -> Sample:
    """Prepare a few photographs of a selection, as a worker would, and keep nothing."""
    found = [one for image in archive().sample(selection, MOST) if (one := _prepared(image, version, recipe))]
    if not found:
        return NOTHING_SEEN
    superpixels, seconds = zip(*found, strict=True)
    return Sample(len(found), round(sum(superpixels) / len(found)), min(seconds))


def _prepared(image: Image, version: Version, recipe: Recipe) -> tuple[int, float] | None:
    """The superpixels and the seconds; None for a photograph that will fail with its own reason."""
    began = time.perf_counter()
    try:
        scene = stage(archive().photograph(image.sha256, version.profile.transparent), version.profile, recipe)
    except (ValueError, BlobMissing):
        return None
    return scene.k, time.perf_counter() - began
