"""The local stack: real Postgres, Redis, workers, beat and Flower, brought up and down as a person does."""

import base64
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil
import psycopg
import pytest
import redis as redis_client

from polelens import stack as local
from polelens.stack import Finding, Stack, StackError, doctor, postgres, redis
from polelens.stack.address import new_postgres_url
from polelens.stack.processes import Launch, Processes
from storage.settings import Settings

UP = "import sys; from pathlib import Path; from polelens.stack import up; up(Path(sys.argv[1]), workers=1)"
ALL = {"postgres", "redis", "infer-1", "prepare-reduce", "beat", "flower", "pages"}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder whose stack another process brought up, and which has ended since."""
    folder = Path(tempfile.mkdtemp(prefix="polelens-stack-"))
    subprocess.run([sys.executable, "-c", UP, str(folder)], check=True)
    yield folder
    local.down(folder)
    shutil.rmtree(folder)


@pytest.fixture
def stack(home: Path) -> Stack:
    """The stack, up: a test before may have left it down or crashed."""
    return local.up(home, workers=1)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Processes of the test's own."""
    own = Processes(tmp_path / "own")
    yield own
    own.stop(own.names(), seconds=1)


def pids(home: Path) -> dict[str, int | None]:
    return {service.name: service.pid for service in local.status(home)}


def libpq(stack: Stack) -> str:
    return stack.database_url.replace("+psycopg", "")


def found(where: Stack) -> list[Finding]:
    addresses = {"database_url": where.database_url, "broker_url": where.broker_url}
    return doctor(Settings(**addresses, blobs=where.blobs, home=Path(where.home)))


def wrong(where: Stack) -> dict[str, str]:
    return {finding.subject: finding.remedy for finding in found(where) if not finding.ok}


def test_the_stack_outlives_the_command_that_started_it(home: Path) -> None:
    """`up` returns, its process ends, and everything runs."""
    running = pids(home)
    assert set(running) == ALL
    assert None not in running.values()


def test_the_doctor_finds_nothing_wrong_with_a_stack_that_is_up(stack: Stack) -> None:
    """Services, workers, audits and this machine are looked at, and all are well: no failure and no warning."""
    findings = found(stack)
    assert {finding.subject for finding in findings if not finding.ok or finding.remedy} == set()
    seen = {finding.subject: finding.seen for finding in findings}
    assert seen["workers"] == "infer-1, prepare-reduce"
    assert "CPUExecutionProvider" in seen["ONNX Runtime"]


def test_up_twice_changes_nothing(home: Path, stack: Stack) -> None:
    """What runs is left alone: the same processes at the same addresses; and it says so, without a password."""
    before, told = pids(home), list[str]()
    assert local.up(home, workers=1, tell=told.append) == stack
    assert pids(home) == before
    assert [line.split(" runs already")[0] for line in told] == [
        "Postgres",
        "Redis",
        "worker infer-1",
        "worker prepare-reduce",
        "beat",
        "Flower",
        f"the pages run already at {stack.pages_url}",
    ]
    assert f"at {urlsplit(stack.database_url).netloc.split('@')[1]}, its data in {home.resolve()}/postgres" in told[0]
    assert told[-2].endswith(stack.flower_url)
    assert not any(urlsplit(stack.database_url).password in line for line in told)


def test_what_crashed_is_started_again_and_the_rest_left_alone(home: Path, stack: Stack) -> None:
    """After kill -9 of Redis and of a worker, `up` starts those two, at the same addresses, and no other."""
    before = pids(home)
    for name in ("redis", "infer-1"):
        os.kill(before[name] or 0, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid) for pid in [before[name]] if pid and psutil.pid_exists(pid)], timeout=10)
    crashed = {service.name for service in local.status(home) if service.pid is None}
    assert crashed == {"redis", "infer-1"}
    assert "`polelens up` starts it again" in wrong(stack)["local stack"]
    told = list[str]()
    assert local.up(home, workers=1, tell=told.append) == stack
    assert {line.split(" has started")[0] for line in told if "has started" in line} == {"Redis", "worker infer-1"}
    changed = {name for name, pid in pids(home).items() if pid != before[name]}
    assert changed == crashed
    assert wrong(stack) == {}


def test_the_number_of_workers_follows_what_is_asked(home: Path, stack: Stack) -> None:
    """`up` with more workers adds them, with fewer stops those beyond, and without Flower and the pages stops them."""
    before = pids(home)
    local.up(home, workers=2)
    assert set(pids(home)) == ALL | {"infer-2"}
    local.up(home, workers=1, flower=False, pages=False)
    after = pids(home)
    assert set(after) == ALL - {"flower", "pages"}
    assert {name: before[name] for name in after} == after


def test_passwords_are_seen_by_nobody_else(home: Path, stack: Stack) -> None:
    """stack.json is its owner's only, as the folders with data are, and no command line holds a password."""
    assert stat.S_IMODE((home / "stack.json").stat().st_mode) == 0o600
    assert json.loads((home / "stack.json").read_text())["broker_url"] == stack.broker_url
    for folder in ("postgres", "run", "log", redis.server().name):
        assert stat.S_IMODE((home / folder).stat().st_mode) == 0o700
    secrets = [url.split("@")[0].rpartition(":")[2] for url in (stack.database_url, stack.broker_url)]
    secrets += [login.partition(":")[2] for login in (stack.flower_login, stack.pages_login)]
    for pid in pids(home).values():
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            assert not any(secret in word for word in process.cmdline() for secret in secrets)


@pytest.mark.parametrize(("which", "shows"), [("flower", b"Flower"), ("pages", b"There are no audits yet")])
def test_flower_and_the_pages_ask_for_their_login(stack: Stack, which: str, shows: bytes) -> None:
    """Without the login they show nothing; with it, their page."""
    url, given = getattr(stack, f"{which}_url"), getattr(stack, f"{which}_login")
    with pytest.raises(HTTPError, match="401") as refused:
        urlopen(url, timeout=30)  # noqa: S310  our own server
    refused.value.close()
    login = base64.b64encode(given.encode()).decode()
    asked = Request(url, headers={"Authorization": f"Basic {login}"})  # noqa: S310
    with urlopen(asked, timeout=30) as page:  # noqa: S310
        assert page.status == 200
        assert shows in page.read()


def test_down_leaves_nothing_running_and_up_finds_the_data_again(home: Path, stack: Stack) -> None:
    """After `down` no process of the stack is left; rows, queues and addresses are there again after `up`."""
    with psycopg.connect(libpq(stack)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with redis_client.Redis.from_url(stack.broker_url) as client:
        client.set("kept", "in Redis")
    trees = [psutil.Process(pid) for pid in pids(home).values()]
    trees += [child for process in trees for child in process.children(recursive=True)]
    assert set(local.down(home)) == ALL
    assert psutil.wait_procs(trees, timeout=10)[1] == []
    assert local.status(home) == []
    assert local.down(home) == []
    assert local.up(home, workers=1) == stack
    with psycopg.connect(libpq(stack)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        connection.execute("DROP TABLE kept")
    with redis_client.Redis.from_url(stack.broker_url) as client:
        assert client.get("kept") == b"in Redis"


def test_a_port_that_somebody_took_meanwhile_is_exchanged(home: Path, stack: Stack, processes: Processes) -> None:
    """If another program listens on Redis's port when the stack comes up again, Redis moves, and all know it."""
    local.down(home)
    redis.start(processes, home / "squatter", stack.broker_url)
    moved = local.up(home, workers=1)
    assert moved.broker_url != stack.broker_url
    assert moved.database_url == stack.database_url
    assert local.find(home) == moved
    assert wrong(moved) == {}


def test_the_workers_use_the_blobs_that_the_environment_names(
    home: Path, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With POLELENS_BLOBS set, `up` starts the workers anew with it; Postgres and Redis stay as they are."""
    before = pids(home)
    monkeypatch.setenv("POLELENS_BLOBS", str(tmp_path))
    monkeypatch.setenv("SPT_NOENV", "1")  # where setproctitle is there, it leaves the environment to be read
    assert local.up(home, workers=1).blobs == str(tmp_path)
    after = pids(home)
    assert {name for name in ALL if before[name] == after[name]} == {"postgres", "redis"}
    assert psutil.Process(after["infer-1"]).environ()["POLELENS_BLOBS"] == str(tmp_path)


def test_a_folder_that_never_had_a_stack_has_none(tmp_path: Path) -> None:
    """`down`, `status` and `find` on a folder that does not exist find nothing and make nothing."""
    nowhere = tmp_path / "nowhere"
    assert (local.down(nowhere), local.status(nowhere), local.find(nowhere)) == ([], [], None)
    assert not nowhere.exists()


def test_workers_must_be_at_least_one(tmp_path: Path) -> None:
    """A stack without inference would never finish an audit."""
    with pytest.raises(ValueError, match="workers is 0, expected at least 1"):
        local.up(tmp_path, workers=0)


# The parts by themselves.


@pytest.mark.parametrize("service", ["postgres", "redis"])
def test_a_service_that_cannot_start_says_why(
    processes: Processes, tmp_path: Path, redis_url: str, service: str
) -> None:
    """The error holds the end of the service's log: here, that the address is in use."""
    port = redis_url.rpartition(":")[2].split("/")[0]
    start: dict[str, Callable[[], None]] = {
        "postgres": lambda: postgres.start(
            processes, tmp_path / "pg", f"postgresql+psycopg://postgres:x@127.0.0.1:{port}/x"
        ),
        "redis": lambda: redis.start(processes, tmp_path, f"redis://:x@127.0.0.1:{port}/0"),
    }
    with pytest.raises(StackError, match=r"(?s)did not start.*in use"):
        start[service]()


def test_a_crash_whose_pid_was_given_to_another_program_is_forgotten(processes: Processes, tmp_path: Path) -> None:
    """Postgres starts again though its lock file of before the crash names a pid that runs: another program's."""
    url = new_postgres_url()
    postgres.start(processes, tmp_path / "pg", url, postgres.FAST_AND_FORGETFUL)
    processes.stop(["postgres"])
    (tmp_path / "pg" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}/pg/data\n")
    postgres.start(processes, tmp_path / "pg", url, postgres.FAST_AND_FORGETFUL)
    assert processes.pid("postgres")


def test_a_server_that_was_killed_starts_again_though_nobody_waited_for_it(
    processes: Processes, tmp_path: Path
) -> None:
    """Postgres would take a child that has ended and still has its pid, a zombie, for a server that runs."""
    url = new_postgres_url()
    postgres.start(processes, tmp_path / "pg", url, postgres.FAST_AND_FORGETFUL)
    killed = psutil.Process(processes.pid("postgres"))
    killed.kill()
    while killed.status() != psutil.STATUS_ZOMBIE:
        pass
    processes.stop(["postgres"])
    postgres.start(processes, tmp_path / "pg", url, postgres.FAST_AND_FORGETFUL)
    assert processes.pid("postgres") not in (killed.pid, None)


def test_a_pid_that_was_given_to_another_program_is_not_ours(processes: Processes, tmp_path: Path) -> None:
    """A record whose pid now belongs to a program created at another time is a crash: nothing of it is stopped."""
    processes.start(Launch("first", ["sleep", "60"], {}))
    record = tmp_path / "own" / "run" / "first.json"
    stranger = json.loads(record.read_text())
    record.write_text(json.dumps(stranger | {"created": stranger["created"] - 3600}))
    assert processes.pid("first") is None
    assert processes.stop(["first"]) == []
    assert psutil.pid_exists(stranger["pid"])
    record.write_text(json.dumps(stranger))
    assert processes.stop(["first"]) == ["first"]


def test_a_process_that_does_not_end_is_killed_with_its_children(processes: Processes) -> None:
    """One that ignores the request to end is killed, and so are the processes it started."""
    pid = processes.start(
        Launch("stubborn", ["sh", "-c", "trap '' TERM; echo up; sleep 60 & while :; do wait; done"], {})
    )
    while "up" not in processes.log("stubborn").read_text() or not psutil.Process(pid).children():
        pass
    family = [psutil.Process(pid), *psutil.Process(pid).children()]
    assert processes.stop(["stubborn"], seconds=0.2) == ["stubborn"]
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_a_long_log_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its process starts again: the log before stays as .log.1, the one before that goes; a short one goes on."""
    monkeypatch.setattr("polelens.stack.processes.LONG_LOG", 100)
    here = Processes(tmp_path)
    for words in ("a" * 90, "b" * 90, "c" * 90, "d" * 90):
        pid = here.start(Launch("talker", [sys.executable, "-c", f"print({words!r})"], {}))
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=30)
    assert here.log("talker").read_text().split() == ["c" * 90, "d" * 90]
    assert (tmp_path / "log/talker.log.1").read_text().split() == ["a" * 90, "b" * 90]
