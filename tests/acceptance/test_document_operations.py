"""docs/operations.md: a local stack, and beside it every process of a larger one."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from polelens.stack.address import libpq
from tests.documents import OPERATIONS, address, blocks
from tests.newcomer import Newcomer


def test_the_processes_of_operations(newcomer: Newcomer) -> None:
    """The stack comes up as it says, and beside it each process of a larger one starts and stays."""
    health = {"POLELENS_HEALTH": str(newcomer.place / "health")}
    newcomer = replace(newcomer, environment={**newcomer.environment, **health})
    local, many, *others = blocks(OPERATIONS, "sh")
    up, *rest, down = local.splitlines()
    newcomer.type(up)
    newcomer.type(many)
    with _started(newcomer, blocks(OPERATIONS, "sh processes")[0].splitlines()) as running:
        deadline = time.monotonic() + 120
        while not _are_up(newcomer):
            assert [process.poll() for process in running] == [None] * len(running)
            assert time.monotonic() < deadline, "not all of them came up in two minutes"
            time.sleep(0.5)
        assert [process.poll() for process in running] == [None] * len(running)
    database = libpq(address(Path(newcomer.environment["POLELENS_HOME"])))
    for script in (*rest, *others, down):
        newcomer.type(f"set -euo pipefail\n{script}", database)


@contextmanager
def _started(newcomer: Newcomer, commands: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    running = [
        subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=newcomer.place, env=newcomer.environment)
        for line in commands
    ]
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)


def _are_up(newcomer: Newcomer) -> bool:
    """Whether beat has written its schedule, Flower and the metrics answer, and so do both workers."""
    if not any(newcomer.place.glob("beat-schedule*")) or not all(map(_listens, (5555, 9108))):
        return False
    asked = subprocess.run(
        ["celery", "-A", "tasks", "inspect", "ping", "--timeout", "3"],
        cwd=newcomer.place,
        env=newcomer.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return all(f"{name}@" in asked.stdout for name in ("infer-1", "rest"))


def _listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
