"""Where photographs come from: files, folders, S3 prefixes, and the labels that come with them."""

import os
from pathlib import Path

import pytest

from storage.blobs import s3_client
from storage.sources import labels, sources
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


def test_labels_are_found_by_path_and_by_last_name(tmp_path: Path) -> None:
    """The path goes first; a last name counts only where all that share it agree."""
    found = labels(b"north/a.png,TRE\nsouth/a.png,STAAL\nnorth/b.png,TRE\nsouth/b.png,TRE\n")
    assert [found.get(name) for name in ("north/a.png", "south/a.png", "a.png")] == ["TRE", "STAAL", None]
    assert [found.get(name) for name in ("b.png", "elsewhere/b.png", "c.png")] == ["TRE", "TRE", None]


@pytest.mark.parametrize(
    "data",
    [
        b"path,label\na.png,TRE\n",
        b"\xef\xbb\xbfPath,Label\r\na.png,TRE\r\n",
        b"a.png,TRE",
        b"\n a.png , TRE \n\n",
        b'"a.png","TRE"\n',
    ],
)
def test_a_labels_file_may_look_as_programs_write_it(data: bytes) -> None:
    """With or without heading, byte order mark, quotes, Windows line ends, blank lines and spaces."""
    assert labels(data).by_path == {"a.png": "TRE"}


def test_a_label_may_hold_commas_and_letters_beyond_ascii() -> None:
    """Quoted, as CSV has it."""
    assert labels('"a,b.png","tømmer, ""gammelt"""\n'.encode()).get("a,b.png") == 'tømmer, "gammelt"'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a.png,TRE\nb.png\n", "line 2 is 'b.png', expected path,label"),
        (b"a.png;TRE\n", "line 1 is 'a.png;TRE', expected path,label"),
        (b"a.png,TRE,1\n", "line 1"),
        (b"a.png,\n", "line 1"),
        (b",TRE\n", "line 1"),
        (b"a.png,b\xe5\n", "not UTF-8 text \\(byte 7\\)"),
        (b"a.png,a\0b\n", "line 1"),
    ],
)
def test_a_labels_file_that_is_wrong_names_the_line(data: bytes, message: str) -> None:
    """Nothing of it is used."""
    with pytest.raises(ValueError, match=message):
        labels(data)
