"""The processes by the names that people who know Celery type, with settings from the environment alone."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
from sqlalchemy import text

from pipeline.recipes import recipe
from polelens.stack.address import HOST, free_port, taken
from tests import models
from tests.live_audits import Bench, pictures

CELERY = [str(Path(sys.executable).with_name("celery")), "-A", "tasks"]


@contextmanager
def running(bench: Bench, folder: Path, commands: dict[str, list[str]]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """These Celery commands as processes in a folder of their own, none of which may have ended at the end."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environment = kept | bench.environment
    processes = {}
    for name, command in commands.items():
        with (folder / f"{name}.log").open("wb") as log:
            processes[name] = subprocess.Popen(
                [*CELERY, *command], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
    try:
        yield processes
        for name, process in processes.items():
            assert process.poll() is None, (folder / f"{name}.log").read_text()
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(60)


def test_worker_beat_and_flower_by_their_usual_names(bench: Bench, tmp_path: Path) -> None:
    """An audit that is only written into the ledger completes: beat finds it, and sweeps up what was lost.

    Nobody sends a message but they themselves. One photograph was handed out before to a worker that died with it.
    """
    bench.environment |= {
        "POLELENS_PRODUCE_SECONDS": "1",
        "POLELENS_SWEEP_SECONDS": "1",
        "FLOWER_BASIC_AUTH": "watch:this",
    }
    version = bench.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5), "yes", "no")
    bench.photographs("usual", pictures(4))
    made = recipe("default").override({"samples": 32})
    number = bench.audits.start(version, made, "usual/*")
    with bench.audits.engine.begin() as c:
        lost = (
            "UPDATE explanation SET state = 'preparing', attempts = 1, lease_until = now() WHERE id = (SELECT min(id)"
        )
        c.execute(text(f"{lost} FROM explanation)"))

    port = free_port()
    commands = {
        "infer": ["worker", "-Q", "infer-now,infer", "-c", "1"],
        "others": ["worker", "-Q", "prepare-now,prepare,reduce-now,reduce,control", "-n", "others@%h", "-c", "1"],
        "beat": ["beat"],
        "flower": ["flower", f"--address={HOST}", f"--port={port}"],
    }
    with running(bench, tmp_path, commands) as processes:
        progress = bench.audits.progress(number)
        deadline = time.monotonic() + 120
        while progress.state != "done":
            assert all(process.poll() is None for process in processes.values())
            assert time.monotonic() < deadline, progress
            time.sleep(0.2)
            progress = bench.audits.progress(number)
        assert (progress.done, progress.failed) == (4, 0)
        _assert_behind_login(f"http://{HOST}:{port}", deadline)
    for row in bench.results(number):
        alone = bench.explained_alone(version, row, made)
        assert row.attribution is not None
        np.testing.assert_allclose(row.attribution.labels[0].weights, alone.labels[0].weights, atol=1e-6)


def _assert_behind_login(url: str, deadline: float) -> None:
    """Flower listens, and takes its login from the environment too."""
    while not taken(url):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    try:
        urlopen(f"{url}/tasks", timeout=30).close()  # noqa: S310  our own server
    except HTTPError as refused:
        refused.close()
        assert refused.code == 401
    else:
        raise AssertionError("Flower asks for no login")
