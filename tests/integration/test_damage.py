"""Blobs that came back otherwise than they were put."""

import io
from pathlib import Path

import numpy as np
import pytest

from pipeline.scene.scene import Scene
from pipeline.staging import pack
from storage.blob_errors import BlobDamaged, BlobMissing
from storage.blobs import FolderBlobs
from storage.keys import model_key, scene_key
from storage.registry import Registry
from storage.scenes import read_scene
from tests import models
from tests.live_audits import Bench, pictures
from tests.played_ledger import Desk

SCENE = Scene(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.int32), np.zeros((4, 4, 3), np.uint8))


def gapped() -> bytes:
    """A scene whose segments are not 0..k-1."""
    buffer = io.BytesIO()
    np.savez(buffer, canvas=SCENE.canvas, segments=SCENE.segments + 5, fill=SCENE.fill)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"no scene", pack(SCENE)[:-40], pack(SCENE)[:90] + bytes(40) + pack(SCENE)[130:], gapped()],
    ids=["empty", "other bytes", "cut off", "overwritten", "gaps"],
)
def test_damage_is_said_of_the_blob(blobs_folder: Path, data: bytes) -> None:
    """Whatever numpy, zip or the scene itself make of it; it is no ValueError, which would be the photograph's."""
    blobs = FolderBlobs(blobs_folder)
    with pytest.raises(BlobMissing) as lost:
        read_scene(blobs, "abcd")
    assert not isinstance(lost.value, BlobDamaged)
    blobs.put(scene_key("abcd"), data)
    with pytest.raises(BlobDamaged, match=r"^the blob 'scenes/ab/abcd.npz' is damaged \(.+\)$") as raised:
        read_scene(blobs, "abcd")
    assert not isinstance(raised.value, ValueError)


def test_a_damaged_scene_is_made_anew(bench: Bench) -> None:
    """By the first that reads it, here for an audit of other masks."""
    model = bench.model(models.uneven(), "yes", "no")
    bench.photographs("damage", pictures(1))
    [worker] = bench.workers(1)
    first = bench.audit(model, "damage/*", samples=16, seeds=[1])
    bench.wait(first)
    worker.stop()  # which remembers the scene
    [row] = bench.results(first)
    key, blobs = scene_key(row.scene or ""), bench.archive.blobs
    whole = blobs.get(key)
    blobs.put(key, b"no scene")
    second = bench.audit(model, "damage/*", samples=17, seeds=[1])
    bench.workers(1)
    assert bench.wait(second).done == 1
    assert blobs.get(key) == whole


def test_a_damaged_model_is_said_to_be(desk: Desk, tmp_path: Path) -> None:
    """It is no model that refuses every photograph: the bytes are looked at before anything is made of them."""
    registry = Registry(desk.engine, FolderBlobs(tmp_path / "blobs"))
    key = model_key(desk.model.digest)
    whole = registry.blobs.get(key)
    registry.blobs.put(key, whole[:-1])
    with pytest.raises(BlobDamaged, match="it is not the file that was registered"):
        registry.load(desk.model.id)
    registry.blobs.put(key, whole)
    assert registry.load(desk.model.id).onnx == whole
