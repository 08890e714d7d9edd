"""The archive: photographs by content, with labels and masks."""

import hashlib
import io
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from pipeline.scene.boxes import Box, Boxes
from pipeline.scene.photograph import Unreadable
from storage.archive import ENTER_LOCK, Archive, Photograph
from storage.blob_errors import BlobDamaged, BlobMissing
from storage.blobs import FolderBlobs
from storage.keys import image_key, mask_key
from tests.live_audits import pictures, png
from tests.played_ledger import at_once, await_blocked, engine_of

PIXELS = [one[:16] for one in pictures(3)]  # 32 wide, 16 high
ONE, TWO, THREE = map(png, PIXELS)


@pytest.fixture
def archive(database_url: str, blobs_folder: Path) -> Iterator[Archive]:
    """An archive with nothing in it."""
    with engine_of(database_url) as engine:
        yield Archive(engine, FolderBlobs(blobs_folder))


def test_a_photograph_is_known_by_its_content(archive: Archive) -> None:
    """Adding it again, under whatever name, adds nothing; the first name stays."""
    assert [archive.add(Photograph(name, ONE)) for name in ("a.png", "a.png", "b.png")] == [True, False, False]
    [found] = archive.select()
    assert (found.name, found.sha256) == ("a.png", hashlib.sha256(ONE).hexdigest())
    assert (found.width, found.height, found.label, found.mask) == (32, 16, None, None)
    assert archive.blobs.get(image_key(found.sha256)) == ONE
    np.testing.assert_array_equal(archive.photograph(found.sha256), PIXELS[0])


@pytest.mark.parametrize("bytes_lost", [0, 1, 200])
def test_a_photograph_that_came_back_otherwise_is_damaged_and_not_bad(archive: Archive, bytes_lost: int) -> None:
    """Also one that can be read: a JPEG cut short is another photograph. It is no ValueError, and is tried again."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(buffer, "JPEG")
    whole = buffer.getvalue()
    archive.add(Photograph("a.jpg", whole, mask=png(np.full((64, 64, 3), 255, np.uint8))))
    [found] = archive.select()
    other = whole[:-bytes_lost] if bytes_lost else whole + b"0"
    for key in (image_key(found.sha256), mask_key(found.mask or "")):
        archive.blobs.put(key, other)
    for read, digest in ((archive.photograph, found.sha256), (archive.mask, found.mask or "")):
        with pytest.raises(BlobDamaged, match=f"its {len(other):,} bytes are not those that were added") as raised:
            read(digest)
        assert not isinstance(raised.value, ValueError)


def test_many_are_entered_at_once(archive: Archive) -> None:
    """Each hears whether it is new: the first of a content is, and the others give it what they come with."""
    archive.add(Photograph("known", ONE))
    given = [Photograph("b", TWO), Photograph("again", ONE, label="TRE"), Photograph("c", TWO, label="STAAL")]
    assert archive.enter([archive.admit(one) for one in given]) == [True, False, False]
    assert [(one.name, one.label) for one in archive.select()] == [("known", "TRE"), ("b", "STAAL")]
    assert archive.enter([]) == []


def test_who_enters_waits_for_who_enters(archive: Archive) -> None:
    """Or two with the same photographs in another order would each wait for the other, and one be refused."""
    with ThreadPoolExecutor(1) as pool, archive.engine.begin() as c:
        c.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ENTER_LOCK})
        entered = pool.submit(archive.enter, [archive.admit(Photograph("a", ONE))])
        await_blocked(c)
        assert not entered.done()
        c.commit()
        assert entered.result() == [True]


def test_photographs_added_at_once_are_added_once(archive: Archive) -> None:
    """One of those who add the same photograph is told that it is new."""
    assert at_once(*[partial(archive.add, Photograph("a", ONE))] * 8).count(True) == 1
    assert archive.count() == 1


def test_a_label_or_mask_that_comes_later_is_kept(archive: Archive) -> None:
    """Known content gets what it comes with, and loses nothing when it comes with nothing."""
    mask = np.zeros((16, 32), dtype=bool)
    mask[4:8] = True
    assert archive.add(Photograph("a", ONE))
    assert not archive.add(Photograph("a", ONE, label="TRE"))
    assert not archive.add(Photograph("a", ONE, mask=_mask(mask)))
    assert not archive.add(Photograph("a", ONE))
    [found] = archive.select()
    assert found.label == "TRE"
    assert found.mask is not None
    np.testing.assert_array_equal(archive.mask(found.mask), mask)
    archive.add(Photograph("a", ONE, label="STAAL"))
    assert next(archive.select()).label == "STAAL"


def test_boxes_are_kept_as_the_mask_that_they_make(archive: Archive, blobs_folder: Path) -> None:
    """Several together, in the pixels of the upright photograph; drawn again they are the same mask."""
    boxes = Boxes((Box(2, 1, 3, 4), Box(20, 10, 2, 6)))
    for _ in range(2):
        archive.add(Photograph("a", ONE, boxes=boxes))
    [found] = archive.select()
    assert found.mask is not None
    np.testing.assert_array_equal(archive.mask(found.mask), boxes.mask(16, 32))
    assert len(list(blobs_folder.glob("masks/*/*"))) == 1
    with pytest.raises(Unreadable, match="its boxes: box 30,0,9,9 reaches beyond the 32x16 pixels"):
        archive.add(Photograph("b", TWO, boxes=Boxes((Box(30, 0, 9, 9),))))
    with pytest.raises(Unreadable, match="both a mask and boxes"):
        archive.add(Photograph("b", TWO, mask=_mask(np.ones((16, 32), dtype=bool)), boxes=boxes))
    assert archive.count() == 1


def test_sizes_are_those_of_the_upright_photograph(archive: Archive) -> None:
    """A camera held on its side says so in EXIF; the mask is as people see the photograph."""
    sideways = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6  # orientation: turn by 90 degrees
    Image.fromarray(PIXELS[0]).save(sideways, "PNG", exif=exif)
    upright = _mask(np.ones((32, 16), dtype=bool))
    archive.add(Photograph("sideways", sideways.getvalue(), mask=upright))
    [found] = archive.select()
    assert (found.width, found.height) == (16, 32)
    assert archive.photograph(found.sha256).shape == (32, 16, 3)


def test_what_cannot_be_read_is_refused_and_leaves_nothing(archive: Archive) -> None:
    """A torn photograph, a torn mask, and a mask of another size, each with its reason."""
    lying = _mask(np.ones((32, 16), dtype=bool))
    for photograph, reason in (
        (Photograph("torn", ONE[:200]), "damaged"),
        (Photograph("text", b"not a picture"), "not a JPEG"),
        (Photograph("empty", b""), "empty"),
        (Photograph("mask", ONE, mask=b"not a picture"), "its mask cannot be read"),
        (Photograph("mask", ONE, mask=lying), "its mask is 16x32 pixels, the upright photograph 32x16"),
    ):
        with pytest.raises(Unreadable, match=reason):
            archive.add(photograph)
    assert archive.count() == 0
    assert list(archive.blobs.keys()) == []


def test_a_photograph_that_is_gone_is_named(archive: Archive) -> None:
    """Its blob is missing, and the error says which."""
    archive.add(Photograph("a", ONE))
    [found] = archive.select()
    archive.blobs.delete(image_key(found.sha256))
    with pytest.raises(BlobMissing, match=found.sha256):
        archive.photograph(found.sha256)


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        ("all", ["north/a_1.png", "north/ab1.png", "south/100%.png"]),
        ("*", ["north/a_1.png", "north/ab1.png", "south/100%.png"]),
        ("north/*", ["north/a_1.png", "north/ab1.png"]),
        ("*/a?1.png", ["north/a_1.png", "north/ab1.png"]),
        ("north/a_1.png", ["north/a_1.png"]),
        ("*%*", ["south/100%.png"]),
        ("*_*", ["north/a_1.png"]),
        ("a_1.png", []),
        ("north\\*", ["north/a_1.png", "north/ab1.png"]),
        ("NORTH/AB1.png", ["north/ab1.png"]),
        ("ALL", ["north/a_1.png", "north/ab1.png", "south/100%.png"]),
        ("", []),
        ("label:TRE", ["north/ab1.png"]),
        ("label:tre", ["north/ab1.png"]),
        ("Label:TRE", ["north/ab1.png"]),
        ("label:*", []),
        (f"sha256:{hashlib.sha256(TWO).hexdigest()[:12]}", ["north/ab1.png"]),
        ("sha256:%", []),
        ("other:x", []),
    ],
)
def test_a_selection_means_its_photographs(archive: Archive, selection: str, names: list[str]) -> None:
    """All, a label, the beginning of a digest, or a pattern of names in which only * and ? are special."""
    archive.add(Photograph("north/a_1.png", ONE))
    archive.add(Photograph("north/ab1.png", TWO, label="TRE"))
    archive.add(Photograph("south/100%.png", THREE, label="STAAL"))
    assert [image.name for image in archive.select(selection)] == names
    assert archive.count(selection) == len(names)


@pytest.mark.parametrize("kept", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_neither_case_nor_form_counts_in_a_selection(archive: Archive, kept: str, asked: str) -> None:
    """Letters beyond ASCII too, whatever the database's collation."""
    name, label = (unicodedata.normalize(kept, word) for word in ("Sør/Blåbær.PNG", "STÅL"))
    archive.add(Photograph(name, ONE, label=label))
    for selection in ("SØR/blåbær.png", "*BLÅ*", "label:stål", "*/bl?bær*"):
        assert archive.count(unicodedata.normalize(asked, selection)) == 1


def test_a_further_name_of_a_photograph_is_kept(archive: Archive) -> None:
    """The same content at another path is one photograph, and is found by either; the first name shows."""
    for name in ("2025/a.png", "2026/kopi.png", "2025/a.png", "2026/kopi.png"):
        archive.add(Photograph(name, ONE))
    archive.enter([archive.admit(Photograph(name, TWO)) for name in ("b.png", "2026/b.png")])
    assert [image.name for image in archive.select()] == ["2025/a.png", "b.png"]
    assert [image.name for image in archive.select("*kopi.png")] == ["2025/a.png"]
    assert [image.name for image in archive.select("2026/*")] == ["2025/a.png", "b.png"]


def test_photographs_come_page_by_page_and_none_is_missed(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order they came, whatever the size of a page."""
    for name, data in (("a", ONE), ("b", TWO), ("c", THREE)):
        archive.add(Photograph(name, data))
    for page in (1, 2, 3, 1000):
        monkeypatch.setattr("storage.archive.PAGE", page)
        assert [image.name for image in archive.select()] == ["a", "b", "c"]


def _mask(pixels: np.ndarray) -> bytes:
    return png(np.repeat(pixels[..., None] * np.uint8(255), 3, axis=2))
