"""Scenes in the blobs."""

from pipeline.scene.scene import Scene
from pipeline.staging import unpack
from storage.blob_errors import damage
from storage.blobs import Blobs
from storage.keys import scene_key


def read_scene(blobs: Blobs, digest: str) -> Scene:
    """A scene by its digest. Raises BlobMissing, and its kind BlobDamaged."""
    key = scene_key(digest)
    data = blobs.get(key)
    with damage(key):
        return unpack(data)
