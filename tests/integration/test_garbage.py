"""What nothing refers to is removed, and nothing else: with others at work, twice at once, and killed at any moment."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import text

from pipeline.recipe import Recipe
from storage.archive import Archive, Photograph
from storage.blobs import Blobs, FolderBlobs, open_blobs
from storage.comparisons import plan as plan_comparison
from storage.forget.garbage import SHARDS, Garbage
from storage.forget.trail import act
from storage.keys import explanation_key, image_key, mask_key, model_key, scene_key, scores_key
from storage.locks import adding, removing, want
from storage.planning import Wanted
from storage.registry import Registry
from tasks import runtime
from tasks.gc import gc as gc_task
from tests.commands import CommandsIn
from tests.live_audits import pictures, png
from tests.memory import Memory
from tests.played_ledger import Desk, at_once, await_blocked, model
from tests.services import S3

ENDED = "UPDATE audit SET state = 'done', finished_at = now() - :days * interval '1 day' WHERE id = :id"
OLD = 1_000_000.0  # seconds since the epoch


def digest(word: object) -> str:
    """A digest that nothing has."""
    return hashlib.sha256(str(word).encode()).hexdigest()


def keys_of(word: object) -> list[str]:
    """A key of each kind that nothing refers to."""
    one = digest(word)
    files = [explanation_key(one, name) for name in ("overlay.png", "scores.npz")]
    return sorted([image_key(one), mask_key(one), model_key(one), scene_key(one), f"trial/{word}", *files])


def garbage(desk: Desk, blobs: Blobs, grace: float = 0.0) -> Garbage:
    """Of a desk."""
    return Garbage(desk.engine, blobs, act("gc", "the tests"), grace)


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    """An empty store."""
    if request.param == "folder":
        yield FolderBlobs(tmp_path / "store")
        return
    s3: S3 = request.getfixturevalue("s3")
    store = open_blobs(f"s3://{s3.bucket}/garbage-{os.getpid()}")
    for key in list(store.keys()):
        store.delete(key)
    yield store


def wanted(desk: Desk, blobs: Blobs) -> list[str]:
    """A blob of each kind that a row speaks of."""
    Registry(desk.engine, blobs).add(model())
    archive = Archive(desk.engine, blobs)
    photograph, mask = (png(one) for one in pictures(2))
    archive.add(Photograph("a", photograph, mask=mask))
    desk.audit()
    [image] = archive.select()
    key, scene = str(desk.value("SELECT key FROM explanation")), digest("scene")
    with desk.engine.begin() as c:
        c.execute(text("UPDATE explanation SET scene = :scene"), {"scene": scene})
    blobs.put(scene_key(scene), b"scene")
    blobs.put(scores_key(key), b"scores")
    assert image.mask
    keys = [image_key(image.sha256), mask_key(image.mask), scene_key(scene), scores_key(key)]
    return sorted([*keys, model_key(model().digest)])


def test_what_nothing_refers_to_goes_and_nothing_else(desk: Desk, blobs: Blobs) -> None:
    """Of every kind, in both stores; what a row speaks of stays, and so does what is none of ours."""
    kept, strange = wanted(desk, blobs), ["images/readme.txt", "other/thing", f"scenes/zz/{digest(1)}.npz"]
    lost = keys_of("lost")
    for key in (*lost, *strange):
        blobs.put(key, b"four")
    told = garbage(desk, blobs).count()
    assert sorted(blobs.keys()) == sorted([*kept, *strange, *lost])
    losses, left = garbage(desk, blobs).sweep()
    assert sorted(blobs.keys()) == sorted([*kept, *strange])
    assert (losses.number, losses.size, left) == (told.number, 4 * len(lost), [])
    assert desk.value("SELECT sum(number) FROM trail") == len(lost)


def test_what_is_young_stays(desk: Desk, blobs: Blobs) -> None:
    """A blob that was put within the grace is left for another time."""
    for key in keys_of("young"):
        blobs.put(key, b"x")
    losses, _ = garbage(desk, blobs, grace=3600).sweep()
    assert not losses
    assert sorted(blobs.keys()) == keys_of("young")


def test_a_bounded_number_goes_at_a_time(desk: Desk, tmp_path: Path) -> None:
    """With `most`, so many blobs and no more; by shards, all of them in the end."""
    blobs = FolderBlobs(tmp_path / "store")
    lost = [key for word in range(20) for key in keys_of(word)]
    for key in lost:
        blobs.put(key, b"x")
    assert garbage(desk, blobs).sweep(most=30)[0].number.total() == 30
    assert len(list(blobs.keys())) == len(lost) - 30
    parts = [garbage(desk, blobs).shard(number) for number in range(SHARDS)]
    assert sum(one.number.total() for one in parts) == len(lost) - 30
    assert list(blobs.keys()) == []
    assert not list((tmp_path / "store/explanations").rglob("*/*/*"))  # no folder of an explanation is left


def test_what_a_killed_writer_left_goes(desk: Desk, tmp_path: Path) -> None:
    """A file that was never finished has the bytes of a photograph, perhaps; one that is being written stays."""
    blobs = FolderBlobs(tmp_path / "store")
    blobs.put("images/readme", b"x")
    folder = tmp_path / "store/images"
    for name in (".unfinished-abcd1234", ".unfinished-k2_x9y8z", ".snapshot", ".unfinished-now12345"):
        (folder / name).write_bytes(b"half")
        if "now" not in name:
            os.utime(folder / name, (OLD, OLD))
    losses, _ = garbage(desk, blobs, grace=3600).sweep()
    assert losses.number == {"unfinished files": 2}
    assert {path.name for path in folder.iterdir()} == {"readme", ".snapshot", ".unfinished-now12345"}


def test_two_at_once_remove_each_thing_once(desk: Desk, tmp_path: Path) -> None:
    """Nobody fails, everything goes, and the trail counts each blob once."""
    blobs = FolderBlobs(tmp_path / "store")
    lost = [key for word in range(60) for key in keys_of(word)]
    for key in lost:
        blobs.put(key, b"x")
    at_once(*[lambda: garbage(desk, blobs).sweep()] * 2)
    assert list(blobs.keys()) == []
    assert desk.value("SELECT sum(number) FROM trail") >= len(lost)


KILLED = """
import os, sys, threading
from storage.blobs import FolderBlobs
from storage.database import connect
from storage.forget.garbage import Garbage
from storage.forget.trail import act
class Dying(FolderBlobs):
    deleted = 0
    def delete(self, key):
        super().delete(key)
        Dying.deleted += 1
        if Dying.deleted == int(sys.argv[3]):
            os._exit(9)
Garbage(connect(sys.argv[1]), Dying(__import__("pathlib").Path(sys.argv[2])), act("gc"), 0).sweep()
"""


@pytest.mark.parametrize("after", [1, 5, 150])
def test_killed_at_any_moment_the_next_does_the_rest(desk: Desk, tmp_path: Path, after: int, database_url: str) -> None:
    """What is wanted is there, and a second gc leaves nothing that is not."""
    blobs = FolderBlobs(tmp_path / "store")
    kept = wanted(desk, blobs)
    for key in [key for word in range(40) for key in keys_of(word)]:
        blobs.put(key, b"x")
    command = [sys.executable, "-c", KILLED, database_url, str(tmp_path / "store"), str(after)]
    assert subprocess.run(command, check=False).returncode == 9
    left = len(list(blobs.keys()))
    assert len(kept) < left < len(kept) + 40 * 7
    garbage(desk, blobs).sweep()
    assert sorted(blobs.keys()) == kept


def test_explanations_that_no_audit_wants_go(memory: Memory) -> None:
    """But for the source of a refit that is not done: its scores have still to be read."""
    with memory.engine.begin() as c:
        c.execute(text("DELETE FROM audit_explanation WHERE audit_id = :id"), {"id": memory.audited.all})
        c.execute(text("DELETE FROM audit_explanation WHERE audit_id = :id"), {"id": memory.audited.twin})
        refit = c.execute(text("UPDATE explanation SET state = 'failed' WHERE id = (SELECT min(id) FROM explanation "
                               "WHERE refit_of IS NOT NULL) RETURNING refit_of")).scalar_one()  # fmt: skip
    one = Garbage(memory.engine, memory.blobs, act("gc"), 0)
    assert one.rows().number == {"explanations": 3}
    assert memory.value("SELECT count(*) FROM explanation WHERE id = :id", id=refit) == 1
    one.sweep()
    source = str(memory.value("SELECT key FROM explanation WHERE id = :id", id=refit))
    assert memory.blobs.exists(scores_key(source))
    with memory.engine.begin() as c:
        c.execute(text("UPDATE explanation SET state = 'done' WHERE state = 'failed'"))
    assert one.rows().number == {"explanations": 1}


def test_an_audit_is_kept_for_its_time(desk: Desk, commands: CommandsIn) -> None:
    """It goes so many days after its end, not after its beginning; what goes on or is still to be compared stays."""
    numbers = {}
    for name, keep in {"over": 7, "young": 7, "ever": None, "running": 7, "waiting": 7, "cancelled": 7}.items():
        desk.photographs(name)
        numbers[name] = desk.audits.begin(desk.model, Wanted(Recipe("default"), name, keep=keep))
    desk.change("UPDATE audit SET created_at = now() - interval '9 days'")
    with desk.engine.begin() as c:
        for name, days in {"over": 8, "ever": 8, "waiting": 8, "young": 6}.items():
            c.execute(text(ENDED), {"days": days, "id": numbers[name]})
    desk.audits.cancel(numbers["cancelled"])
    with desk.engine.begin() as c:
        plan_comparison(c, numbers["waiting"], numbers["running"])
    one = garbage(desk, FolderBlobs(Path("/nowhere")))
    assert one.expired() == [numbers["over"]]
    desk.change("UPDATE notice SET ended_at = now() - interval '8 days'")
    assert one.expired() == [numbers["over"], numbers["cancelled"]]
    one.rows()
    assert {audit.id for audit in desk.audits.all()} == set(numbers.values()) - {numbers["over"], numbers["cancelled"]}
    assert desk.value("SELECT count(*) FROM trail WHERE what = 'keep' AND kind = 'audits'") == 2


def test_nothing_is_removed_while_it_comes_to_be_wanted(desk: Desk, tmp_path: Path) -> None:
    """A transaction that wants holds removal up until it is seen; photographs that are added leave theirs for later."""
    blobs = FolderBlobs(tmp_path / "store")
    for key in keys_of("lost"):
        blobs.put(key, b"x")
    with desk.engine.begin() as c:
        want(c)
        thread = Thread(target=garbage(desk, blobs).sweep)
        thread.start()
        await_blocked(c)
        assert sorted(blobs.keys()) == keys_of("lost")
    thread.join()
    assert list(blobs.keys()) == []
    for key in keys_of("lost"):
        blobs.put(key, b"x")
    with adding(desk.engine):
        _, left = garbage(desk, blobs).sweep()
    assert left == ["photograph files", "mask files"]
    assert sorted(blobs.keys()) == sorted([image_key(digest("lost")), mask_key(digest("lost"))])
    with removing(desk.engine, photographs=True):
        pass  # who was adding has ended


def test_a_scene_that_is_shown_is_there(desk: Desk, tmp_path: Path) -> None:
    """However often gc comes between: whoever has written a scene down finds it, or makes it, and then it stays."""
    blobs, scene, over = FolderBlobs(tmp_path / "store"), digest("scene"), Event()
    job = desk.begun()

    def sweeping() -> None:
        while not over.is_set():
            garbage(desk, blobs).sweep()

    threads = [Thread(target=sweeping) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(60):
            desk.change("UPDATE explanation SET scene = NULL")  # nobody wants it any more
            time.sleep(0.002)
            desk.ledger.show(job, scene)
            if not blobs.exists(scene_key(scene)):
                blobs.put(scene_key(scene), b"made")
            time.sleep(0.002)
            assert blobs.get(scene_key(scene)) == b"made"
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_the_task_removes_rows_and_blobs(memory: Memory, commands: CommandsIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """As beat asks for it: what a killed deletion left goes, and the rest is as it was."""
    monkeypatch.setenv("POLELENS_GC_GRACE_SECONDS", "0")
    cli = commands(memory.environment)
    with memory.engine.begin() as c:
        c.execute(text("DELETE FROM audit WHERE id = :id"), {"id": memory.audited.refit})
    runtime._forget()
    try:
        gc_task.run(0)
    finally:
        runtime.ledger().engine.dispose()
        runtime._forget()
    assert memory.value("SELECT count(*) FROM explanation WHERE refit_of IS NOT NULL") == 0
    told = cli.json("gc", "--yes", "--grace", "0s")
    assert told["removed"] == {}
    assert {one["kind"] for one in cli.json("trail")} == {"explanations", "explanation files"}
