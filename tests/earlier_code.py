"""The code of an earlier commit, to be run beside ours or before it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from polelens.stack.processes import Launch, Processes
from polelens.stack.workers import ONE_THREAD, await_workers, worker_command
from tests.live_audits import ALL_QUEUES
from tests.services import WorkerProcess

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("migrations", "pipeline", "polelens", "storage", "tasks")


@dataclass(frozen=True)
class EarlierCode:
    """The packages of a commit in a folder, run as processes of their own in an environment."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def whole(self) -> dict[str, str]:
        """The environment in which these packages are found before ours."""
        return {**ONE_THREAD, **self.environment, "PYTHONPATH": str(self.folder)}

    def python(self, *words: object) -> str:
        """What Python prints that runs this code."""
        command = [sys.executable, *map(str, words)]
        run = subprocess.run(
            command, env=os.environ | self.whole, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def polelens(self, *words: object) -> str:
        """What its command line prints."""
        return self.python("-m", "polelens", *words)

    def worker(self, processes: Processes, name: str) -> WorkerProcess:
        """A worker that runs it and serves every queue."""
        loaded = self.python("-c", "import storage, tasks; print(storage.__file__, tasks.__file__)")
        assert all(one.startswith(str(self.folder)) for one in loaded.split()), loaded
        pid = processes.start(Launch(name, worker_command(ALL_QUEUES, name), self.whole))
        await_workers(processes, self.environment["CELERY_BROKER_URL"], [name])
        return WorkerProcess(name, pid, processes)


def code_of(commit: str, folder: Path) -> Path:
    """A folder with the packages of a commit; the test is skipped where there is no history to take it from."""
    subprocess.run(["tar", "-x", "-C", folder], input=git("archive", commit, *PACKAGES), check=True)
    return folder


def git(*words: str) -> bytes:
    """What git prints of this repository; the test is skipped where it has no such history."""
    run = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, check=False)
    if run.returncode or not run.stdout:
        pytest.skip(f"no history to take an earlier version of the code from: {run.stderr.decode().strip()}")
    return run.stdout
