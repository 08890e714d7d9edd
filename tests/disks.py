"""A disk so small that it gets full: a tmpfs that one command alone sees, in namespaces of its own."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

ALONE = ("unshare", "--mount", *(("--user", "--map-root-user") if os.geteuid() else ()))
# What was in the folder before is on the disk too.
MOUNT = """set -e
mount -t tmpfs -o "size=$0" none "$1.disk"
cp -a "$1/." "$1.disk"
mount --bind "$1.disk" "$1"
shift
exec "$@"
"""


def on_small_disk(folder: Path, size: str, command: Sequence[str]) -> list[str]:
    """The command, with the folder on a disk of this size, such as 48m; where that cannot be the test is skipped."""
    folder.mkdir(exist_ok=True)
    folder.with_name(f"{folder.name}.disk").mkdir(exist_ok=True)
    made = [*ALONE, "sh", "-c", MOUNT, size, str(folder)]
    tried = subprocess.run([*made, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no disk can be mounted here: {tried.stderr.strip()}")
    return [*made, *command]


def within(pid: int, path: Path) -> Path:
    """A path as the command with this pid sees it."""
    return Path(f"/proc/{pid}/root{path}")


def fill(path: Path) -> None:
    """Write a file until there is no room."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(2**20))
