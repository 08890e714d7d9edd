"""An outage of the blob store of any length fails no photograph: audits are paused, and go on by themselves."""

import shutil
from dataclasses import replace
from pathlib import Path
from socket import gethostname

from pipeline.recipes import recipe
from polelens.stack.processes import Launch
from polelens.stack.workers import await_workers
from storage.keys import image_key
from tests import models
from tests.disks import fill, on_small_disk, within
from tests.live_audits import Bench, pictures, worker_launch

ROOT = Path(__file__).resolve().parents[2]
FEW = {"samples": 32, "seeds": [1, 11, 21]}


def test_a_disk_that_gets_full_in_mid_audit(bench: Bench, tmp_path: Path) -> None:
    """The audit pauses with a clear message; when the disk has room again it goes on to the numbers undisturbed."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "32"
    model = bench.model(models.uneven(), "yes", "no")
    bench.photographs("full", pictures(30))
    blobs = tmp_path / "blobs"
    small = worker_launch("small", bench.environment)
    pid = _start(bench, replace(small, command=on_small_disk(blobs, "96m", small.command)))
    number = bench.audit(model, "full/*", **FEW)
    bench.wait(number, lambda progress: progress.done >= 3)
    filler = within(pid, blobs / "filler")
    fill(filler)
    paused = bench.wait(number, lambda progress: progress.state == "paused")
    full = f"the blob store {blobs} is full (No space left on device): make room there (seen from {gethostname()})"
    assert paused.pause_reason == full
    assert (paused.failed, paused.remaining > 0) == (0, True)
    log = bench.processes.log("small").read_text()
    assert log.count(f"audit {number} is paused: ") == 1
    filler.unlink()
    ended = bench.wait(number)
    assert (ended.done, ended.failed) == (30, 0)
    bench.assert_undisturbed(number, model, recipe("default").override(FEW))
    with bench.audits.engine.begin() as c:
        assert c.exec_driver_sql("SELECT count(*) FROM part").scalar() == 0
        assert c.exec_driver_sql("SELECT count(*) FROM attribution").scalar() == 30


def test_an_outage_longer_than_all_tries(bench: Bench, tmp_path: Path) -> None:
    """The folder is not mounted, and an empty one stands in its place: nothing fails but what is missing for good."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "32"
    model = bench.model(models.uneven(), "yes", "no")
    bench.photographs("away", pictures(4))
    images = {image.name: image.sha256 for image in bench.archive.select()}
    bench.archive.blobs.delete(image_key(images["away/003.png"]))
    _start(bench, worker_launch("hasty", bench.environment | {"PYTHONPATH": str(ROOT)}, app="tests.hasty"))
    blobs, away = tmp_path / "blobs", tmp_path / "away"
    blobs.rename(away)
    blobs.mkdir()
    number = bench.audit(model, "away/*", **FEW)
    paused = bench.wait(number, lambda progress: progress.state == "paused")
    assert "has lost models/" in (paused.pause_reason or "")
    assert paused.failed == 0
    shutil.rmtree(blobs)
    away.rename(blobs)
    ended = bench.wait(number)
    assert (ended.done, ended.failed) == (3, 1)
    *_, failed = bench.results(number)
    assert failed.reason == f"prepare: there is no blob '{image_key(failed.image)}'"


def _start(bench: Bench, launch: Launch) -> int:
    pid = bench.processes.start(launch)
    await_workers(bench.processes, bench.environment["CELERY_BROKER_URL"], [launch.name])
    return pid
