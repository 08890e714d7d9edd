"""Stored pictures: `polelens gc` removes what earlier versions stored and is drawn now."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from storage.blobs import Blobs, FolderBlobs, open_blobs
from storage.forget.garbage import Garbage
from storage.forget.trail import act
from storage.keys import explanation_key
from tests.commands import CommandsIn
from tests.played_ledger import Desk, attribution
from tests.services import S3

STORED = {"overlay.png": 30, "overlay-2.png": 31, "support.png": 20, "seeds.png": 70, "segments.png": 4}
KEPT = {"scores.npz": 9, "heat-1.npz": 8}


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return FolderBlobs(tmp_path / "store")
    s3: S3 = request.getfixturevalue("s3")
    return open_blobs(f"s3://{s3.bucket}/{tmp_path.name}")


def fill(blobs: Blobs, key: str, files: Mapping[str, int] = STORED | KEPT) -> None:
    """The files of an explanation as an earlier version stored them."""
    for name, size in files.items():
        blobs.put(explanation_key(key, name), bytes(size))


def explained(desk: Desk, *names: str) -> list[str]:
    """The keys of photographs that are explained, and then those of as many that are under way."""
    desk.audit(*names, *(f"{name} later" for name in names))
    keys = []
    for place, step in enumerate(desk.ledger.produce(64)):
        job = desk.begin_reduction(step)
        keys.append(job.key)
        if place < len(names):
            assert desk.ledger.finish(job, attribution("yes"))
    return keys


def test_stored_pictures_go_and_nothing_else(desk: Desk, store: Blobs) -> None:
    """Of what is explained; scores and heat maps stay, and so do the pictures of an answer that is not there yet."""
    done, under_way = explained(desk, "a", "b")[:2], explained(desk, "c")[1:]
    for key in (*done, *under_way):
        fill(store, key)
    others = {"images/ab/cd.png": 5, "explanations/stray.png": 5, "scenes/ab/x.npz": 5, "masks/ab/y.png": 5}
    for name, size in others.items():
        store.put(name, bytes(size))
    before = list(store.keys())
    losses, _ = Garbage(desk.engine, store, act("gc"), 0).sweep()
    gone = {explanation_key(key, name) for key in done for name in STORED}
    assert losses.number == {"pictures that are drawn now": len(gone)}
    assert losses.size == 2 * sum(STORED.values())
    assert list(store.keys()) == [key for key in before if key not in gone]


def test_the_command_says_what_would_go_asks_and_removes(
    desk: Desk, commands: CommandsIn, environment: Mapping[str, str]
) -> None:
    """A dry run removes nothing; without a yes it asks; what is gone is counted; the second time there is nothing."""
    cli, blobs = (
        commands(dict(environment) | {"POLELENS_GC_GRACE_SECONDS": "0"}),
        open_blobs(environment["POLELENS_BLOBS"]),
    )
    key = explained(desk, "a")[0]
    fill(blobs, key)
    told = "5 pictures that are drawn now (155 B)"
    assert cli("gc", "--dry-run").strip() == f"what nothing refers to: {told} would go"
    said = cli.json("gc", "--dry-run")
    assert (said["dry_run"], said["removed"], said["bytes"]) == (True, {"pictures that are drawn now": 5}, 155)
    assert "--yes removes without asking" in cli.run("gc").output
    assert len(list(blobs.keys("explanations/"))) == len(STORED | KEPT)
    assert cli("gc", "--yes").strip() == f"removed: {told}"
    assert sorted(blobs.keys("explanations/")) == sorted(explanation_key(key, name) for name in KEPT)
    assert cli("gc").strip() == "there is nothing to remove"
    assert cli("gc", "--yes").strip() == "there is nothing to remove"
