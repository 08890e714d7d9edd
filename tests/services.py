"""Real services for the tests, started once a session on free ports in a temporary folder, and stopped at its end."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import redis as redis_client

from polelens.stack import postgres, redis
from polelens.stack.address import HOST, free_port, new_postgres_url, new_redis_url, password
from polelens.stack.processes import Launch, Processes
from polelens.stack.workers import ONE_THREAD, await_workers, worker_command
from storage.blobs import make_bucket
from storage.database import migrate

TEMPLATE = "polelens"  # the migrated database that each test's own is copied from
_numbers = count(1)


@pytest.fixture(scope="session")
def services_home() -> Iterator[Path]:
    """A folder with a short name for the session's services; whatever still runs in it is stopped at the end."""
    home = Path(tempfile.mkdtemp(prefix="polelens-tests-"))
    yield home
    processes = Processes(home)
    processes.stop(processes.names(), seconds=5)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def services(services_home: Path) -> Processes:
    """The session's services, as processes."""
    return Processes(services_home)


@pytest.fixture(scope="session")
def postgres_url(services: Processes, services_home: Path) -> str:
    """A Postgres server, and in it an empty database that no test writes into."""
    url = new_postgres_url()
    postgres.start(services, services_home / "postgres", url, postgres.FAST_AND_FORGETFUL)
    return _database(url, "postgres")


@pytest.fixture(scope="session")
def migrated_url(postgres_url: str) -> str:
    """The template that `database_url` copies."""
    url = _database(postgres_url, TEMPLATE)
    migrate(url)
    return url


@pytest.fixture
def database_url(migrated_url: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    url = _database(migrated_url, f"test_{next(_numbers)}")
    postgres.create_database(url, TEMPLATE)
    yield url
    postgres.drop_database(url)


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database of the test's own with nothing in it, for the migrations themselves."""
    url = _database(postgres_url, f"empty_{next(_numbers)}")
    postgres.create_database(url)
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def redis_url(services: Processes, services_home: Path) -> str:
    """A Redis server that all tests share."""
    url = new_redis_url()
    redis.start(services, services_home, url)
    return url


@pytest.fixture
def broker_url(redis_url: str) -> str:
    """The Redis server, emptied."""
    with redis_client.Redis.from_url(redis_url) as client:
        client.flushall()
    return redis_url


@pytest.fixture
def blobs_folder(tmp_path: Path) -> Path:
    """An empty folder for blobs."""
    return tmp_path / "blobs"


@dataclass(frozen=True, slots=True)
class S3:
    """A real S3 server: `environment` is all that boto3 needs to find it."""

    bucket: str
    environment: Mapping[str, str]


def start_s3(processes: Processes, folder: Path) -> S3:
    """JuiceFS's S3 gateway over a folder, on a free port."""
    juicefs, bucket = str(Path(sys.executable).with_name("juicefs")), "blobs"
    folder.mkdir()
    meta, port, secret = f"sqlite3://{folder}/meta.db", free_port(), password()
    form = [juicefs, "format", "--storage", "file", "--bucket", f"{folder}/objects/", "--trash-days", "0", meta, bucket]
    subprocess.run(form, check=True, capture_output=True)
    gateway = [juicefs, "gateway", "--multi-buckets", "--no-usage-report", "--no-banner"]
    gateway += ["--metrics", f"{HOST}:{free_port()}"]
    gateway += ["--cache-dir", f"{folder}/cache", meta, f"{HOST}:{port}"]
    processes.start(Launch("juicefs", gateway, {"MINIO_ROOT_USER": "polelens", "MINIO_ROOT_PASSWORD": secret}))
    _await_http(processes, f"http://{HOST}:{port}/minio/health/live")
    keys = {"AWS_ACCESS_KEY_ID": "polelens", "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "us-east-1"}
    return S3(bucket, {"AWS_ENDPOINT_URL_S3": f"http://{HOST}:{port}", **keys})


@pytest.fixture(scope="session")
def s3_server(services: Processes, services_home: Path) -> S3:
    """An S3 server that all tests share."""
    return start_s3(services, services_home / "juicefs")


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The S3 server, with its endpoint and credentials in this test's environment."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    make_bucket(f"s3://{s3_server.bucket}")
    return s3_server


def _database(url: str, name: str) -> str:
    """The same server's URL for another database."""
    return f"{url.rpartition('/')[0]}/{name}"


def _await_http(services: Processes, url: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urlopen(url, timeout=5).close()  # noqa: S310  our own server
        except (URLError, ConnectionError) as error:
            if services.pid("juicefs") is None or time.monotonic() > deadline:
                raise RuntimeError(f"juicefs did not start: {error}{services.last_words('juicefs')}") from error
            time.sleep(0.05)
        else:
            return


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A Celery worker in a process of its own."""

    name: str
    pid: int
    processes: Processes

    def kill(self) -> None:
        """Kill -9 the whole worker, pool included, as a machine that dies does."""
        os.killpg(self.pid, signal.SIGKILL)
        self.processes.stop([self.name])

    def stop(self) -> None:
        """Let it finish what it does, and end it."""
        self.processes.stop([self.name])

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self.processes.pid(self.name) is not None

    def log(self) -> str:
        """All that it has printed."""
        return self.processes.log(self.name).read_text(errors="replace")


StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def worker_processes(tmp_path: Path) -> Iterator[StartWorker]:
    """Start workers: `worker_processes(queues, environment, name="infer-1")` returns when the worker answers."""
    processes = Processes(tmp_path / "workers")

    def start(
        queues: Sequence[str], environment: Mapping[str, str], *, name: str | None = None, concurrency: int = 1
    ) -> WorkerProcess:
        name = name or f"worker-{next(_numbers)}"
        command = worker_command(queues, name, concurrency)
        pid = processes.start(Launch(name, command, {**ONE_THREAD, **environment}))
        await_workers(processes, environment["CELERY_BROKER_URL"], [name])
        return WorkerProcess(name, pid, processes)

    yield start
    processes.stop(processes.names(), seconds=0)  # nobody waits for their good end any more
