"""Where photographs come from: files, folders, patterns and S3 prefixes."""

import os
from collections import Counter
from pathlib import Path

import pytest

from storage.blobs import s3_client
from storage.masks import masks
from storage.sources import sources
from tests.services import S3


def _fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def test_a_folder_gives_its_photographs_and_those_below(tmp_path: Path) -> None:
    """Of the kinds that can be read, whatever the case of the suffix, by their path in the folder, in order."""
    names = ["b.JPG", "a.jpeg", "north/c.png", "north/deep/d.webp", "e.TIFF", "f.tif", "g.bmp"]
    _fill(tmp_path, *names, "notes.txt", "labels.csv", "h.gif", "jpg", "i.png.part", ".png")
    (tmp_path / "folder.png").mkdir()
    found = list(sources(str(tmp_path)))
    assert [one.name for one in found] == sorted(names)
    assert [one.read() for one in found] == [name.encode() for name in sorted(names)]
    (tmp_path / "empty").mkdir()
    assert list(sources(str(tmp_path / "empty"))) == []


def test_a_large_folder_is_gone_through_a_page_of_names_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same order, nothing twice and nothing left out, whether or not the last page is full."""
    names = [f"{number:02}.png" for number in range(12)]
    _fill(tmp_path, *names, "06/a.png", "06/b.png", "06/c.png")
    wanted = sorted([*names, "06/a.png", "06/b.png", "06/c.png"], key=lambda name: name.split("/"))
    for page in (1, 3, 13, 100):
        monkeypatch.setattr("storage.sources.NAMES", page)
        assert [one.name for one in sources(str(tmp_path))] == wanted


def test_a_file_is_taken_for_what_a_person_says_it_is(tmp_path: Path) -> None:
    """Whatever its suffix; whether it is a photograph shows when it is read."""
    _fill(tmp_path, "photo.dat")
    [found] = sources(str(tmp_path / "photo.dat"))
    assert (found.name, found.read()) == ("photo.dat", b"photo.dat")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """At once, before anything is read."""
    with pytest.raises(ValueError, match=r"there is no file or folder '.*/none'"):
        sources(str(tmp_path / "none"))


def test_links_that_leave_the_folder_are_not_followed(tmp_path: Path) -> None:
    """Neither to a file nor to a folder nor in a circle; a link inside is another name."""
    _fill(tmp_path / "outside", "secret.png", "deep/secret.png")
    folder = _fill(tmp_path / "folder", "a.png")
    (folder / "inside.png").symlink_to("a.png")
    (folder / "file.png").symlink_to(tmp_path / "outside/secret.png")
    (folder / "up.png").symlink_to("../outside/secret.png")
    (folder / "deep").symlink_to(tmp_path / "outside/deep")
    (folder / "circle").symlink_to(folder)
    (folder / "itself.png").symlink_to("itself.png")
    (folder / "nowhere.png").symlink_to("gone.png")
    assert [one.name for one in sources(str(folder))] == ["a.png", "inside.png"]


def test_a_folder_may_be_reached_through_a_link(tmp_path: Path) -> None:
    """What counts is where the folder really is."""
    _fill(tmp_path / "real", "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [one.name for one in sources(str(tmp_path / "link"))] == ["a.png"]


def test_names_may_hold_whatever_a_file_name_may(tmp_path: Path) -> None:
    """Spaces, newlines and letters beyond ASCII stay; bytes that are no text are shown as escapes, and still read."""
    _fill(tmp_path, "køyre/mast nr 7 (ny).jpg", "a\nb.png", "'; DROP TABLE image; --.png")
    strange = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    Path(os.fsdecode(strange)).write_bytes(b"strange")
    found = {one.name: one.read() for one in sources(str(tmp_path))}
    assert found.keys() >= {"køyre/mast nr 7 (ny).jpg", "a\nb.png", "'; DROP TABLE image; --.png"}
    assert found["\\xff\\xfe.png"] == b"strange"
    for name in found:
        name.encode()


def test_an_s3_prefix_gives_the_photographs_below_it(s3: S3) -> None:
    """By their path below the prefix, over more than one page of the listing, and read when asked for."""
    client = s3_client()
    names = ["a.JPG", "north/b 1+2.png", "north/ø.webp"]
    for name in (*names, "notes.txt"):
        client.put_object(Bucket=s3.bucket, Key=f"sources/photos/{name}", Body=name.encode())
    client.put_object(Bucket=s3.bucket, Key="sources/other.png", Body=b"other")
    for location in (f"s3://{s3.bucket}/sources/photos", f"s3://{s3.bucket}/sources/photos/"):
        found = list(sources(location))
        assert [one.name for one in found] == names
        assert [one.read() for one in found] == [name.encode() for name in names]
    [found_one] = sources(f"s3://{s3.bucket}/sources/photos/a.JPG")
    assert (found_one.name, found_one.read()) == ("a.JPG", b"a.JPG")
    assert list(sources(f"s3://{s3.bucket}/sources/none/")) == []


def test_a_prefix_that_stops_within_a_name_leaves_no_half_names(s3: S3) -> None:
    """s3://bucket/x/2024 means all that begins so; their names go on from the last slash before it."""
    client = s3_client()
    for key in ("halves/2024-01/a.png", "halves/2024-02/b.png", "halves/2025/c.png"):
        client.put_object(Bucket=s3.bucket, Key=key, Body=b"x")
    assert [one.name for one in sources(f"s3://{s3.bucket}/halves/2024")] == ["2024-01/a.png", "2024-02/b.png"]


def test_what_programs_leave_beside_photographs_is_nothing_and_the_rest_is_counted(tmp_path: Path) -> None:
    """A network drive's thumbnails, macOS's twins and Windows' caches are no photographs and no word; others are."""
    wanted = ["IMG_1.jpg", "edge.jfif", "old.JPE", "gopro.mpo", "scan.jp2", "new.avif", "IMG_3.HEIC", "x.heif"]
    _fill(tmp_path, *wanted)
    _fill(tmp_path, "._IMG_1.jpg", "@eaDir/IMG_1.jpg/SYNOPHOTO_THUMB_XL.jpg", "Thumbs.db", ".DS_Store", "a/desktop.ini")
    _fill(tmp_path, "__MACOSX/._IMG_1.jpg", "$RECYCLE.BIN/b.png", "web.gif", "a/film.MOV", "a/other.mov", "no-suffix")
    passed_over = Counter[str]()
    found = [one.name for one in sources(str(tmp_path), passed_over=passed_over)]
    assert found == sorted(
        ["IMG_1.jpg", "edge.jfif", "old.JPE", "gopro.mpo", "scan.jp2", "new.avif", "IMG_3.HEIC", "x.heif"]
    )
    assert passed_over == {".gif": 1, ".mov": 2, "no suffix": 1}


def test_several_places_and_patterns_are_one_archive(tmp_path: Path) -> None:
    """Named from the folder that they share, each photograph once; a pattern that means nothing is refused."""
    _fill(tmp_path, "nord/0001.png", "nord/0002.png", "sor/0001.png", "sor/deep/0003.png", "sor/notes.txt")
    nord, sor = str(tmp_path / "nord"), str(tmp_path / "sor")
    both = ["nord/0001.png", "nord/0002.png", "sor/0001.png", "sor/deep/0003.png"]
    assert [one.name for one in sources(nord, sor)] == both
    assert [one.name for one in sources(nord, f"{nord}/0001.png", nord)] == ["0001.png", "0002.png"]
    assert [one.name for one in sources(f"{tmp_path}/*/0001.png")] == ["nord/0001.png", "sor/0001.png"]
    assert [one.name for one in sources(f"{tmp_path}/**/000[13].png")] == [both[0], both[2], both[3]]
    assert [one.path for one in sources(f"{tmp_path}/*/deep/*.png")] == [f"{tmp_path}/sor/deep/0003.png"]
    with pytest.raises(ValueError, match=r"there is no file or folder '.*/\*.webp'"):
        sources(nord, f"{tmp_path}/*/*.webp")


def test_a_name_with_brackets_is_a_name(tmp_path: Path) -> None:
    """Before it is a pattern."""
    _fill(tmp_path, "a[1].png", "a1.png")
    assert [one.name for one in sources(str(tmp_path / "a[1].png"))] == ["a[1].png"]


def test_masks_are_known_by_their_paths_without_suffixes(tmp_path: Path) -> None:
    """In mirrored folders; what is no picture is said."""
    folder = _fill(tmp_path / "masks", "nord/0001.png", "sor/0001.tif", "palette.act")
    found = masks(folder)
    assert [path for path, _ in found.told] == ["nord/0001", "sor/0001"]
    assert [one.read() for _, one in found.told] == [b"nord/0001.png", b"sor/0001.tif"]
    assert (found.notes, found.root) == (("passed over among the masks: 1 .act",), str(folder.resolve()))
