"""Two versions of the code at once, as while a cluster is being upgraded: the schema is the new one already."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.recipes import recipe
from polelens.stack.processes import Launch
from polelens.stack.workers import ONE_THREAD, await_workers, worker_command
from tests import models
from tests.live_audits import ALL_QUEUES, Bench, pictures
from tests.services import WorkerProcess

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("migrations", "pipeline", "polelens", "storage", "tasks")
PHOTOGRAPHS = 30


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it was before the newest migration."""
    newest = _git("log", "-1", "--diff-filter=A", "--format=%H", "--", "migrations/versions").decode().strip()
    before = f"{newest}^"
    if not newest or subprocess.run(["git", "-C", ROOT, "cat-file", "-e", before], check=False).returncode:
        pytest.skip("no history to take the previous version of the code from")
    folder = tmp_path_factory.mktemp("previous")
    subprocess.run(["tar", "-x", "-C", folder], input=_git("archive", before, *PACKAGES), check=True)
    return folder


def test_workers_of_the_previous_version_work_beside_new_ones(bench: Bench, previous: Path) -> None:
    """On the new schema both do their share of one audit, and its numbers are those of the new code alone."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "150"
    model = bench.model(models.uneven(), "yes", "no")
    bench.photographs("upgraded", pictures(PHOTOGRAPHS, seed=12))
    [new], old = bench.workers(1), _worker(bench, previous)
    number = bench.audit(model, "upgraded/*")
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (PHOTOGRAPHS, 0)
    for worker in (new, old):
        done = set(re.findall(r"Task (\w+)\[.*\] succeeded", worker.log()))
        assert done >= {"prepare", "infer", "reduce"}, f"{worker.name} did only {done}"
    bench.assert_undisturbed(number, model, recipe("default"))


def _worker(bench: Bench, code: Path) -> WorkerProcess:
    """A worker that runs other code than ours."""
    environment = {**ONE_THREAD, **bench.environment, "PYTHONPATH": str(code)}
    launch = Launch("old", worker_command(ALL_QUEUES, "old"), environment)
    pid = bench.processes.start(launch)
    await_workers(bench.processes, bench.environment["CELERY_BROKER_URL"], ["old"])
    asked = [sys.executable, "-c", "import storage, tasks; print(storage.__file__, tasks.__file__)"]
    loaded = subprocess.run(asked, env=os.environ | environment, cwd="/", capture_output=True, text=True, check=True)
    assert all(one.startswith(str(code)) for one in loaded.stdout.split()), loaded.stdout
    return WorkerProcess("old", pid, bench.processes)


def _git(*words: str) -> bytes:
    run = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, check=False)
    if run.returncode:
        pytest.skip(f"no history to take the previous version of the code from: {run.stderr.decode().strip()}")
    return run.stdout
