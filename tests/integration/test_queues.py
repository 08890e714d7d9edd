"""The queues: what a message holds, what a worker refuses, and whom it serves first."""

import base64
import json
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from tasks.queues import QUEUES, NowFirst
from tests.live_audits import ALL_QUEUES
from tests.services import StartWorker, WorkerProcess

PUBLISH = """
from storage.ledger import Step
from tasks.messages import hint, publish
long = "archive/" + 70 * "x" + "/\\npole.png"
publish([Step("infer", 7, 3, "north/1.png", False, 1, 2, 16), Step("prepare", 7, 3, long, True)])
hint("sweep")
"""
NOW, LATER = 10**9, 2 * 10**9  # ids that no explanation has
BRIEF = r"^[\d-]{10} [\d:]{8} \w+((?: \d+)*): [\d.]+ s$"


@pytest.fixture
def environment(database_url: str, broker_url: str, tmp_path: Path) -> dict[str, str]:
    """What a worker needs to know."""
    return {"DATABASE_URL": database_url, "CELERY_BROKER_URL": broker_url, "POLELENS_BLOBS": str(tmp_path / "blobs")}


def test_a_message_carries_ids_as_json_and_words_for_people(environment: dict[str, str]) -> None:
    """No path, no pixels, no address; in Flower it reads as audit, photograph and part."""
    subprocess.run([sys.executable, "-c", PUBLISH], env=environment, check=True)
    [infer], [prepare], [sweep] = (_waiting(environment, queue) for queue in ("infer", "prepare-now", "control"))
    assert [_body(one)[0] for one in (infer, prepare, sweep)] == [[7, 1, 2], [7], []]
    assert [_body(one)[1] for one in (infer, prepare, sweep)] == [{}, {}, {}]
    assert {one["content-type"] for one in (infer, prepare, sweep)} == {"application/json"}
    assert [one["headers"]["task"] for one in (infer, prepare, sweep)] == ["infer", "prepare", "sweep"]
    assert infer["headers"]["argsrepr"] == "audit=3 part=3/16 photograph=north/1.png"
    shown = prepare["headers"]["argsrepr"].removeprefix("audit=3 photograph=")
    assert len(shown) == 40
    assert shown.startswith("…xxx")
    assert shown.endswith("x/?pole.png")
    assert sweep["headers"]["expires"] is not None


def test_who_waits_is_served_first(environment: dict[str, str], worker_processes: StartWorker) -> None:
    """A worker takes what is in the -now queues before everything else, though it came later."""
    tasks = [("infer", 3), ("prepare", 1), ("reduce", 1)]
    with Celery(broker=environment["CELERY_BROKER_URL"], set_as_current=False) as app:
        for suffix, first in (("", LATER), ("-now", NOW)):
            for task, arguments in tasks:
                for number in range(3):
                    app.send_task(task, args=[first + number] * arguments, queue=task + suffix)
    worker = worker_processes(list(reversed(ALL_QUEUES)), environment)
    served = _served(worker, 18)
    assert all(NOW <= int(ids.split()[0]) < LATER for ids in served[:9]), served
    assert all(int(ids.split()[0]) >= LATER for ids in served[9:]), served


def test_a_pickled_message_is_refused(
    environment: dict[str, str], worker_processes: StartWorker, tmp_path: Path
) -> None:
    """Whoever can write to Redis cannot run code in a worker, and the message after it is served."""
    with Celery(broker=environment["CELERY_BROKER_URL"], set_as_current=False) as app:
        app.send_task("prepare", args=[Planted(str(tmp_path / "planted"))], queue="prepare", serializer="pickle")
        app.send_task("prepare", args=[10**9], queue="prepare")
    worker = worker_processes(["prepare"], environment)
    assert _served(worker, 1) == [str(10**9)]
    assert "Refusing to deserialize" in worker.log()
    assert not (tmp_path / "planted").exists()


BAD = {  # arguments, and named ones
    "word": (["1; DROP TABLE image"], {}),
    "null": ([None], {}),
    "truth": ([True], {}),
    "fraction": ([1.5], {}),
    "negative": ([-1], {}),
    "huge": ([10**40], {}),
    "nested": ([{"id": [1]}], {}),
    "none": ([], {}),
    "more": ([1, 2, 3], {}),
    "named": ([], {"explanation": 1}),
    "long": (["x" * 10**6], {}),
}


def test_a_message_of_anything_but_ids_is_dropped(environment: dict[str, str], worker_processes: StartWorker) -> None:
    """One short line in the log each, nothing left in Redis, and the worker goes on; unknown ids do nothing."""
    with Celery(broker=environment["CELERY_BROKER_URL"], set_as_current=False) as app:
        for name, (args, kwargs) in BAD.items():
            app.send_task("prepare", args=args, kwargs=kwargs, queue="prepare", task_id=name)
        for name, args in (("infer", [1, 2]), ("compare", ["1"]), ("produce", [1]), ("sweep", [1]), ("schedule", [1])):
            app.send_task(name, args=args, queue="prepare", task_id=f"bad-{name}")
        app.send_task("os.system", args=["true"], queue="prepare", task_id="foreign")
        app.send_task("infer", args=[2**63 - 1, 2**40, 2**40], queue="prepare")
        app.send_task("reduce", args=[0], queue="prepare")
    worker = worker_processes(["prepare"], environment)
    assert _served(worker, 2) == [f"{2**63 - 1} {2**40} {2**40}", "0"]
    dropped = [line for line in worker.log().splitlines() if "dropped a message for" in line]
    assert len(dropped) == len(BAD) + 5
    assert all(len(line) < 300 for line in dropped)
    assert "unregistered task of type 'os.system'" in worker.log()
    with redis.Redis.from_url(environment["CELERY_BROKER_URL"]) as client:
        assert (client.llen("prepare"), client.hlen("unacked")) == (0, 0)


class Planted:
    """An object that makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self._path),)


def test_the_planted_object_would_do_harm(tmp_path: Path) -> None:
    """Where it is unpickled the file is made: its absence above means something."""
    pickle.loads(pickle.dumps(Planted(str(tmp_path / "planted"))))  # noqa: S301
    assert (tmp_path / "planted").exists()


def test_every_queue_has_its_place() -> None:
    """-now before the others, whatever order a worker was told, and the same in every process."""
    cycle = NowFirst(list(reversed(QUEUES)))
    expected = ["infer-now", "prepare-now", "reduce-now", "control", "infer", "prepare", "reduce"]
    assert cycle.consume(len(QUEUES)) == expected
    cycle.rotate("infer-now")
    assert cycle.consume(len(QUEUES)) == expected


def _waiting(environment: dict[str, str], queue: str) -> list[dict[str, Any]]:
    """The messages in a queue."""
    with redis.Redis.from_url(environment["CELERY_BROKER_URL"]) as client:
        return [json.loads(message) for message in client.lrange(queue, 0, -1)]


def _body(message: dict[str, Any]) -> Sequence[Any]:
    """Arguments, named arguments, and what Celery adds."""
    assert message["properties"]["body_encoding"] == "base64"
    body: Sequence[Any] = json.loads(base64.b64decode(message["body"]))
    return body


def _served(worker: WorkerProcess, n: int, line: str = BRIEF, seconds: float = 60) -> list[str]:
    """The ids of the messages of the first n tasks a worker did, in the order it did them."""
    deadline = time.monotonic() + seconds
    while True:
        done = [one.strip() for one in re.findall(line, worker.log(), re.MULTILINE)]
        if len(done) >= n:
            return done
        assert time.monotonic() < deadline, worker.log()
        time.sleep(0.05)


def test_a_task_is_one_short_line(environment: dict[str, str], worker_processes: StartWorker) -> None:
    """When, what, which ids and how long, in at most 52 characters: 200,000 photographs of ten tasks are 100 MB."""
    with Celery(broker=environment["CELERY_BROKER_URL"], set_as_current=False) as app:
        for number in range(3):
            app.send_task("infer", args=[1_000_000 + number, 1, 12], queue="infer")
    worker = worker_processes(["infer"], environment)
    assert _served(worker, 3) == [f"{1_000_000 + number} 1 12" for number in range(3)]
    lines = [line for line in worker.log().splitlines() if "infer" in line and re.match(r"\d{4}-", line)]
    assert len(lines) == 3
    assert max(map(len, lines)) < 52
    assert "received" not in worker.log()


def test_logs_are_json_and_say_what_they_are_about(environment: dict[str, str], worker_processes: StartWorker) -> None:
    """After the banner every line is an object; within a task it has the ids of the message and the words of Flower."""
    worker = worker_processes(ALL_QUEUES, environment | {"POLELENS_LOGS": "json"})
    with Celery(broker=environment["CELERY_BROKER_URL"], set_as_current=False) as app:
        app.send_task("infer", args=[7, 1], argsrepr="audit=3 part=3/16 photograph=a.png", queue="infer")
    subprocess.run([sys.executable, "-c", PUBLISH], env=environment, check=True)
    _served(worker, 3, '"s"')
    written = worker.log()
    lines = [json.loads(line) for line in written[written.index("{") :].splitlines()]
    done = [one for one in lines if "s" in one]
    [infer] = [one for one in done if one["task"] == "infer"]
    assert (set(infer), infer["ids"]) == ({"time", "task", "ids", "s"}, [7, 1, 2])
    others = [one for one in lines if one not in done]
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, others))
    [warned] = [one for one in others if one["message"].startswith("dropped")]
    assert (warned["level"], warned["explanation"], warned["round"]) == ("WARNING", 7, 1)
    assert warned["about"] == "audit=3 part=3/16"  # no name: what a log has cannot be forgotten
