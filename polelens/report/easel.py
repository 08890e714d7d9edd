"""The easel: draws the pictures of one explanation after another's."""

from dataclasses import dataclass

from pipeline.model.profile import Profile
from pipeline.pictures import webp
from pipeline.pictures.rendering import Drawing, Picture
from storage.audits import Explained
from storage.gallery import Gallery


@dataclass(slots=True)
class Easel:
    """A gallery's pictures as WebP files, for a model with this profile.

    It holds the photograph of the explanation in hand, which has several pictures, and no other.
    """

    gallery: Gallery
    profile: Profile
    _in_hand: tuple[str, Drawing] | None = None

    def paint(self, row: Explained, picture: Picture) -> bytes:
        """A picture. Raises BlobMissing if what it is drawn from is gone."""
        if self._in_hand is None or self._in_hand[0] != row.key:
            self._in_hand = row.key, self.gallery.drawing(row, self.profile)
        return webp(self._in_hand[1].draw(picture))
