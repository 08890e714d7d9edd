"""Every command of deploy/compose.yaml as a process: in its order, in its environment, until an audit completes.

Postgres, Redis and the S3 server are the tests' own in the place of those images; ports are free ones.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from urllib.request import Request, urlopen

import numpy as np
import pytest

from polelens.stack.address import HOST, free_port
from polelens.stack.processes import Launch, Processes
from polelens.stack.workers import await_workers
from tests import compose, models
from tests.compose import Service
from tests.live_audits import pictures, png
from tests.services import S3

GIVEN = {
    "POSTGRES_PASSWORD": "postgres-secret",
    "REDIS_PASSWORD": "redis-secret",
    "S3_SECRET_KEY": "s3-secret",
    "FLOWER_BASIC_AUTH": "watch:flower-secret",
    "PREPARE_REDUCE_PROCESSES": "1",
}
LOGIN = {"Authorization": f"Basic {b64encode(b'watch:flower-secret').decode()}"}
NOT_HERE = {"infer-gpu", "polelens"}  # the same command as infer, on a GPU; the command line, which is run below


@dataclass
class Machine:
    """Where the containers' processes run: what stands for their hosts, their ports and their /tmp."""

    processes: Processes
    hosts: Mapping[str, str]  # the value of a variable that names one of the other images: the tests' own
    ports: Mapping[str, str]
    scratch: Path

    def environment(self, service: Service) -> dict[str, str]:
        """The service's, with this interpreter's commands first on the PATH."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        said = {name: self._moved(value) for name, value in service.environment.items()}
        return said | {"PATH": path, "HOME": str(self.scratch)} | self.hosts

    def command(self, words: list[str]) -> list[str]:
        """A command, at this machine's ports and with its own /tmp."""
        port = re.compile("|".join(self.ports))
        moved = [port.sub(lambda found: self.ports[found[0]], word) for word in words]
        return [self._moved(word) for word in moved]

    def _moved(self, word: str) -> str:
        return word.replace("/tmp/", f"{self.scratch}/")  # noqa: S108  the containers' own

    def start(self, service: Service) -> None:
        """Start a service that stays."""
        farewell = getattr(signal, service.definition.get("stop_signal", "SIGTERM"))
        words, environment = self.command(service.command), self.environment(service)
        self.processes.start(Launch(service.name, words, environment, farewell=farewell))

    def run(self, service: Service, *words: object) -> str:
        """What a service that ends prints; with words, what its entry point makes of these."""
        command = [*service.definition["entrypoint"], *map(str, words)] if words else self.command(service.command)
        environment = dict(os.environ) | self.environment(service)
        done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def await_health(self, service: Service, seconds: float = 60.0) -> None:
        """Return when its health check passes."""
        deadline = time.monotonic() + seconds
        while subprocess.run(self.command(service.healthcheck or ["true"]), env=self.environment(service), check=False,
                             stderr=subprocess.DEVNULL).returncode:  # fmt: skip
            assert time.monotonic() < deadline, self.processes.last_words(service.name)
            time.sleep(0.2)

    def get(self, port: str, path: str) -> str:
        """A page, with Flower's login."""
        with urlopen(Request(f"http://{HOST}:{self.ports[port]}{path}", headers=LOGIN), timeout=30) as page:
            return str(page.read().decode())


@pytest.fixture
def machine(empty_database_url: str, broker_url: str, s3: S3, tmp_path: Path) -> Iterator[Machine]:
    """A machine with services of the test's own, nothing in them yet."""
    places = {
        "DATABASE_URL": empty_database_url,
        "CELERY_BROKER_URL": broker_url,
        "POLELENS_BLOBS": "s3://composed/blobs",
    }
    ports = {"5555": str(free_port()), "9108": str(free_port())}
    machine = Machine(Processes(tmp_path / "processes"), places | dict(s3.environment), ports, tmp_path)
    yield machine
    machine.processes.stop(machine.processes.names(), seconds=20)


def test_the_commands_of_compose_carry_an_audit_to_its_end(machine: Machine, tmp_path: Path) -> None:
    """All start in the order of depends_on and become healthy; the audit ends; Flower and the metrics have seen it."""
    started = list(compose.services(GIVEN))
    for service in started:
        if service.definition["restart"] == "no" and service.name not in NOT_HERE:
            machine.run(service)
        elif service.name not in NOT_HERE:
            machine.start(service)
    workers = [one.name for one in started if one.definition.get("stop_signal") and one.name not in NOT_HERE]
    assert workers == ["prepare-reduce", "infer"]
    await_workers(machine.processes, machine.hosts["CELERY_BROKER_URL"], workers)
    for service in started:
        machine.await_health(service)

    (tmp_path / "planted.onnx").write_bytes(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5))
    (tmp_path / "labels.txt").write_text("yes\nno\n")
    (tmp_path / "photographs").mkdir()
    for number, one in enumerate(pictures(3)):
        (tmp_path / f"photographs/{number}.png").write_bytes(png(one))
    polelens = next(one for one in started if one.name == "polelens")
    machine.run(polelens, "models", "add", tmp_path / "planted.onnx", "planted", "--labels", tmp_path / "labels.txt")
    machine.run(polelens, "images", "add", tmp_path / "photographs")
    machine.run(polelens, "audit", "start", "planted", "--samples", 32, "--watch")
    shown = json.loads(machine.run(polelens, "audit", "show", 1, "--json"))
    assert (shown["state"], shown["done"], shown["failed"]) == ("done", 3, 0)
    assert "FAIL" not in machine.run(polelens)  # the doctor

    assert 'polelens_photographs_done_total{model="planted@1"} 3.0' in machine.get("9108", "/metrics")
    _await(machine, "/api/tasks", '"name": "reduce"')
    for name in ("flower_worker_online", "flower_task_runtime_seconds_bucket"):  # the dashboard asks for them
        assert name in machine.get("5555", "/metrics")
    assert {one.name for one in started} - NOT_HERE - {"migrate"} == set(machine.processes.names())
    assert all(machine.processes.pid(name) for name in machine.processes.names())
    machine.processes.stop(workers, seconds=60)
    assert all("Cold shutdown" in machine.processes.log(name).read_text() for name in workers)  # not killed
    assert [path.name for path in (tmp_path / "health").iterdir()] == [f"beat@{gethostname()}.json"]  # who runs on


def _await(machine: Machine, path: str, words: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while words not in machine.get("5555", path):
        assert time.monotonic() < deadline, f"Flower does not show {words}"
        time.sleep(0.2)
