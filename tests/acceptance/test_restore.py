"""Back up and restore by the commands of docs/operations.md: nothing that was done is lost, and the rest goes on."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import redis
from numpy.typing import NDArray
from sqlalchemy import make_url

from pipeline.answer.attribution import Attribution
from pipeline.recipes import recipe
from polelens.stack import postgres
from polelens.stack.address import libpq, new_postgres_url
from polelens.stack.processes import Processes
from tests import models
from tests.documents import OPERATIONS, blocks
from tests.live_audits import Bench, pictures


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another Postgres, with nothing in it."""
    home = Path(tempfile.mkdtemp(prefix="polelens-elsewhere-"))  # not pytest's: the user of Postgres must get there
    processes, url = Processes(home), make_url(new_postgres_url()).set(database="postgres")
    address = url.render_as_string(hide_password=False)
    postgres.start(processes, home / "postgres", address, postgres.FAST_AND_FORGETFUL)
    yield address
    processes.stop(processes.names(), seconds=5)
    shutil.rmtree(home)


def test_a_backup_of_a_running_audit_goes_on_elsewhere(bench: Bench, elsewhere: str, tmp_path: Path) -> None:
    """What was done is the same to the last digit; what was not, ends with the numbers of a run without any fault."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "32"
    model = bench.model(models.uneven(), "yes", "no")
    bench.photographs("first", pictures(2))
    bench.photographs("second", pictures(8, seed=1))
    [worker] = bench.workers(1)
    done = bench.audit(model, "first/*", samples=64)
    bench.wait(done)
    running = bench.audit(model, "second/*", samples=64)
    bench.wait(running, lambda progress: progress.done >= 1)
    _run("backup", tmp_path, bench.environment)
    before = bench.results(done)
    worker.kill()
    with redis.Redis.from_url(bench.environment["CELERY_BROKER_URL"]) as client:
        client.flushdb()

    url = make_url(elsewhere).set(database="polelens").render_as_string(hide_password=False)
    restored = bench.environment | {"DATABASE_URL": url, "POLELENS_BLOBS": str(tmp_path / "restored")}
    _run("restore", tmp_path, restored)
    there = Bench(restored, Processes(tmp_path / "elsewhere"))
    try:
        assert there.audits.progress(done).state == "done"
        assert 1 <= there.audits.progress(running).done < 8
        there.workers(1)
        assert there.wait(running).done == 8
        for old, new in zip(before, there.results(done), strict=True):
            assert (old.key, old.image_name) == (new.key, new.image_name)
            np.testing.assert_array_equal(_weights(old.attribution), _weights(new.attribution))
        for row in there.results(running):
            alone = there.explained_alone(model, row, recipe("default").override({"samples": 64}))
            np.testing.assert_allclose(_weights(row.attribution), _weights(alone), atol=1e-6)
    finally:
        there.close()


def _run(kind: str, place: Path, environment: dict[str, str]) -> None:
    """Run the page's commands of a kind in a folder, with the programs of the embedded Postgres."""
    [script] = blocks(OPERATIONS, f"sh {kind}")
    path = f"{postgres.programs()}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = dict(os.environ) | environment | libpq(environment["DATABASE_URL"]) | {"PATH": path}
    command = ["bash", "-euc", script]
    done = subprocess.run(command, cwd=place, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def _weights(made: Attribution | None) -> NDArray[np.float64]:
    assert made is not None
    return made.labels[0].weights
