"""Commands whose blob store is full or does not answer: one clear sentence, and nothing half done."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.commands import Commands, CommandsIn
from tests.disks import on_small_disk
from tests.live_audits import pictures, png
from tests.played_ledger import Desk
from tests.services import S3

REFUSED = "HTTP status 403): see that the server runs, and check AWS_ENDPOINT_URL_S3 and the credentials"
ADD_AND_LOOK = """
import subprocess, sys
from polelens.cli.store import archive
from storage.keys import image_key

added = subprocess.run([sys.executable, "-m", "polelens", "images", "add", sys.argv[1]], capture_output=True, text=True)
print(added.returncode, added.stderr.strip())
images = list(archive().select())
print(len(images), all(archive().blobs.exists(image_key(image.sha256)) for image in images))
"""


@pytest.fixture
def locked_out(desk: Desk, s3: S3, commands: CommandsIn, broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """The command line on the desk's database, with wrong credentials for its bucket."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret")
    url = desk.engine.url.render_as_string(hide_password=False)
    blobs = f"s3://{s3.bucket}/locked"
    return commands({"DATABASE_URL": url, "CELERY_BROKER_URL": broker_url, "POLELENS_BLOBS": blobs})


def test_what_cannot_be_stored_is_not_entered(locked_out: Commands, zipped: Path, photographs: Path) -> None:
    """Neither photographs nor a model."""
    before = locked_out.json("models", "list")
    for words in (("images", "add", photographs), ("models", "add", zipped, "poles")):
        assert REFUSED in locked_out.refused(*words)
    assert locked_out.json("images", "list") == []
    assert locked_out.json("models", "list") == before


def test_what_cannot_be_read_is_not_shown(desk: Desk, locked_out: Commands, tmp_path: Path) -> None:
    """No report that looks whole, and no export."""
    desk.audit("a")
    [step] = desk.ledger.produce(64)
    desk.finish(step)
    desk.ledger.settle()
    assert REFUSED in locked_out.refused("audit", "report", "1", "--out", tmp_path / "report")
    assert not (tmp_path / "report/index.html").exists()
    assert REFUSED in locked_out.refused("audit", "export", "1", "--format", "coco", "--out", tmp_path / "export")
    assert list((tmp_path / "export").iterdir()) == []


def test_photographs_that_fill_the_disk(environment: Mapping[str, str], blobs_folder: Path, tmp_path: Path) -> None:
    """What was entered before has its bytes; the rest is not entered, and the command says why."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number, one in enumerate([*pictures(64), *pictures(8, size=480)]):  # 64 are entered at once
        (folder / f"{number:02}.png").write_bytes(png(one))
    looked = subprocess.run(
        on_small_disk(blobs_folder, "2m", [sys.executable, "-c", ADD_AND_LOOK, str(folder)]),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert looked.returncode == 0, looked.stderr
    assert looked.stdout.splitlines() == [
        f"1 Error: the blob store {blobs_folder} is full (No space left on device): make room there",
        "64 True",
    ]
