"""The local stack: services, workers, beat, Flower and the pages in one folder, brought up and down as a whole."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from polelens.stack import postgres, redis
from polelens.stack.address import HOST, free_port, new_postgres_url, new_redis_url, password, taken
from polelens.stack.processes import Launch, Processes
from polelens.stack.workers import (
    BEAT,
    FLOWER,
    HUGE_PAGES,
    ONE_THREAD,
    PAGES,
    await_flower,
    await_listening,
    await_workers,
    beat_command,
    flower_command,
    local_workers,
    pages_command,
    pages_installed,
)
from storage.database import migrate
from storage.settings import Settings

SERVICES = (redis.NAME, postgres.NAME)  # stopped last, since the others need them


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the local stack's parts are: what stack.json in its folder holds, readable by its owner only."""

    home: str
    database_url: str
    broker_url: str
    blobs: str
    flower_url: str
    flower_login: str
    pages_url: str = ""  # empty in the file of an earlier version
    pages_login: str = ""

    def environment(self) -> dict[str, str]:
        """What workers and commands need in their environment to use it."""
        urls = {"DATABASE_URL": self.database_url, "CELERY_BROKER_URL": self.broker_url}
        return urls | {"POLELENS_BLOBS": self.blobs, "POLELENS_HOME": self.home}


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One process of the stack: its pid, None if it has crashed, and the file with its output."""

    name: str
    pid: int | None
    log: Path


Tell = Callable[[str], None]


def up(home: Path, *, workers: int, flower: bool = True, pages: bool = True, tell: Tell = lambda _: None) -> Stack:
    """Start whatever of the local stack is not running, and return when it works.

    What runs is left alone, what crashed is started again, and workers beyond the number asked for are stopped.

    Parameters
    ----------
    home : Path
        The stack's folder, made if need be.
    workers : int
        Inference processes, one ONNX Runtime thread each.
    flower, pages : bool
        Whether those run, too; the pages need the extra `web`, and it is told where that is missing.
    tell : called with a line for each part, once it works

    Raises
    ------
    StackError
        If a part does not start, with the end of its log. What has started stays up.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}, expected at least 1")
    home = home.expanduser().resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    processes = Processes(home)
    with _alone(home):
        stack = _settle(home, processes)
        _start_services(processes, stack, tell)
        _start_celery(processes, stack, workers, tell)
        _start_flower(processes, stack if flower else None, tell)
        _start_pages(processes, stack if pages else None, stack.flower_url if flower else "", tell)
    return stack


def down(home: Path) -> list[str]:
    """Stop the stack, those that work before those that serve them; the names of what was running. Data stay."""
    home = home.expanduser().resolve()
    if not home.exists():
        return []
    processes = Processes(home)
    with _alone(home):
        working = [name for name in processes.names() if name not in SERVICES]
        return processes.stop(working) + processes.stop(SERVICES)


def status(home: Path) -> list[ServiceStatus]:
    """The stack's processes, running or crashed; none when it is down."""
    home = home.expanduser().resolve()
    if not home.exists():
        return []
    processes = Processes(home)
    return [ServiceStatus(name, processes.pid(name), processes.log(name)) for name in processes.names()]


def is_down(settings: Settings) -> bool:
    """Whether the settings name the local stack, and nothing of it runs."""
    stack = find(settings.home)
    ours = stack is not None and stack.database_url == settings.database_url
    return ours and all(one.pid is None for one in status(settings.home))


def find(home: Path) -> Stack | None:
    """The stack whose folder this is, up or down, or None if there never was one."""
    path = home.expanduser().resolve() / "stack.json"
    return Stack(**json.loads(path.read_text())) if path.exists() else None


def _settle(home: Path, processes: Processes) -> Stack:
    """The stack with an address for each part: as before, but for those whose port somebody else now has.

    Blobs are in the stack's folder unless POLELENS_BLOBS names another place, a bucket for one.
    """
    stack = find(home) or Stack(
        str(home), new_postgres_url(), new_redis_url(), str(home / "blobs"), _local_url(), f"polelens:{password()}"
    )
    stack = replace(stack, pages_url=stack.pages_url or _local_url())
    stack = replace(stack, pages_login=stack.pages_login or f"polelens:{password()}")
    stack = replace(stack, home=str(home), blobs=os.environ.get("POLELENS_BLOBS") or stack.blobs)
    if _lost(processes, postgres.NAME, stack.database_url):
        stack = replace(stack, database_url=new_postgres_url(urlsplit(stack.database_url).password))
    if _lost(processes, redis.NAME, stack.broker_url):
        stack = replace(stack, broker_url=new_redis_url())
    if _lost(processes, FLOWER, stack.flower_url):
        stack = replace(stack, flower_url=_local_url())
    if _lost(processes, PAGES, stack.pages_url):
        stack = replace(stack, pages_url=_local_url())
    if stack != find(home):
        _stop_outdated(processes)
        _write(home / "stack.json", stack)
    return stack


def _lost(processes: Processes, name: str, url: str) -> bool:
    return processes.pid(name) is None and taken(url)


def _local_url() -> str:
    return f"http://{HOST}:{free_port()}"


def _stop_outdated(processes: Processes) -> None:
    """Workers that run know the old addresses only."""
    processes.stop([name for name in processes.names() if name not in SERVICES])


def _write(path: Path, stack: Stack) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(asdict(stack), indent=2) + "\n")
    unfinished.replace(path)


def _start_services(processes: Processes, stack: Stack, tell: Tell) -> None:
    home, ran = Path(stack.home), set(_running(processes))
    data = home / "postgres"
    postgres.start(processes, data, stack.database_url)
    tell(f"Postgres {_word(postgres.NAME in ran)} at {_place(stack.database_url)}, its data in {data}")
    redis.start(processes, home, stack.broker_url)
    data = home / redis.server().name
    tell(f"Redis {_word(redis.NAME in ran)} at {_place(stack.broker_url)}, its data in {data}")
    migrate(stack.database_url)


def _start_celery(processes: Processes, stack: Stack, workers: int, tell: Tell) -> None:
    wanted, ran = local_workers(workers), set(_running(processes))
    every = wanted | {BEAT: beat_command(f"{stack.home}/run/beat-schedule")}
    processes.stop(set(processes.names()) - {*SERVICES, FLOWER, PAGES, *every})
    for name, command in every.items():
        if processes.pid(name) is None:
            processes.start(Launch(name, command, ONE_THREAD | HUGE_PAGES | stack.environment()))
    await_workers(processes, stack.broker_url, wanted)
    for name in every:
        tell(f"{name if name == BEAT else f'worker {name}'} {_word(name in ran)}")


def _start_flower(processes: Processes, stack: Stack | None, tell: Tell) -> None:
    """Have Flower run for a stack; for none, have it not."""
    if stack is None:
        processes.stop([name for name in processes.names() if name == FLOWER])
        return
    ran = processes.pid(FLOWER) is not None
    if not ran:
        environment = ONE_THREAD | stack.environment() | {"FLOWER_BASIC_AUTH": stack.flower_login}
        processes.start(Launch(FLOWER, flower_command(stack.flower_url), environment))
    await_flower(processes, stack.flower_url)
    tell(f"Flower {_word(ran)} at {stack.flower_url}")


def _start_pages(processes: Processes, stack: Stack | None, flower_url: str, tell: Tell) -> None:
    """Have the pages served for a stack; for none, have them not."""
    if stack is None or not pages_installed():
        processes.stop([name for name in processes.names() if name == PAGES])
        if stack is not None:
            tell("the pages are not served: they need pip install 'polelens[web]'")
        return
    ran = processes.pid(PAGES) is not None
    if not ran:
        environment = ONE_THREAD | stack.environment() | {"POLELENS_WEB_LOGIN": stack.pages_login}
        environment |= {"POLELENS_FLOWER_URL": flower_url} if flower_url else {}
        processes.start(Launch(PAGES, pages_command(stack.pages_url), environment))
    await_listening(processes, PAGES, stack.pages_url)
    tell(f"the pages {'run already' if ran else 'have started'} at {stack.pages_url}")


def _running(processes: Processes) -> Iterator[str]:
    return (name for name in processes.names() if processes.pid(name) is not None)


def _word(ran: bool) -> str:
    return "runs already" if ran else "has started"


def _place(url: str) -> str:
    """Host and port of an address, and no password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}"


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait until no other command brings this stack up or down."""
    with (home / "run" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
