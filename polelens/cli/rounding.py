"""What a lower precision does to the weights, measured on a few photographs of the archive."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.model.precision import F32, Unprovided
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene
from pipeline.staging import stage
from polelens.cli.store import archive, registry
from storage.blob_errors import BlobMissing
from storage.registry import Version
from storage.settings import settings

if TYPE_CHECKING:
    from pipeline.rounding import Rounding

MOST = 3  # photographs, each of which is explained twice


@dataclass(frozen=True, slots=True)
class Told:
    """What was found, or why nothing was."""

    found: "Rounding | None"
    sentence: str

    def to_json(self) -> Mapping[str, Any]:
        """What `--json` prints of it."""
        return self.found.to_json() if self.found else {"not_measured": self.sentence}


def rounding_of(version: Version, recipe: Recipe, selection: str) -> Told | None:
    """What the recipe's precision does to weights of a selection's photographs; None in float32, which rounds nothing.

    Where this machine lacks the precision, or the archive a photograph, that is said: workers elsewhere may have it.
    """
    if recipe.precision == F32:
        return None
    lacking = f"what {recipe.precision} does to the weights is not known"
    scenes = list(_scenes(version, recipe, selection))[:MOST]
    if not scenes:
        return Told(None, f"{lacking}: there is no photograph to measure it on; `polelens audit plan` does")
    try:
        found = _measured(version, recipe, scenes)
    except Unprovided as error:
        return Told(None, f"{lacking}: {error}")
    return Told(found, found.sentence)


def told_of(told: Told | None) -> dict[str, Any]:
    """The same as a field of JSON, which is not there in float32."""
    return {} if told is None else {"rounding": told.to_json()}


def _measured(version: Version, recipe: Recipe, scenes: list[Scene]) -> "Rounding":
    from pipeline.model.blackbox import BlackBox  # noqa: PLC0415 -- slow to import, and seldom needed, as the others
    from pipeline.model.tried_provider import opened  # noqa: PLC0415
    from pipeline.rounding import rounding  # noqa: PLC0415

    here, model = settings(), registry().load(version.id)
    providers = here.providers.split(",")
    rounded = opened(model, here.threads, providers, recipe.precision)
    exact = BlackBox(model, threads=here.threads, providers=providers)
    return rounding(scenes, recipe, version.labels, (exact.scores, rounded.scores))


def _scenes(version: Version, recipe: Recipe, selection: str) -> Iterator[Scene]:
    """A few photographs' scenes, those that can be read."""
    for image in archive().sample(selection, MOST):
        try:
            yield stage(archive().photograph(image.sha256, version.profile.transparent), version.profile, recipe)
        except (ValueError, BlobMissing):
            continue
