"""Somebody who types what a document shows."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.photographs import archive, write
from polelens.stack.postgres import programs
from polelens.stack.workers import ONE_THREAD
from tests.documents import ROOT, blocks, commands


@dataclass(frozen=True)
class Newcomer:
    """A folder that looks like a clone after `make demo`, with a smaller archive, and a shell in it."""

    place: Path
    environment: Mapping[str, str]

    def type(self, script: str, more: Mapping[str, str] | None = None) -> None:
        """Run a script; one that fails shows all that it printed."""
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.place,
            env={**self.environment, **(more or {})},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"

    def follow(self, document: Path) -> None:
        """The shell blocks, in their order, as one script that stops at the first error; then the Python blocks."""
        self.type("\n".join(["set -e", *commands(document)]))
        for block in blocks(document, "python"):
            subprocess.run([sys.executable, "-c", block], cwd=self.place, env=self.environment, check=True, timeout=300)


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    """With this interpreter's commands first, a home and a stack of its own, which is ended.

    The folder is not pytest's own: another session closes that to the user that Postgres runs as for root.
    """
    with tempfile.TemporaryDirectory(prefix="polelens-documents-") as name:
        place = Path(name)
        (place / "demo").symlink_to(ROOT / "demo")
        (place / "home").mkdir()
        write(place / "build/demo/archive", archive(6, 2026, shortcut=False))
        path = f"{programs()}:{Path(sys.executable).parent}:{os.environ['PATH']}"  # the first has psql
        given = ("LANG", "TMPDIR", "PYTHONPATH", *ONE_THREAD)  # of threads: see `tests.conftest`
        kept = {name: os.environ[name] for name in given if name in os.environ}
        one = Newcomer(place, kept | {"PATH": path, "HOME": str(place / "home"), "POLELENS_HOME": str(place / "stack")})
        try:
            yield one
        finally:
            one.type("polelens down")
