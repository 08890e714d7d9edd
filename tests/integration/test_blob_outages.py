"""What the stores of blobs say when they are full, cannot be used, or do not answer."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from polelens.stack.address import HOST, free_port
from storage.blob_errors import BlobsFull, BlobsUnavailable
from storage.blob_trial import TRIAL_BYTES, try_out
from storage.blobs import Blobs, FolderBlobs, open_blobs
from tests.disks import on_small_disk
from tests.services import S3

ON_A_SMALL_DISK = """
import os, sys
from storage.blobs import open_blobs
from storage.blob_trial import try_out
from storage.blob_errors import BlobsUnavailable

place = sys.argv[1]
store = open_blobs(place)
store.put("kept", bytes(2**20))

def tell(attempt, *words):
    try:
        attempt(*words)
    except BlobsUnavailable as error:
        print(type(error).__name__, error)

tell(store.put, "a/b", bytes(2 * 2**20))
tell(try_out, place)
print(list(store.keys()), len(store.get("kept")))
assert os.system(f"mount -o remount,ro {place}") == 0
tell(store.put, "a/b", b"x")
tell(store.delete, "kept")
print(store.exists("kept"), store.exists("a/b"))
"""


def calls(store: Blobs) -> list[Callable[[], object]]:
    """Every method."""
    return [
        lambda: store.put("a", b"x"),
        lambda: store.get("a"),
        lambda: store.exists("a"),
        lambda: list(store.keys()),
        lambda: store.delete("a"),
    ]


def test_a_disk_that_is_full_or_read_only(blobs_folder: Path) -> None:
    """The errors say which folder, what is the matter and what to do; what was there stays, and nothing is half put."""
    script = [sys.executable, "-c", ON_A_SMALL_DISK, str(blobs_folder)]
    done = subprocess.run(
        on_small_disk(blobs_folder, "2m", script), capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.returncode == 0, done.stderr
    full = f"BlobsFull the blob store {blobs_folder} is full (No space left on device): make room there"
    unusable = (
        f"BlobsUnavailable the blob store {blobs_folder} cannot be used (Read-only file system): "
        "see that it is mounted, and that this user may write there"
    )
    assert done.stdout.splitlines() == [full, full, "['kept'] 1048576", unusable, unusable, "True False"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everywhere")
def test_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    """Every method says so."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b").touch()
    tmp_path.chmod(0)
    try:
        for call in calls(FolderBlobs(tmp_path)):
            with pytest.raises(BlobsUnavailable, match="Permission denied"):
                call()
    finally:
        tmp_path.chmod(0o700)


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every method says so, with the server's name and without the password in its address."""
    _credentials(monkeypatch, f"http://user:canary@{HOST}:{free_port()}")
    store = open_blobs("s3://bucket/some/prefix", attempts=1)
    for call in calls(store):
        with pytest.raises(BlobsUnavailable) as raised:
            call()
        assert type(raised.value) is BlobsUnavailable
        assert f"s3://bucket/some/prefix/ at {HOST}:" in str(raised.value)
        assert "does not answer (EndpointConnectionError)" in str(raised.value)
        assert "canary" not in str(raised.value)


def test_a_server_that_lets_nobody_in(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong credentials, or a bucket that is not there, are nothing that a photograph did."""
    with pytest.raises(BlobsUnavailable, match=r"refuses \(NoSuchBucket, HTTP status 404\)"):
        open_blobs("s3://nowhere").get("a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret")
    store = open_blobs(f"s3://{s3.bucket}")
    for call in calls(store):
        with pytest.raises(BlobsUnavailable, match=r"refuses .*HTTP status 403"):
            call()


@pytest.mark.parametrize(
    ("status", "code", "full"),
    [
        (507, "XMinioStorageFull", True),
        (400, "XMinioAdminBucketQuotaExceeded", True),
        (403, "QuotaExceeded", True),
        (507, "", True),
        (503, "SlowDown", False),
        (500, "InternalError", False),
    ],
)
def test_what_servers_answer(monkeypatch: pytest.MonkeyPatch, status: int, code: str, full: bool) -> None:
    """That there is no room, in each server's words; anything else is an outage."""
    with answering(status, f"<Error><Code>{code}</Code><Message>No.</Message></Error>" if code else "") as url:
        _credentials(monkeypatch, url)
        store = open_blobs("s3://bucket", attempts=1)
        with pytest.raises(BlobsUnavailable) as raised:
            store.put("a", b"x")
    assert isinstance(raised.value, BlobsFull) is full
    assert f"HTTP status {status}" in str(raised.value)


def test_settings_that_name_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose settings are wrong pauses, and fails nothing."""
    _credentials(monkeypatch, "not an address")
    with pytest.raises(BlobsUnavailable, match="AWS_ENDPOINT_URL_S3"):
        open_blobs("s3://bucket")


def test_a_trial_leaves_nothing(blobs_folder: Path) -> None:
    """It is several times what an explanation takes, and is gone afterwards."""
    try_out(str(blobs_folder))
    assert list(FolderBlobs(blobs_folder).keys()) == []
    assert TRIAL_BYTES > 8 * 1_300_000


def test_a_folder_without_what_must_be_there(blobs_folder: Path) -> None:
    """Nothing is written where a disk is not mounted."""
    with pytest.raises(BlobsUnavailable, match=r"has lost models/a\.onnx: see that it is mounted"):
        try_out(str(blobs_folder), "models/a.onnx")
    assert not blobs_folder.exists()
    FolderBlobs(blobs_folder).put("models/a.onnx", b"x")
    try_out(str(blobs_folder), "models/a.onnx")


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """The address of a server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield f"http://{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()


def _credentials(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "polelens", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**keys, "AWS_ENDPOINT_URL_S3": url}.items():
        monkeypatch.setenv(name, value)
