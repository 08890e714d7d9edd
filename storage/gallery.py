"""The gallery: pictures of what an archive has explained, drawn when somebody looks.

Drawn from the photograph, the scene and what Postgres has of the attribution: no picture is stored.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.document import heat_name
from pipeline.methods.chosen_fill import filled
from pipeline.model.profile import Profile
from pipeline.pictures import Backdrop
from pipeline.pictures.composition import LARGEST
from pipeline.pictures.rendering import LOOK, Drawing, Picture, Style, kinds
from storage.archive import Archive
from storage.audits import Explained
from storage.blob_errors import BlobMissing, damage
from storage.keys import explanation_key
from storage.scenes import read_scene

PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Gallery:
    """The pictures of an archive, in a style."""

    archive: Archive
    style: Style = PLAIN

    def pictures(self, row: Explained) -> tuple[Picture, ...]:
        """Those that there are of an explanation; nothing is read but whether its heat maps are there."""
        labels = enumerate(row.attribution.labels if row.attribution else (), start=1)
        return tuple(Picture(kind, place) for place, label in labels for kind in self._kinds(row, place, label))

    def drawing(self, row: Explained, profile: Profile) -> Drawing:
        """What all of an explanation's pictures are drawn from, for a model with this profile.

        Raises
        ------
        ValueError
            If the photograph is not explained.
        BlobMissing
            If its scene or its photograph are gone; BlobDamaged, its kind, if they are damaged.
        """
        if row.attribution is None or row.scene is None:
            raise ValueError(f"{row.image_name} is {row.state} and not explained: there is nothing to draw")
        scene = read_scene(self.archive.blobs, row.scene)
        photograph = self.archive.photograph(row.image, profile.transparent)
        backdrop = Backdrop(photograph, profile.placement(row.width, row.height), scene.segments).within(LARGEST)
        attribution = self.with_heat(row.key, row.attribution)
        return Drawing(backdrop, filled(scene, attribution.fill_choice).fill, attribution, self.style)

    def etag(self, key: str, picture: Picture, kind: str = "png") -> str:
        """What a picture is, by the key of its explanation: the same pixels have the same tag, for ever."""
        told = {"explanation": key, "picture": picture.name, "style": asdict(self.style), "look": LOOK, "kind": kind}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]

    def with_heat(self, key: str, attribution: Attribution) -> Attribution:
        """An explanation's attribution with its heat maps, where its method gives such."""
        labels = enumerate(attribution.labels, start=1)
        return replace(attribution, labels=tuple(self._warmed(key, place, label) for place, label in labels))

    def _warmed(self, key: str, place: int, label: LabelAttribution) -> LabelAttribution:
        name = explanation_key(key, heat_name(place))
        try:
            data = self.archive.blobs.get(name)
        except BlobMissing:
            return label
        with damage(name), np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return replace(label, heat=arrays["heat"], heat_error=arrays.get("std_error"))

    def _kinds(self, row: Explained, place: int, label: LabelAttribution) -> Iterator[str]:
        warm = self.archive.blobs.exists(explanation_key(row.key, heat_name(place)))
        return kinds(replace(label, heat=np.zeros((0, 0), np.float32)) if warm else label)
