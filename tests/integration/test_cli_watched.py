"""Watched places through the command line: each export that appears is the next version, once."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import boto3
import pytest

from pipeline.model.model import NOTHING
from polelens.cli.watch_models import Watch
from tests import models
from tests.commands import Commands, CommandsIn
from tests.services import S3


def export(seed: int) -> bytes:
    """A Custom Vision export like no other."""
    return models.custom_vision_zip(models.Network(seed=seed))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to watch, with an older export, a newer one below it, and what is no model."""
    place = tmp_path / "exports"
    (place / "june").mkdir(parents=True)
    for name, seed, age in (("second.zip", 2, 10), ("june/first.zip", 1, 20)):
        (place / name).write_bytes(export(seed))
        os.utime(place / name, (1e9 - age, 1e9 - age))
    (place / "notes.txt").write_text("not looked at")
    (place / ".third.zip").write_bytes(b"still being written")
    return place


def once(cli: Commands, place: object, *words: str) -> list[str]:
    """What one watching from cron says."""
    return cli("models", "watch", place, "poles", "--once", "--every", "0.1", *words).splitlines()


def test_exports_become_versions_in_the_order_of_their_age(cli: Commands, folder: Path) -> None:
    """Once: looked at again nothing is said, and the files are where they were."""
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    assert once(cli, folder) == ["june/first.zip is poles@1", "second.zip is poles@2"]
    assert once(cli, folder) == []
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before
    assert len(cli.json("models", "list")) == 2


def test_a_version_that_was_removed_is_not_registered_again(cli: Commands, folder: Path) -> None:
    """Its file was seen, and is forgotten only when it is there no more; an empty place may not be mounted."""
    once(cli, folder)
    cli("models", "remove", "poles@1", "--yes")
    assert once(cli, folder) == []
    assert [one["version"] for one in cli.json("models", "list")] == [2]
    (folder / "june/first.zip").unlink()
    assert once(cli, folder) == []
    (folder / "june/first.zip").write_bytes(export(1))
    assert once(cli, folder) == ["june/first.zip is poles@3"]
    for path in folder.rglob("*.zip"):
        path.unlink()
    assert once(cli, folder) == []
    (folder / "second.zip").write_bytes(export(2))
    assert once(cli, folder) == ["second.zip is poles@2, as it was before"]


def test_what_is_refused_is_said_once(cli: Commands, folder: Path) -> None:
    """Until the file is another one; the same bytes under another name are the version that they were."""
    (folder / "broken.zip").write_bytes(b"no zip")
    assert sum("broken.zip is refused" in line for line in once(cli, folder)) == 1
    assert once(cli, folder) == []
    (folder / "broken.zip").write_bytes(export(3))
    (folder / "copy.zip").write_bytes(export(1))
    assert sorted(once(cli, folder)) == ["broken.zip is poles@3", "copy.zip is poles@1, as it was before"]


def test_a_file_of_any_size_is_not_read_whole(cli: Commands, folder: Path) -> None:
    """One byte too many, and nothing of it is read: it takes no memory, nor the disk that it pretends to."""
    with (folder / "huge.onnx").open("wb") as file:
        file.truncate(2**31 + 1)
    refused = "huge.onnx is refused: the file has 2,147,483,649 bytes, and ONNX ends at 2,147,483,648; export it again"
    assert refused in once(cli, folder)
    assert once(cli, folder) == []


def test_a_link_out_of_the_folder_is_not_followed(cli: Commands, folder: Path, tmp_path: Path) -> None:
    """Neither to a file nor to a folder; one within it is a file like any other."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.zip").write_bytes(export(7))
    (folder / "link.zip").symlink_to(elsewhere / "secret.zip")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "gone.zip").symlink_to(elsewhere / "gone.zip")
    (folder / "within.zip").symlink_to("june/first.zip")
    names = [line.partition(" ")[0] for line in once(cli, folder)]
    assert sorted(names) == ["june/first.zip", "second.zip", "within.zip"]


def test_a_file_that_grows_is_left_alone(cli: Commands, tmp_path: Path) -> None:
    """It is read when two looks find it alike, and not before."""
    del cli
    place, data = tmp_path / "growing", export(1)
    place.mkdir()
    watch = Watch(str(place), "poles", NOTHING)
    for size in (100, 2000, len(data)):
        (place / "new.zip").write_bytes(data[:size])
        assert list(watch.look()) == []
        assert watch.waits()
    assert [str(tried) for tried in watch.look()] == ["new.zip is poles@1"]
    assert not watch.waits()


def test_a_prefix_of_a_bucket_is_watched(commands: CommandsIn, environment: Mapping[str, str], s3: S3) -> None:
    """An object is whole when it appears, so that one look is enough; another object of its name is another file."""
    cli, client = commands(environment), boto3.client("s3")
    client.put_object(Bucket=s3.bucket, Key="exports/a.zip", Body=export(1))
    client.put_object(Bucket=s3.bucket, Key="elsewhere/b.zip", Body=export(2))
    place = f"s3://{s3.bucket}/exports/"
    assert once(cli, place) == ["exports/a.zip is poles@1"]
    assert once(cli, place) == []
    client.put_object(Bucket=s3.bucket, Key="exports/a.zip", Body=export(3))
    assert once(cli, place) == ["exports/a.zip is poles@2"]


def test_a_place_that_is_not_there_is_refused(cli: Commands, folder: Path, tmp_path: Path) -> None:
    """In one sentence; so is a version where a name belongs."""
    assert "there is no folder" in cli.refused("models", "watch", tmp_path / "nowhere", "poles", "--once")
    assert "poles@2 is one version" in cli.refused("models", "watch", folder, "poles@2", "--once")


def test_a_watch_goes_on_until_ctrl_c(cli: Commands, folder: Path) -> None:
    """It outlives a place that goes away for a while, and says so once."""
    with cli.process("models", "watch", folder, "poles", "--every", "0.3") as watching:
        assert watching.stdout is not None
        assert "first.zip is poles@1" in watching.stdout.readline()
        assert "second.zip is poles@2" in watching.stdout.readline()
        (folder / "later.zip").write_bytes(export(5))
        assert "later.zip is poles@3" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=60)
    assert watching.returncode == 0
    assert "Ctrl-C ends it" in err
    assert "Traceback" not in err


def test_a_watched_version_starts_its_audit(cli: Commands, folder: Path, photographs: Path) -> None:
    """As `models add` would: the policy is answered for each version, and the next look starts nothing more."""
    cli("images", "add", photographs)
    cli("policy", "set", "poles", "--samples", "16")
    said = once(cli, folder)
    assert said[1] == "audit 1 of poles@1 has started by its policy"
    assert said[3] == "audit 2 of poles@2 has started by its policy; when it ends it is compared with audit 1"
    assert once(cli, folder) == []
    assert len(cli.json("audit", "list")) == 2
    assert cli("audit", "comparisons").strip().endswith("poles@1 and poles@2: waits for both audits to end")


def test_a_watch_for_scripts_writes_a_line_of_json_for_each_file(cli: Commands, folder: Path) -> None:
    """With what is noted of a model, or the reason against it."""
    (folder / "broken.zip").write_bytes(b"no zip")
    told = [json.loads(line) for line in once(cli, folder, "--json")]
    found = {one["file"]: one for one in told}
    assert {name: one["version"] for name, one in found.items()} == {
        "june/first.zip": "poles@1",
        "second.zip": "poles@2",
        "broken.zip": None,
    }
    assert "not an ONNX model" in found["broken.zip"]["notes"][0]
    assert "assumed" in found["second.zip"]["notes"][0]
