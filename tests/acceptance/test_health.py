"""Health files and the watchdog: a worker that takes no messages ends itself; without any, or busy, it does not."""

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from celery import Celery
from sqlalchemy import text

from polelens.stack import redis
from polelens.stack.address import new_redis_url
from polelens.stack.processes import Launch, Processes
from polelens.stack.workers import ONE_THREAD, await_workers, worker_command
from storage.keys import image_key
from tests import models
from tests.live_audits import ALL_QUEUES, Bench, pictures
from tests.services import WorkerProcess

PATIENCE = 3  # seconds: POLELENS_STALL_SECONDS


@pytest.fixture
def folder(bench: Bench, tmp_path: Path) -> Path:
    """The folder of the health files of the bench's workers, who have little patience."""
    folder = tmp_path / "health"
    changes = {"POLELENS_HEALTH": str(folder), "POLELENS_STALL_SECONDS": str(PATIENCE), "POLELENS_LOGS": "json"}
    bench.environment.update(changes)
    return folder


def test_a_worker_that_takes_no_messages_ends_itself(bench: Bench, folder: Path) -> None:
    """With a line that says why and a status that a supervisor sees; an idle worker is well, and ends the audit."""
    command = worker_command(["reduce"], "idle")
    pid = bench.processes.start(Launch("idle", command, {**ONE_THREAD, **bench.environment}))
    [victim] = bench.workers(1)
    await_workers(bench.processes, bench.environment["CELERY_BROKER_URL"], ["idle"])
    other = WorkerProcess("idle", pid, bench.processes)
    node, idle = (next(folder.glob(f"{name}@*.json")).stem for name in (victim.name, "idle"))
    with Celery(broker=bench.environment["CELERY_BROKER_URL"], set_as_current=False) as app:
        for queue in ALL_QUEUES:  # its connection stays, and it goes on answering
            app.control.cancel_consumer(queue, destination=[node], reply=True, limit=1, timeout=10)
        model = bench.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5), "yes", "no")
        bench.photographs("stuck", pictures(3))
        number = bench.audit(model, "stuck/*", samples=64)
        status = _await(lambda: os.waitpid(victim.pid, os.WNOHANG)[1] or None)
        assert os.waitstatus_to_exitcode(status) == 1
        [told] = [line["message"] for line in _lines(victim) if line["level"] == "ERROR"]
        assert told.startswith(f"stuck: messages wait (control 1) and none was taken for {PATIENCE} s;")
        assert _age(folder / f"{node}.json") > _age(folder / f"{idle}.json")
        for queue in ALL_QUEUES:
            app.control.add_consumer(queue, destination=[idle], reply=True, limit=1, timeout=10)
    assert bench.wait(number).done == 3
    assert other.running
    other.kill()


def test_a_worker_without_redis_or_at_work_is_well(bench: Bench, folder: Path, tmp_path: Path) -> None:
    """Redis goes and comes back, a task takes long while others wait: the same worker does all of it."""
    services, url = Processes(tmp_path / "services"), new_redis_url()
    bench.environment.update({"CELERY_BROKER_URL": url, "POLELENS_LEASE_SECONDS": "2"})
    redis.start(services, tmp_path, url)
    try:
        [worker] = bench.workers(1)
        [path] = folder.glob("*.json")
        services.stop([redis.NAME])
        _assert_well(path, PATIENCE + 1)
        assert _said(path)["backlog"] is None
        redis.start(services, tmp_path, url)
        await_workers(bench.processes, url, [worker.name])
        model = bench.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5), "yes", "no")
        bench.photographs("slow", pictures(3))
        [torn] = [one for one in bench.archive.select() if one.name == "slow/001.png"]
        bench.archive.blobs.put(image_key(torn.sha256), b"no photograph")
        with bench.audits.engine.begin() as c:
            c.execute(text("LOCK TABLE part"))  # the first to be prepared waits for it
            number = bench.audit(model, "slow/*", samples=64)
            _await(lambda: (said := _said(path))["active"] and said["backlog"]["prepare"])
            _assert_well(path, PATIENCE + 1)
            bench.ask("sweep")  # the others have waited for longer than a lease
        progress = bench.wait(number)
        assert (progress.done, progress.failed, worker.running) == (2, 1, True)
        _assert_told(worker, number)
        worker.kill()
    finally:
        bench.processes.stop(bench.processes.names(), seconds=5)
        services.stop(services.names())


def _assert_well(path: Path, seconds: float) -> None:
    """The file is touched again and again for so long."""
    began = path.stat().st_mtime
    _await(lambda: path.stat().st_mtime > began + seconds)


def _assert_told(worker: WorkerProcess, audit: int) -> None:
    """What fails, and what is handed out again, is told of with audit, part and ids; a log names no photograph."""
    failed = [one for one in _lines(worker) if one["level"] == "ERROR" and one.get("task") == "prepare"]
    assert [one["about"] for one in failed] == [f"audit={audit}"]
    assert failed[0]["explanation"] > 0
    again = [one["message"] for one in _lines(worker) if one["logger"] == "tasks.sweep"]
    assert any(re.search(f"audit={audit} explanation=\\d+$", one) for one in again)
    assert "slow/00" not in worker.log()
    parts = [one for one in _objects(worker) if one.get("task") == "infer" and "s" in one]
    assert parts
    assert {len(one["ids"]) for one in parts} == {3}


def _lines(worker: WorkerProcess) -> list[Any]:
    """All but those of tasks that are done, which have no level."""
    return [one for one in _objects(worker) if "level" in one]


def _objects(worker: WorkerProcess) -> list[Any]:
    return [json.loads(line) for line in worker.log().splitlines() if line.startswith("{")]


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _said(path: Path) -> Any:
    return json.loads(path.read_text())


def _await(found: Callable[[], Any], seconds: float = 60) -> Any:
    """What is found, as soon as there is something."""
    deadline = time.monotonic() + seconds
    while not (there := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return there
