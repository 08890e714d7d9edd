"""What every store of blobs keeps to: a folder, and a real S3 server."""

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.blob_errors import BlobMissing, BlobsFull, BlobsUnavailable
from storage.blob_trial import try_out
from storage.blobs import Blobs, FolderBlobs, S3Blobs, make_bucket, may_list, open_blobs, s3_client
from tests.relay import Treat, as_it_is, relay, serving
from tests.services import S3

NOT_KEYS = ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a\\b", "a\0b", "a\nb"]


@pytest.fixture(params=["folder", "s3", "s3-at-the-top"])
def blobs(request: pytest.FixtureRequest, blobs_folder: Path) -> Blobs:
    if request.param == "folder":
        return open_blobs(str(blobs_folder))
    bucket = request.getfixturevalue("s3").bucket
    store = open_blobs(f"s3://{bucket}" if request.param == "s3-at-the-top" else f"s3://{bucket}/some/prefix")
    for key in list(store.keys()):
        store.delete(key)
    return store


def test_what_was_put_is_got(blobs: Blobs) -> None:
    """A blob comes back byte for byte, the empty one too."""
    everything = bytes(range(256)) * 5000
    blobs.put("scenes/ab12.npz", everything, "application/zip")
    blobs.put("empty", b"")
    assert blobs.get("scenes/ab12.npz") == everything
    assert blobs.get("empty") == b""


def test_a_second_put_takes_the_first_one_s_place(blobs: Blobs) -> None:
    """Putting the same again changes nothing; putting other bytes replaces them whole."""
    for data in (b"long first bytes", b"long first bytes", b"short"):
        blobs.put("a/b", data)
        assert blobs.get("a/b") == data
    assert list(blobs.keys()) == ["a/b"]


def test_what_is_missing_is_said_to_be(blobs: Blobs) -> None:
    """A missing key raises BlobMissing, which names it; so does a key that is only the beginning of another."""
    blobs.put("a/b", b"x")
    for key in ("nothing", "a", "a/bb", "b/b"):
        assert not blobs.exists(key)
        with pytest.raises(BlobMissing, match=f"'{key}'"):
            blobs.get(key)
    assert blobs.exists("a/b")


def test_keys_begin_with_the_prefix(blobs: Blobs) -> None:
    """`keys` is every key that begins with the prefix, wherever the prefix ends, in order."""
    names = ["audits/1/a.png", "audits/1/b.png", "audits/10/a.png", "audits/2/a.png", "other.json"]
    for name in reversed(names):
        blobs.put(name, b"x")
    assert list(blobs.keys()) == names
    assert list(blobs.keys("audits/1")) == names[:3]
    assert list(blobs.keys("audits/1/")) == names[:2]
    assert list(blobs.keys("audits/1/b")) == names[1:2]
    assert list(blobs.keys("none/at/all")) == []


def test_sizes_are_those_of_the_keys(blobs: Blobs) -> None:
    """Each key with its bytes, in the order of the keys whatever a folder is called, the empty one too."""
    names = {"a-b/c": 3, "a.png": 0, "a/b": 70_000, "a/b-1": 2, "a0": 1}
    for name, size in names.items():
        blobs.put(name, bytes(size))
    began = time.time()
    found = list(blobs.stored())
    assert [(one.key, one.bytes) for one in found] == list(names.items()) == sorted(names.items())
    assert [(one.key, one.bytes) for one in blobs.stored("a/")] == [("a/b", 70_000), ("a/b-1", 2)]
    assert all(abs(one.modified - began) < 60 for one in found)
    assert list(blobs.keys()) == list(names)


def test_keys_go_on_while_they_are_deleted(blobs: Blobs) -> None:
    """Whoever removes what he is told of meets every key that was there, once."""
    names = [f"{folder}/{number}" for folder in "ab" for number in range(5)]
    for name in names:
        blobs.put(name, b"x")
    seen = []
    for one in blobs.stored():
        key = one.key
        seen.append(key)
        blobs.delete(key)
    assert seen == names
    assert list(blobs.keys()) == []


def test_deleting_is_idempotent(blobs: Blobs) -> None:
    """A deleted blob is gone; deleting it again, or what never was, is no error, and takes nothing else along."""
    blobs.put("a/b", b"x")
    blobs.put("a/c", b"y")
    for key in ("a/b", "a/b", "never", "a"):
        blobs.delete(key)
    assert list(blobs.keys()) == ["a/c"]


@pytest.mark.parametrize("key", NOT_KEYS)
def test_a_key_that_is_no_path_of_plain_names_is_refused(blobs: Blobs, key: str) -> None:
    """Every method refuses a key that is empty, absolute, hidden, climbing, or has bytes that no file name has."""
    for method in (blobs.get, blobs.exists, blobs.delete, lambda key: blobs.put(key, b"x")):
        with pytest.raises(ValueError, match="relative path of plain names"):
            method(key)


@pytest.mark.parametrize("key", ["køyre/mast nr 7 (ny).jpg", "a+b=c&d?e#f%20", "~/x"])
def test_a_key_may_hold_what_a_file_name_may(blobs: Blobs, key: str) -> None:
    """Spaces, letters beyond ASCII and the signs that URLs quote are part of the name."""
    blobs.put(key, b"x")
    assert blobs.get(key) == b"x"
    assert list(blobs.keys()) == [key]


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b", "/", "\\", "\0"]), max_size=5))
def test_no_key_leaves_the_folder(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    """Whatever the key, nothing is written beside the folder."""
    outside = tmp_path_factory.mktemp("outside")
    with suppress(ValueError):
        FolderBlobs(outside / "blobs").put("/".join(parts), b"x")
    assert {path.name for path in outside.iterdir()} <= {"blobs"}


def test_below_a_blob_there_is_nothing(tmp_path: Path) -> None:
    """In a folder a key below another blob's is missing, as any other; deleting it leaves that blob alone."""
    store = FolderBlobs(tmp_path)
    store.put("a", b"x")
    assert not store.exists("a/b")
    with pytest.raises(BlobMissing, match="'a/b'"):
        store.get("a/b")
    store.delete("a/b")
    assert store.get("a") == b"x"


def test_a_symbolic_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """A link inside the folder that points out of it gives no way to what is outside."""
    (tmp_path / "secret").write_bytes(b"secret")
    store = FolderBlobs(tmp_path / "blobs")
    store.put("a", b"x")
    (tmp_path / "blobs" / "out").symlink_to(tmp_path)
    for attempt in (store.get, store.exists, store.delete, lambda key: store.put(key, b"overwritten")):
        with pytest.raises(ValueError, match="leads out of"):
            attempt("out/secret")
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_an_interrupted_put_leaves_the_old_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put that dies before its end leaves what was there, and no rubbish among the keys."""
    store = FolderBlobs(tmp_path)
    store.put("a/b", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BlobsFull, match=r"is full \(No space left on device\): make room there"):
        store.put("a/b", b"new")
    assert store.get("a/b") == b"old"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_s3_objects_bear_their_media_type(s3: S3) -> None:
    """A browser that opens an overlay from the bucket is told that it is a picture."""
    client = s3_client()
    S3Blobs(s3.bucket, "pictures", client).put("overlay.png", b"x", "image/png")
    assert client.head_object(Bucket=s3.bucket, Key="pictures/overlay.png")["ContentType"] == "image/png"


@pytest.mark.parametrize("location", ["ftp://host/x", "s3://", "s3:///prefix", "s3://bucket/x?y=1"])
def test_a_location_that_is_neither_is_refused(location: str) -> None:
    """A location is a folder or s3://bucket/prefix; anything else is named in the error."""
    with pytest.raises(ValueError, match="neither a folder nor s3"):
        open_blobs(location)


@pytest.mark.usefixtures("s3")
def test_a_bucket_is_made_once(blobs_folder: Path) -> None:
    """What is missing is made, what is there keeps what it holds, and a folder needs no making."""
    for _ in range(2):
        make_bucket("s3://made-here/some/prefix")
        store = open_blobs("s3://made-here/some/prefix")
        assert list(store.keys()) in ([], ["kept"])
        store.put("kept", b"x")
    assert list(store.keys()) == ["kept"]
    make_bucket(str(blobs_folder))


def test_a_bucket_that_may_not_be_listed_works(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 then says 403 of a key that is not there; the doctor says so, and nothing else is different."""

    def forbid(data: bytes) -> bytes:
        return data.replace(b"404 Not Found", b"403 Forbidden").replace(b"NoSuchKey", b"Forbidden")

    with _answering(s3, forbid) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        location = f"s3://{s3.bucket}/unlisted"
        store = open_blobs(location)
        assert not store.exists("scenes/none.npz")
        with pytest.raises(BlobMissing):
            store.get("scenes/none.npz")
        store.put("scenes/some.npz", b"some")
        assert store.exists("scenes/some.npz")
        try_out(location, "scenes/some.npz")
        assert not may_list(location)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.environment["AWS_ENDPOINT_URL_S3"])
    assert may_list(location)


def test_who_may_not_delete_leaves_an_empty_trial(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker needs no such right: the store works for it, whether or not it may list, and is not filled by trials."""

    def forbid(data: bytes) -> bytes:  # another signature: 403
        return data.replace(b"Signature=", b"Signature=0") if data.startswith(b"DELETE") else data

    def unlisted(data: bytes) -> bytes:
        return data.replace(b"404 Not Found", b"403 Forbidden").replace(b"NoSuchKey", b"Forbidden")

    for name, back, lists in (("listed", as_it_is, True), ("unlisted", unlisted, False)):
        location = f"s3://{s3.bucket}/undeleted-{name}"
        with _answering(s3, back, forbid) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
            with pytest.raises(BlobsUnavailable, match="refuses"):
                open_blobs(location, attempts=1).delete("trial/any")
            try_out(location)
            assert may_list(location) is lists
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.environment["AWS_ENDPOINT_URL_S3"])
        assert {one.bytes for one in open_blobs(location).stored("trial/")} == {0}


def test_credentials_that_may_nothing_are_no_missing_blob(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or each photograph would fail alone, and no audit be paused."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    store = open_blobs(f"s3://{s3.bucket}", attempts=1)
    for ask in (store.exists, store.get):
        with pytest.raises(BlobsUnavailable, match="refuses"):
            ask("scenes/none.npz")
    with pytest.raises(BlobsUnavailable, match="refuses"):
        try_out(f"s3://{s3.bucket}")


@contextmanager
def _answering(s3: S3, back: Treat, there: Treat = as_it_is) -> Iterator[str]:
    """The address of the S3 server, whose answers are changed on their way."""
    host, _, port = s3.environment["AWS_ENDPOINT_URL_S3"].removeprefix("http://").partition(":")

    def handle(client: socket.socket) -> None:
        with socket.create_connection((host, int(port))) as server:
            relay(client, server, there, back)

    with serving(handle) as here:
        yield f"http://{host}:{here}"
