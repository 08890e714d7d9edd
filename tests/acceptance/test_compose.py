"""Every command of deploy/compose.yaml as a process: in its order, in its environment, until an audit completes.

Postgres is the tests' own in the place of its image; Redis and SeaweedFS are started as their images would be, with the
users of redis.acl and s3.json. Every process has its own login, as Compose gives it. Ports are free ones. What each
holds of memory is held against what the Helm chart, which runs the same commands, allows it.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from urllib.request import Request, urlopen

import boto3
import numpy as np
import psycopg
import pytest
from botocore.exceptions import ClientError
from psycopg import sql
from sqlalchemy import URL, make_url

from polelens.stack.address import HOST, free_port, taken
from polelens.stack.processes import Launch, Processes
from polelens.stack.redis import server
from polelens.stack.workers import await_workers
from tests import compose, models
from tests.compose import Service
from tests.live_audits import pictures, png
from tests.pages import SECRET, Pages
from tests.resident import peak, resident, shares

GIVEN = {
    "POSTGRES_PASSWORD": "postgres-secret",
    "WORKER_PASSWORD": "worker-secret",
    "CONTROL_PASSWORD": "control-secret",
    "PRODUCER_PASSWORD": "producer-secret",
    "READER_PASSWORD": "reader-secret",
    "OPERATOR_PASSWORD": "operator-secret",
    "S3_SECRET_KEY": "s3-secret",
    "FLOWER_BASIC_AUTH": "watch:flower-secret",
    "POLELENS_WEB_LOGIN": f"polelens:{SECRET}",
}
LOGIN = {"Authorization": f"Basic {b64encode(b'watch:flower-secret').decode()}"}
PROGRAMS = {"redis": "redis-server", "s3": "weed"}
RIGHTS = {
    "migrate": "put get list delete elsewhere",  # whose the bucket is
    "control": "put get list delete",
    "polelens": "put get list delete",
    "prepare-reduce": "put get list",
    "infer": "put get list",
    "pages": "put get list",
}
HEADROOM = 1.5  # of the chart's limits: times what a process holds after an audit
ENDED = {"migrate", "infer-gpu", "polelens"}
NOT_HERE = {"infer-gpu", "polelens"}  # the same command as infer, on a GPU; the command line, which is run below


@dataclass
class Machine:
    """Where the containers' processes run: what stands for their hosts, their ports and their /tmp."""

    processes: Processes
    hosts: Mapping[str, str]  # what an address has for one of the other images, and what it is here
    ports: Mapping[str, str]
    scratch: Path

    def environment(self, service: Service) -> dict[str, str]:
        """The service's, with this interpreter's commands first on the PATH."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        said = {name: self._moved(value) for name, value in service.environment.items()}
        return said | {"PATH": path, "HOME": str(self.scratch)}

    def command(self, words: list[str]) -> list[str]:
        """A command, at this machine's ports and with its own /tmp."""
        port = re.compile("|".join(self.ports))
        moved = [port.sub(lambda found: self.ports[found[0]], word) for word in words]
        return [self._moved(word) for word in moved]

    def _moved(self, word: str) -> str:
        for there, here in {"/tmp/": f"{self.scratch}/", **self.hosts}.items():  # noqa: S108  the containers' own
            word = word.replace(there, here)
        return word

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

    def start_redis(self) -> None:
        """Start Redis by the words of its own service."""
        port = self.hosts["redis:6379"].rpartition(":")[2]
        self._start_image("redis", server(), f"--bind {HOST} --port {port}")
        while not taken(f"redis://{self.hosts['redis:6379']}"):
            assert self.processes.pid("redis"), self.processes.last_words("redis")

    def start_s3(self) -> None:
        """Start SeaweedFS by the words of its own service."""
        ports = {f"-{one}.port": free_port() for one in ("master", "volume", "filer")}
        ports |= {f"{flag}.grpc": free_port() for flag in (*ports, "-s3.port")}
        address = self.hosts["http://s3:8333"]
        ports["-s3.port"] = int(address.rpartition(":")[2])
        flags = " ".join(f"{flag}={port}" for flag, port in ports.items())
        self._start_image("s3", Path(sys.executable).with_name("weed"), f"-ip={HOST} -ip.bind={HOST} {flags}")
        deadline = time.monotonic() + 60
        while not _answers(f"{address}/healthz"):
            assert self.processes.pid("s3") and time.monotonic() < deadline, self.processes.last_words("s3")
            time.sleep(0.2)

    def _start_image(self, name: str, program: Path, flags: str) -> None:
        """Start a service of another image by its own script, with a folder of its own and flags that go last."""
        service, home = compose.document(GIVEN)["services"][name], self.scratch / name
        (home / "bin").mkdir(parents=True)
        (home / "data").mkdir()
        (home / "bin" / PROGRAMS[name]).symlink_to(program)
        *shell, script = [*service.get("entrypoint", []), *service["command"]]
        script = self._moved(script).replace("/etc/", f"{compose.FILE.parent}/")
        script = re.sub(r"(?<=[ =])/data(?= )", f"{home}/data", script)
        path = {"PATH": f"{home}/bin:{os.environ['PATH']}"}
        launch = Launch(name, [*shell, f"{script.rstrip()} {flags}"], {**service["environment"], **path})
        self.processes.start(launch)


@pytest.fixture
def owned(empty_database_url: str) -> Iterator[URL]:
    """An empty database of a server that has the user that Compose's Postgres has, and none of its logins."""
    url = make_url(empty_database_url).set(drivername="postgresql")
    secret, users = GIVEN["POSTGRES_PASSWORD"], ["worker", "control", "producer", "reader", "operator"]
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as c:
        c.execute(sql.SQL("CREATE ROLE polelens SUPERUSER LOGIN PASSWORD {}").format(secret))
        yield url
        c.execute("DROP OWNED BY polelens CASCADE")
        for user in ("polelens", *users):
            c.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(user)))


@pytest.fixture
def machine(owned: URL, tmp_path: Path) -> Iterator[Machine]:
    """A machine with services of the test's own, nothing in them yet."""
    hosts = {
        "postgres:5432/polelens": f"{HOST}:{owned.port}/{owned.database}",
        "redis:6379": f"{HOST}:{free_port()}",
        "http://s3:8333": f"http://{HOST}:{free_port()}",
    }
    ports = {port: str(free_port()) for port in ("5555", "8765", "9108")}
    machine = Machine(Processes(tmp_path / "processes"), hosts, ports, tmp_path)
    machine.start_redis()
    machine.start_s3()
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
    assert workers == ["control", "prepare-reduce", "infer"]
    polelens = next(one for one in started if one.name == "polelens")
    await_workers(machine.processes, machine.environment(polelens)["CELERY_BROKER_URL"], workers)
    for service in started:
        machine.await_health(service)

    (tmp_path / "planted.onnx").write_bytes(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5))
    (tmp_path / "labels.txt").write_text("yes\nno\n")
    (tmp_path / "photographs").mkdir()
    for number, one in enumerate(pictures(3)):
        (tmp_path / f"photographs/{number}.png").write_bytes(png(one))
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
    _look_and_mark(Pages(f"http://{HOST}:{machine.ports['8765']}"))
    services = {one.name: one for one in started}
    migrate = services["migrate"]
    held = {name: resident(machine.processes.pid(name) or 0) for name in services if name not in ENDED}
    _assert_it_fits(held | {"migrate": peak(machine.command(migrate.command), machine.environment(migrate))})
    assert {name: _may(machine.environment(services[name])) for name in RIGHTS} == RIGHTS
    machine.run(polelens, "audit", "delete", 1, "--yes")
    machine.run(polelens, "images", "remove", "0.png", "--yes")
    machine.run(polelens, "gc", "--yes", "--grace", "0s")
    kinds = {one["kind"] for one in json.loads(machine.run(polelens, "trail", "--json"))}
    assert {"audits", "explanations", "explanation files", "scenes", "photographs", "photograph files"} <= kinds
    logs = {name: machine.processes.log(name).read_text() for name in machine.processes.names()}
    assert {name for name, log in logs.items() if re.search("NOPERM|No permissions|permission denied", log)} == set()
    assert {one.name for one in started} - NOT_HERE - {"migrate"} == set(machine.processes.names()) - {"redis", "s3"}
    assert all(machine.processes.pid(name) for name in machine.processes.names())
    machine.processes.stop(workers, seconds=60)
    assert all("Cold shutdown" in machine.processes.log(name).read_text() for name in workers)  # not killed
    assert [path.name for path in (tmp_path / "health").iterdir()] == [f"beat@{gethostname()}.json"]  # who runs on


def _await(machine: Machine, path: str, words: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while words not in machine.get("5555", path):
        assert time.monotonic() < deadline, f"Flower does not show {words}"
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        urlopen(url, timeout=5).close()  # noqa: S310  our own server
    except OSError:
        return False
    return True


def _look_and_mark(pages: Pages) -> None:
    """The pages read the store and keep a mark, and neither needs more than its login may."""
    [image, *_] = [one["image"] for one in pages.json("/audits/1/photographs.json")["photographs"]]
    picture = pages.get(f"/audits/1/photographs/{image}/evidence.webp")
    assert (picture.status, picture.headers["content-type"]) == (200, "image/webp")
    assert pages.post(f"/audits/1/photographs/{image}/mark", "word=wrong").status == 200
    assert [one["word"] for one in pages.json("/audits/1/marks.json")] == ["wrong"]


def _assert_it_fits(held: Mapping[str, float]) -> None:
    """Every process holds at most what the chart asks for it, and has headroom below its limit; none is forgotten."""
    allowed = shares()
    assert set(held) == set(allowed)
    told = ", ".join(f"{name} {held[name]:.0f} of {allowed[name].request:.0f} MiB" for name in sorted(held))
    assert all(held[name] <= allowed[name].request for name in held), told
    assert all(held[name] * HEADROOM <= allowed[name].limit for name in held), told


def _may(environment: Mapping[str, str]) -> str:
    """Which of put, get, list, delete, and put outside of our prefix, SeaweedFS does not refuse."""
    keys = {f"aws_{one}": environment[f"AWS_{one.upper()}"] for one in ("access_key_id", "secret_access_key")}
    store = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL_S3"], region_name="us-east-1", **keys)
    acts: dict[str, Callable[[], object]] = {
        "put": lambda: store.put_object(Bucket="polelens", Key="blobs/trial/rights", Body=b"x"),
        "get": lambda: store.head_object(Bucket="polelens", Key="blobs/trial/none"),
        "list": lambda: store.list_objects_v2(Bucket="polelens", Prefix="blobs/"),
        "delete": lambda: store.delete_object(Bucket="polelens", Key="blobs/trial/rights"),
        "elsewhere": lambda: store.put_object(Bucket="polelens", Key="other/rights", Body=b"x"),
    }
    return " ".join(name for name, act in acts.items() if not _refused(act))


def _refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"]) == 403
    return False
