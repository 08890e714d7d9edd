"""Every command that a document shows is run; every setting is listed."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from demo.photographs import archive, write
from polelens.cli.main import COMMANDS
from polelens.stack.postgres import programs
from storage.settings import Settings
from tests import compose
from tests.documents import DOCUMENTS, OPERATIONS, ROOT, address, blocks, libpq


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that looks like a clone after `make demo`, with a smaller archive.

    Not pytest's own: another session closes that to the user that Postgres runs as for root.
    """
    with tempfile.TemporaryDirectory(prefix="polelens-documents-") as name:
        folder = Path(name)
        (folder / "demo").symlink_to(ROOT / "demo")
        write(folder / "build/demo/archive", archive(6, 2026, shortcut=False))
        yield folder


@pytest.fixture
def environment(place: Path) -> dict[str, str]:
    """An environment with this interpreter's commands first and a stack of its own."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    path = f"{programs()}:{path}"  # psql
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR", "PYTHONPATH") if name in os.environ}
    return kept | {"PATH": path, "HOME": str(place / "home"), "POLELENS_HOME": str(place / "stack")}


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one != OPERATIONS], ids=lambda path: path.name)
def test_the_commands_of_a_document_work(document: Path, place: Path, environment: dict[str, str]) -> None:
    """The shell blocks, in their order, as one script that stops at the first error; then the Python blocks."""
    script = "\n".join(
        line for block in blocks(document, "sh") for line in block.splitlines() if not line.startswith("make")
    )
    (place / "home").mkdir()
    try:
        _bash(f"set -e\n{script}", place, environment)
        for block in blocks(document, "python"):
            subprocess.run([sys.executable, "-c", block], cwd=place, env=environment, check=True, timeout=300)
    finally:
        _bash("polelens down", place, environment)
    if document.name == "README.md":
        assert (place / "report/index.html").exists()
        assert (place / "out/overlay.png").exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_make_targets_of_a_document_exist(document: Path) -> None:
    """`make -n` knows every target that a document names; CI itself runs them."""
    for block in blocks(document, "sh"):
        for line in block.splitlines():
            if line.startswith("make"):
                done = subprocess.run(
                    ["bash", "-c", line.replace("make", "make -n", 1)], cwd=ROOT, capture_output=True, check=False
                )
                assert done.returncode == 0, f"{line}: {done.stderr.decode()}"


def test_the_processes_of_operations(place: Path, environment: dict[str, str]) -> None:
    """The stack comes up as it says, and beside it each process of a larger one starts and stays."""
    (place / "home").mkdir()
    environment |= {"POLELENS_HEALTH": str(place / "health")}
    local, many, *others = blocks(OPERATIONS, "sh")
    up, *rest, down = local.splitlines()
    try:
        _bash(up, place, environment)
        _bash(many, place, environment)
        commands = blocks(OPERATIONS, "sh processes")[0].splitlines()
        running = [subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=place, env=environment) for line in commands]
        try:
            deadline = time.monotonic() + 120
            while not _are_up(place, environment):
                assert [process.poll() for process in running] == [None] * len(commands)
                assert time.monotonic() < deadline, "not all of them came up in two minutes"
                time.sleep(0.5)
            assert [process.poll() for process in running] == [None] * len(commands)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(60)
        for script in (*rest, *others, down):
            _bash(
                f"set -euo pipefail\n{script}", place, environment | libpq(address(Path(environment["POLELENS_HOME"])))
            )
    finally:
        _bash("polelens down", place, environment)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_runs_elsewhere_names_what_there_is(document: Path) -> None:
    """Commands that need Docker or a cluster: their syntax, their files, Compose's services and our own commands."""
    services = set(compose.document(dict.fromkeys(compose.must_be_given(), "x"))["services"])
    for block in blocks(document, "sh elsewhere"):
        _bash(f"if false; then\n{block}fi", ROOT, {"PATH": os.environ["PATH"]})  # parsed, and not run
        assert all((ROOT / name).exists() for name in re.findall(r"deploy/[\w./-]*\w", block) if name != "deploy/.env")
        for line in re.findall(r"docker compose (.*)", block):
            named = re.findall(r"(?:exec(?: -T)?|run --rm(?: --volume \S+)?|stop) ([a-z][\w -]*)", line)
            first = [words.split() for words in named]
            assert all(words[0] in services for words in first), line
            assert all(words[1] in COMMANDS for words in first if words[0] == "polelens"), line


def test_every_setting_is_listed() -> None:
    """docs/operations.md and deploy/polelens.env name every setting, the latter with its default."""
    operations, listed = OPERATIONS.read_text(), (ROOT / "deploy/polelens.env").read_text()
    for name, field in Settings.model_fields.items():
        variable = {"database_url": "DATABASE_URL", "broker_url": "CELERY_BROKER_URL"}.get(
            name, f"POLELENS_{name.upper()}"
        )
        assert f"`{variable}`" in operations
        default = "" if field.is_required() else str(field.default).removesuffix(".0")
        assert f"{variable}={'~/.local/share/polelens' if name == 'home' else default}\n" in listed


def _are_up(place: Path, environment: dict[str, str]) -> bool:
    """Whether beat has written its schedule, Flower and the metrics answer, and so do both workers."""
    if not any(place.glob("beat-schedule*")) or not all(map(_listens, (5555, 9108))):
        return False
    asked = subprocess.run(
        ["celery", "-A", "tasks", "inspect", "ping", "--timeout", "3"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return all(f"{name}@" in asked.stdout for name in ("infer-1", "rest"))


def _listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def _bash(script: str, place: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", script], cwd=place, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
