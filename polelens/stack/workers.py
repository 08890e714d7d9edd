"""The Celery processes of the local stack: workers, beat and Flower, by the commands a person would type."""

import os
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from socket import gethostname
from typing import Any, Self
from urllib.parse import urlsplit

from celery import Celery

from polelens.stack.address import HOST, taken
from polelens.stack.processes import Processes, StackError
from tasks.queues import QUEUES

BEAT, FLOWER, PAGES = "beat", "flower", "pages"
INFER = ("infer-now", "infer")
REDUCE = "reduce"
OTHERS = tuple(queue for queue in QUEUES if queue not in INFER)
CELERY = (sys.executable, "-m", "celery", "-A")
APP = "tasks"
COLUMNS = "name,args,state,received,runtime,worker,uuid"  # Flower's own leave out what a task is about
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}  # one process a core
# A network's weights and buffers lie in huge pages, where the kernel gives them to whoever asks: glibc >= 2.35 does.
HUGE_PAGES = {"GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")}


def worker_command(queues: Sequence[str], name: str, concurrency: int = 1, app: str = APP) -> list[str]:
    """The command of one worker: the queues it serves, and the name it bears in Flower."""
    pool = ["-P", "prefork", "-c", str(concurrency), "--without-mingle", "--without-gossip"]
    return [*CELERY, app, "worker", "-Q", ",".join(queues), "-n", f"{name}@%h", *pool, "--loglevel", "INFO"]


def beat_command(schedule: str) -> list[str]:
    """The command of the beat; `schedule` is the file it keeps its times in."""
    return [*CELERY, APP, "beat", "--schedule", schedule, "--pidfile", "", "--loglevel", "INFO"]


def flower_command(url: str) -> list[str]:
    """The command of Flower; its login comes in FLOWER_BASIC_AUTH, since a command line is visible to everybody."""
    where = [f"--address={HOST}", f"--port={urlsplit(url).port}"]
    return [*CELERY, APP, "flower", *where, "--read_only", "--max_tasks=20000", f"--tasks_columns={COLUMNS}"]


def pages_command(url: str) -> list[str]:
    """The command of the pages; their login comes in POLELENS_WEB_LOGIN."""
    return [sys.executable, "-m", "polelens", "serve", "--port", str(urlsplit(url).port)]


def pages_installed() -> bool:
    """Whether the extra that the pages need is there."""
    return all(find_spec(one) for one in ("authlib", "fastapi", "httpx2", "itsdangerous", "uvicorn"))


def local_workers(workers: int, app: str = APP) -> dict[str, list[str]]:
    """Name and command of each local worker: so many for inference, and one, wider if they are many, for the rest."""
    names = [f"infer-{number}" for number in range(1, workers + 1)]
    infer = {name: worker_command(INFER, name, app=app) for name in names}
    return infer | {"prepare-reduce": worker_command(OTHERS, "prepare-reduce", _rest(workers), app)}


def listening(broker_url: str, among: Collection[str] = (), seconds: float = 1.0) -> set[str]:
    """The names, without the host, of the workers that answer a ping within so many seconds.

    With `among`, names of workers on this machine, nobody else is asked, and it returns when all have answered.
    """
    nodes = [f"{name}@{gethostname()}" for name in among] or None
    return {_name(node) for node, _ in _ask(broker_url, "ping", seconds, destination=nodes, limit=len(among) or None)}


def serving(broker_url: str, seconds: float = 1.0) -> dict[str, set[str]]:
    """The workers that answer within so many seconds, by their names without the host, and the queues they serve."""
    found: dict[str, set[str]] = {}
    for node, queues in _ask(broker_url, "active_queues", seconds):
        found.setdefault(_name(node), set()).update(one["name"] for one in queues or ())
    return found


@dataclass(frozen=True, slots=True)
class Crew:
    """How many processes take inference, and how many prepare and reduce."""

    infer: int
    rest: int

    @classmethod
    def local(cls, workers: int) -> Self:
        """As `up` would start it with so many workers."""
        return cls(workers, _rest(workers))


def crew(broker_url: str, seconds: float = 1.0) -> Crew:
    """The processes of the workers that answer within so many seconds; a worker has several where `-c` says so."""
    queues = {node: {one["name"] for one in found or ()} for node, found in _ask(broker_url, "active_queues", seconds)}
    asked = {"destination": list(queues), "limit": len(queues)}
    counts = (
        {node: said["pool"]["max-concurrency"] for node, said in _ask(broker_url, "stats", seconds, **asked)}
        if queues
        else {}
    )
    infer, rest = (sum(n for node, n in counts.items() if name in queues[node]) for name in (INFER[-1], REDUCE))
    return Crew(infer, rest)


def _rest(workers: int) -> int:
    return max(1, workers // 4)


def _ask(broker_url: str, command: str, seconds: float, **options: Any) -> list[tuple[str, Any]]:
    """What each worker answers, by its node's name."""
    app = Celery("polelens-ping", broker=broker_url, set_as_current=False)
    with app.connection_for_write() as connection:  # not from Kombu's pool: Redis may have been restarted meanwhile
        connection.ensure_connection(max_retries=1, timeout=5)
        answers = app.control.broadcast(command, reply=True, timeout=seconds, connection=connection, **options)
    app.close()
    return [said for answer in answers for said in answer.items()]


def _name(node: str) -> str:
    return node.partition("@")[0]


def await_workers(processes: Processes, broker_url: str, names: Iterable[str], seconds: float = 60.0) -> None:
    """Return when all these workers answer.

    Raises
    ------
    StackError
        If one has ended or does not answer after so many seconds, with the end of its log.
    """
    deadline = time.monotonic() + seconds
    silent = set(names)
    while silent:
        late = time.monotonic() > deadline
        silent -= listening(broker_url, silent)
        for name in sorted(silent):
            if late or processes.pid(name) is None:
                raise StackError(f"the worker {name} did not start:{processes.last_words(name)}")


def await_flower(processes: Processes, url: str) -> None:
    """Return when Flower listens. Raises StackError as `await_workers` does."""
    await_listening(processes, FLOWER, url)


def await_listening(processes: Processes, name: str, url: str, seconds: float = 60.0) -> None:
    """Return when a process listens where it should. Raises StackError as `await_workers` does."""
    deadline = time.monotonic() + seconds
    while not taken(url):
        if time.monotonic() > deadline or processes.pid(name) is None:
            raise StackError(f"{name.capitalize()} did not start:{processes.last_words(name)}")
        time.sleep(0.05)
