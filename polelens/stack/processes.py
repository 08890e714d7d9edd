"""Processes that outlive the command that started them, each with a log and a record under the stack's folder."""

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

# Create times drift by a second or so when the clock is set; a pid does not come round again that fast.
SAME_PROCESS_SECONDS = 10.0
LONG_LOG = 10_000_000  # bytes, beyond which a process that starts begins another log


class StackError(RuntimeError):
    """A service of the local stack did not start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one process.

    Attributes
    ----------
    name : str
        Names its log and its record.
    command : sequence of str
        Visible to everybody on the machine: secrets go into the environment or a file.
    environment : mapping
        Added to our own.
    user : str or None
        The user it runs as; None is ours. Only root can give another.
    farewell : int
        The signal that asks it to end in good order.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    user: str | None = None
    farewell: int = signal.SIGTERM


def identity(user: str | None) -> dict[str, Any]:
    """The arguments of subprocess that run a program as a user, with none of our own groups."""
    return {"user": user, "group": user, "extra_groups": []} if user else {}


class Processes:
    """The detached processes of one stack's folder: records in run/, output in log/."""

    def __init__(self, home: Path) -> None:
        self._run, self._log = home / "run", home / "log"
        for folder in (self._run, self._log):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self, launch: Launch) -> int:
        """Start it detached, and return its pid. It must not be running."""
        self._rotate(launch.name)
        with self.log(launch.name).open("ab") as log:
            # In "/", so that no module in our own working directory is taken for one of ours.
            process = subprocess.Popen(
                launch.command, cwd="/", env=self._environment(launch), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                **identity(launch.user),
            )  # fmt: skip
        process.returncode = 0  # It is meant to outlive us: no ResourceWarning. `_find` knows a zombie.
        record = {"pid": process.pid, "created": psutil.Process(process.pid).create_time(), "farewell": launch.farewell}
        self._record(launch.name).write_text(json.dumps(record))
        return process.pid

    def pid(self, name: str) -> int | None:
        """The pid of a running process of ours, or None."""
        found = self._find(name)
        return found[0].pid if found else None

    def names(self) -> list[str]:
        """The names of all that were started and not stopped, running or crashed."""
        return sorted(path.stem for path in self._run.glob("*.json"))

    def stop(self, names: Iterable[str], seconds: float = 30.0) -> list[str]:
        """Ask these to end, kill those that have not after so many seconds, and return those that were running."""
        names = list(names)
        found = {name: pair for name in names if (pair := self._find(name))}
        for process, farewell in found.values():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(farewell)
        _, stubborn = psutil.wait_procs([process for process, _ in found.values()], timeout=seconds)
        for process in stubborn:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # each leads a session of its own, pool children included
        psutil.wait_procs(stubborn, timeout=10)
        for name in names:
            self._record(name).unlink(missing_ok=True)
        return list(found)

    def log(self, name: str) -> Path:
        """The file that holds the output of a process."""
        return self._log / f"{name}.log"

    def last_words(self, name: str, lines: int = 8) -> str:
        """The end of a process's log, for an error message."""
        path = self.log(name)
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(["", *text.splitlines()[-lines:], f"(the whole log: {path})"])

    def _environment(self, launch: Launch) -> dict[str, str]:
        """Ours, its own, and where its log is, which a worker rotates while it runs."""
        return os.environ | {"POLELENS_LOG": str(self.log(launch.name))} | dict(launch.environment)

    def _rotate(self, name: str) -> None:
        """Keep a long log of a process that has ended as the one before, in the place of the one before that."""
        log = self.log(name)
        if log.exists() and log.stat().st_size > LONG_LOG:
            log.replace(log.with_suffix(".log.1"))

    def _record(self, name: str) -> Path:
        return self._run / f"{name}.json"

    def _find(self, name: str) -> tuple[psutil.Process, int] | None:
        """The recorded process if it still runs: the same pid, created at the same time, since pids are reused.

        A child of ours that has ended is waited for: until then its pid is taken, and Postgres takes that of its lock
        file for a server that runs.
        """
        try:
            record = json.loads(self._record(name).read_text())
            process = psutil.Process(record["pid"])
            alive = process.status() != psutil.STATUS_ZOMBIE
            ours = abs(process.create_time() - record["created"]) < SAME_PROCESS_SECONDS
            if not alive:
                with suppress(psutil.TimeoutExpired):  # another's child
                    process.wait(0)
        except (FileNotFoundError, json.JSONDecodeError, KeyError, psutil.NoSuchProcess):
            return None
        return (process, record["farewell"]) if alive and ours else None
