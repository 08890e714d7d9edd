"""Flower beside real workers: a person finds their audit in it, and nobody else gets in."""

import json
from urllib.error import HTTPError
from urllib.parse import quote

import numpy as np
import pytest

from tests import models
from tests.flower import Flower
from tests.live_audits import Bench, pictures

PAGES = ("/", "/workers", "/tasks", "/broker", "/api/tasks", "/api/workers", "/api/queues/length")


def test_flower_shows_an_audit_to_whoever_may_see_it(bench: Bench, flower: Flower) -> None:
    """Tasks by their names with words a person understands, workers by readable names, metrics; nothing without login.

    One test, because Flower and the workers take longer to start than all that is asked of them.
    """
    bench.workers(2)
    version = bench.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5), "yes", "no")
    bench.photographs("seen", pictures(3))
    number = bench.audit(version, "seen/*", samples=128, judge=False)
    bench.wait(number)
    rows = bench.results(number)
    tasks = flower.await_tasks(lambda found: _succeeded(found, "reduce") >= len(rows))

    seen = {name: sorted(_words(tasks, name)) for name in ("prepare", "infer", "reduce")}
    names = sorted(row.image_name for row in rows)
    parts = 4  # of 1154 evaluations, 300 at most in each
    assert seen["prepare"] == seen["reduce"] == [f"audit={number} photograph={name}" for name in names]
    shown = [f"audit={number} part={i}/{parts} photograph={name}" for i in range(1, parts + 1) for name in names]
    assert seen["infer"] == shown

    workers = {worker["hostname"] for worker in json.loads(flower.get("/workers?json=1"))["data"]}
    assert {name.partition("@")[0] for name in workers} == {"all-0", "all-1"}
    page = flower.get("/workers")
    assert all(name in page for name in workers)
    assert {task["worker"] for task in tasks.values()} <= workers
    one = next(uuid for uuid, task in tasks.items() if task["name"] == "infer")
    assert f"audit={number} part=" in flower.get(f"/task/{quote(one)}")

    metrics = flower.get("/metrics", login="")  # open, as Flower has it for Prometheus: counts, and no words
    assert 'task="infer"' in metrics
    assert "audit=" not in metrics
    assert "flower_worker_online" in metrics
    _assert_closed(flower, one)


def _succeeded(tasks: dict, name: str) -> int:
    return sum(task["name"] == name and task["state"] == "SUCCESS" for task in tasks.values())


def _words(tasks: dict, name: str) -> set[str]:
    """What Flower shows as the arguments of each task of a name; redelivered ones show the same."""
    return {task["args"] for task in tasks.values() if task["name"] == name}


def _assert_closed(flower: Flower, task: str) -> None:
    """Neither a page nor the API answers without the login or with another; with it nothing can be changed."""
    for path in (*PAGES, f"/task/{task}", f"/api/task/info/{task}"):
        for login in ("", "watch:wrong"):
            with pytest.raises(HTTPError) as refused:
                flower.get(path, login)
            assert refused.value.code == 401, path
            assert b"audit=" not in refused.value.read()
            refused.value.close()
    for path in ("/api/worker/shutdown/all-0@x", f"/api/task/revoke/{task}", "/api/task/send-task/prepare"):
        with pytest.raises(HTTPError) as refused:
            flower.get(path, method="POST")
        assert refused.value.code == 403, path
        refused.value.close()
