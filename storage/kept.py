"""What is kept of a photograph: what the model has said of it before need not be asked again."""

import logging
import zlib
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np
from sqlalchemy import Engine, text

from pipeline.conversation.known import NOTHING, Known
from pipeline.kept_scores import KeptScores
from pipeline.scene.scene import Scene
from pipeline.staging import unpack
from storage import statements as sql
from storage.blob_errors import BlobMissing
from storage.blobs import Blobs
from storage.keys import scene_key, scores_key
from storage.ledger import Job

UNREADABLE = (BlobMissing, BadZipFile, zlib.error, EOFError, KeyError, ValueError)  # gone, cut short, damaged

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """The scores of earlier explanations."""

    engine: Engine
    blobs: Blobs

    def known(self, job: Job, scene: Scene) -> Known:
        """What the model said of a scene when its photograph was explained before, by the same recipe.

        Under another mask: nothing where it was not, or where what was kept is gone or of other superpixels; then the
        model is asked. Or under this one, if it is judged anew: raises ValueError where what was kept is gone.
        """
        if job.answered:
            return self._own(job)
        with self.engine.begin() as c:
            earlier = c.execute(text(sql.EARLIER), {"id": job.id}).first()
        if earlier is None:
            return NOTHING
        try:
            before = unpack(self.blobs.get(scene_key(earlier.scene)))
            known = Known.of(KeptScores.unpack(self.blobs.get(scores_key(earlier.key))).evidence)
        except UNREADABLE as error:
            logger.warning("explanation %d asks the model anew, as the scores of %s: %s", job.id, earlier.key, error)
            return NOTHING
        return known.beyond_the_mask() if _alike(before, scene) else NOTHING

    def _own(self, job: Job) -> Known:
        try:
            return Known.of(KeptScores.unpack(self.blobs.get(scores_key(job.key))).evidence)
        except UNREADABLE:
            key = scores_key(job.key)
            reason = f"its scores, {key}, are gone or damaged, so it keeps its earlier judgement: put them back"
            raise ValueError(reason) from None


def _alike(one: Scene, other: Scene) -> bool:
    """Whether two scenes differ in their masks at most: another release of a segmenter draws other superpixels."""
    pairs = ((one.canvas, other.canvas), (one.segments, other.segments), (one.fill, other.fill))
    return all(np.array_equal(first, second) for first, second in pairs)
