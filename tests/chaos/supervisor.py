"""A supervisor: starts again what has died, as systemd or Kubernetes would."""

import os
import signal
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

from polelens.stack.processes import Launch, Processes
from tests.chaos.fault import Broken

POLL_SECONDS = 0.1  # systemd's own RestartSec


class Supervisor:
    """Keeps processes running until they are stopped."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self._launches: dict[str, Launch] = {}
        self._pids: dict[str, int] = {}
        self._lock = threading.Lock()  # held while a process is started or stopped
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def start(self, launches: Iterable[Launch]) -> None:
        """Start these, and whenever one dies, again."""
        for launch in launches:
            with self._lock:
                self._launches[launch.name] = launch
                self._pids[launch.name] = self.processes.start(launch)

    def stop(self, names: Iterable[str], seconds: float = 10) -> None:
        """Stop these for good."""
        names = list(names)
        with self._lock:
            for name in names:
                del self._launches[name]
            self.processes.stop(names, seconds)
            for name in names:
                _bury(self._pids.pop(name))

    def names(self) -> list[str]:
        """What it keeps running."""
        return list(self._launches)

    def pid(self, name: str) -> int:
        """The process that bears a name now, which may have died a moment ago."""
        return self._pids[name]

    def children(self, name: str) -> list[int]:
        """The pool of a worker, as processes; none while it starts."""
        with suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(self.pid(name)).children()]
        return []

    def pool(self, name: str, seconds: float = 60) -> list[int]:
        """The pool of a worker, once it has one: it takes tasks."""
        deadline = time.monotonic() + seconds
        while not (found := self.children(name)):
            if time.monotonic() > deadline:
                raise Broken(f"{name} has no pool:{self.processes.last_words(name)}")
            time.sleep(POLL_SECONDS / 2)
        return found

    def await_new_pool(self, name: str, old: int) -> None:
        """Return when a worker has a pool without this process."""
        while old in self.pool(name):
            time.sleep(POLL_SECONDS / 2)

    def close(self) -> None:
        """Stop everything."""
        self._over.set()
        self._thread.join()
        self.stop(self.names())

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            with self._lock:
                for name, launch in self._launches.items():
                    if self.processes.pid(name) is None:
                        _bury(self._pids[name])
                        self._pids[name] = self.processes.start(launch)


def _bury(pid: int) -> None:
    """End what is left of a dead process's group, as systemd does, and take note of its death."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
