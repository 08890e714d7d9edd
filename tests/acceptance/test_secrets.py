"""Secrets: the passwords of a stack are in none of its logs, messages, rows, pages or reports, whatever goes wrong."""

import base64
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import psutil
import pytest
import redis
from sqlalchemy import make_url, text

from polelens.stack.address import HOST, free_port, password
from polelens.stack.processes import Launch
from polelens.stack.workers import ONE_THREAD, await_flower, beat_command, flower_command, worker_command
from storage.keys import image_key
from tests import models
from tests.commands import Commands, CommandsIn
from tests.live_audits import ALL_QUEUES, Bench, pictures
from tests.played_ledger import engine_of
from tests.services import S3

PAGES = ("/", "/workers", "/tasks", "/broker", "/api/tasks", "/api/workers?refresh=1", "/api/queues/length", "/metrics")
READS = ("models list", "images list", "audit show 1 --json", "doctor --json")
TRIES = ("doctor", "audit list")
NOBODY = f"{HOST}:1"  # nothing listens there
WRONG = {  # a variable, and what the log of a worker says that cannot reach its service
    "DATABASE_URL": "OperationalError",
    "CELERY_BROKER_URL": "Cannot connect to",
    "AWS_ENDPOINT_URL_S3": "does not answer (EndpointConnectionError)",
}


@pytest.fixture
def stack(bench: Bench, s3: S3) -> Iterator[Bench]:
    """A bench whose services all ask for a password, photographs on S3 among them."""
    environment = bench.environment | dict(s3.environment)
    environment |= {"POLELENS_BLOBS": f"s3://{s3.bucket}/secrets", "FLOWER_BASIC_AUTH": f"watch:{password()}"}
    stack = Bench(environment, bench.processes)
    yield stack
    stack.close()


def _secrets(environment: Mapping[str, str]) -> dict[str, str]:
    found = {name: str(make_url(environment[name]).password) for name in ("DATABASE_URL", "CELERY_BROKER_URL")}
    found["AWS_SECRET_ACCESS_KEY"] = environment["AWS_SECRET_ACCESS_KEY"]
    return found | {"FLOWER_BASIC_AUTH": environment["FLOWER_BASIC_AUTH"].partition(":")[2]}


def test_no_secret_is_told(stack: Bench, commands: CommandsIn, tmp_path: Path) -> None:
    """Through a whole audit with a failure, and with each service in turn out of reach."""
    shown = dict(_audited(stack, commands, tmp_path))
    for name, said in WRONG.items():
        shown |= {f"{where}, wrong {name}": what for where, what in _broken(stack, commands, name, said)}
    assert "audit=" in shown["Redis, wrong AWS_ENDPOINT_URL_S3"]
    secrets = _secrets(stack.environment)
    assert {len(secret) >= 32 for secret in secrets.values()} == {True}
    assert [(name, where) for name, secret in secrets.items() for where, what in shown.items() if secret in what] == []


def _audited(stack: Bench, commands: CommandsIn, folder: Path) -> Iterator[tuple[str, str]]:
    """All that there is to be read of an audit, by where it is read."""
    url = f"http://{HOST}:{free_port()}"
    stack.processes.start(Launch("flower", flower_command(url), stack.environment))
    stack.processes.start(Launch("beat", beat_command(str(folder / "beat")), stack.environment))
    stack.workers(1)
    await_flower(stack.processes, url)
    number = _start(stack, "seen")
    stack.wait(number)
    assert [one.state for one in stack.results(number)] == ["failed", "done"]
    yield "Redis", _redis(stack)
    yield from ((f"Flower {path}", _page(url + path, stack.environment["FLOWER_BASIC_AUTH"])) for path in PAGES)
    yield "command lines", str(list(_command_lines()))
    cli = commands(stack.environment)
    for words in READS:
        yield words, _said(cli, words)
    yield "report", _said(cli, f"audit report {number} --out {folder}/report")
    yield from _files(folder / "report")
    yield from _rows(stack)
    stack.processes.stop(stack.processes.names(), seconds=10)
    yield from _files(folder / "workers/log")


def _broken(stack: Bench, commands: CommandsIn, name: str, said: str) -> Iterator[tuple[str, str]]:
    """What is told by commands and a worker that cannot reach a service, while there is work to do."""
    address = stack.environment[name]
    wrong = stack.environment | {name: address.replace(address.rpartition("@")[2].split("/")[0], NOBODY)}
    if "@" not in address:
        wrong[name] = f"http://{NOBODY}"
    _start(stack, name.lower())
    cli = commands(wrong)
    for words in TRIES:
        yield words, _said(cli, words)
    commands(stack.environment)  # Celery here looks into the environment too
    worker, log = f"wrong-{name.lower()}", stack.processes.log(f"wrong-{name.lower()}")
    stack.processes.start(Launch(worker, worker_command(ALL_QUEUES, worker), ONE_THREAD | wrong))
    deadline = time.monotonic() + 120
    while said not in log.read_text(errors="replace"):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    yield "Redis", _redis(stack)
    stack.processes.stop([worker], seconds=5)
    yield "log", log.read_text(errors="replace")
    yield from _rows(stack)


def _start(stack: Bench, name: str) -> int:
    """Start an audit of two photographs, one of them damaged."""
    size = (32, 32)
    version = stack.model(models.additive(np.full(size, 0.4 / 3072 / 255), bias=0.5), "yes", "no")
    stack.photographs(name, pictures(2, seed=len(name)))
    torn = next(iter(stack.archive.select(f"{name}/000*")))
    stack.archive.blobs.put(image_key(torn.sha256), b"torn")
    return stack.audit(version, f"{name}/*", samples=16, seeds=[1, 11])


def _redis(stack: Bench) -> str:
    """All that is in Redis."""
    with redis.Redis.from_url(stack.environment["CELERY_BROKER_URL"], decode_responses=True) as client:
        readers = {
            "list": lambda key: client.lrange(key, 0, -1),
            "hash": client.hgetall,
            "set": client.smembers,
            "zset": lambda key: client.zrange(key, 0, -1),
            "string": client.get,
            "none": lambda _: None,  # gone since it was listed
        }
        found = {key: readers[client.type(key)](key) for key in client.scan_iter()}
    assert found
    bodies = [word for word in str(found).split('"') if len(word) > 20 and word.isalnum()]
    return str(found) + str([base64.b64decode(body + "===") for body in bodies])


def _page(url: str, login: str) -> str:
    given = base64.b64encode(login.encode()).decode()
    with urlopen(Request(url, headers={"Authorization": f"Basic {given}"}), timeout=30) as page:  # noqa: S310  our own server
        return str(page.read().decode())


def _said(cli: Commands, words: str) -> str:
    """What a command prints, whether it succeeds or not."""
    said = cli.run(*words.split()).output
    assert said
    return said


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert paths
    yield from ((str(path), path.read_text(errors="replace")) for path in paths)


def _rows(stack: Bench) -> Iterator[tuple[str, str]]:
    with engine_of(stack.environment["DATABASE_URL"]) as engine, engine.begin() as c:
        for table in c.scalars(text("SELECT relname FROM pg_stat_user_tables")).all():
            yield f"table {table}", str(c.execute(text(f'SELECT t::text FROM "{table}" t')).all())  # noqa: S608  a table


def _command_lines() -> Iterator[list[str]]:
    """What every process of this user was started as."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended since it was listed
            if process.uids().real == os.getuid():
                yield process.cmdline()
