"""The command line for tests: run in an environment, with what it prints for people and for scripts."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from polelens.cli import main, store
from polelens.cli.main import COMMANDS, load
from storage.settings import settings
from tests import models
from tests.live_audits import pictures, png

FEW = ("--samples", "16", "--set", "seeds=[1,11]")


@dataclass(frozen=True)
class Commands:
    """The command line in an environment."""

    environment: Mapping[str, str]

    def run(self, *words: object) -> Result:
        """Run a command in this process; whatever nobody foresaw is raised."""
        result = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
        assert "Traceback" not in result.output
        return result

    def __call__(self, *words: object) -> str:
        """What a command that succeeds prints."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: object) -> Any:
        """What a command prints for scripts."""
        return json.loads(self(*words, "--json"))

    def refused(self, *words: object, status: int = 1) -> str:
        """The one sentence that a command is refused with."""
        result = self.run(*words)
        assert result.exit_code == status, result.output
        told = result.stderr.strip().splitlines()
        assert told[-1].startswith("Error: "), result.output
        assert status == 2 or len(told) == 1
        return told[-1]

    def process(self, *words: object) -> subprocess.Popen[str]:
        """Start a command in a process of its own, as a person does."""
        command = [sys.executable, "-m", "polelens", *map(str, words)]
        environment = dict(os.environ) | dict(self.environment)
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def alone(self, *words: object) -> tuple[int, str, str]:
        """Status, output and errors of a command in a process of its own."""
        with self.process(*words) as process:
            out, err = process.communicate(timeout=120)
        return process.returncode, out, err


CommandsIn = Callable[[Mapping[str, str]], Commands]


def every_command() -> Iterator[tuple[list[str], click.Command]]:
    """Each command with the words that call it; a group is none."""
    for name in COMMANDS:
        command = load(name)
        if isinstance(command, click.Group):
            yield from (([name, word], one) for word, one in command.commands.items())
        else:
            yield [name], command


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandsIn]:
    """Make the command line of an environment: what the process remembers of another one is forgotten."""

    def forget() -> None:
        if store.engine.cache_info().currsize:
            store.engine().dispose()
        for remembered in (settings, store.engine, store.blobs):
            remembered.cache_clear()

    def made(environment: Mapping[str, str]) -> Commands:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        forget()
        return Commands(environment)

    forget()
    yield made
    forget()


@pytest.fixture
def environment(database_url: str, broker_url: str, blobs_folder: Path) -> dict[str, str]:
    """Services of the test's own, with no workers."""
    return {"DATABASE_URL": database_url, "CELERY_BROKER_URL": broker_url, "POLELENS_BLOBS": str(blobs_folder)}


@pytest.fixture
def cli(commands: CommandsIn, environment: Mapping[str, str]) -> Commands:
    """The command line over an empty archive."""
    return commands(environment)


@pytest.fixture
def nowhere(commands: CommandsIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Commands:
    """The command line with no services and no settings."""
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "POLELENS_BLOBS"):
        monkeypatch.delenv(name, raising=False)
    return commands({"POLELENS_HOME": str(tmp_path / "nobody")})


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    """A Custom Vision export."""
    path = tmp_path / "poles.zip"
    path.write_bytes(models.custom_vision_zip())
    return path


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder with four photographs, one damaged, one no photograph at all though it says so, and other files."""
    folder, (one, two, three, four) = tmp_path / "photographs", pictures(4)
    (folder / "north").mkdir(parents=True)
    (folder / "a.png").write_bytes(png(one))
    (folder / "north/b.PNG").write_bytes(png(two))
    (folder / "north/[red]c\x1b[31m.png").write_bytes(png(three))
    Image.fromarray(four).save(folder / "d.jpg")
    (folder / "torn.png").write_bytes(png(one)[:300])
    (folder / "text.jpeg").write_text("hello")
    (folder / "notes.txt").write_text("not looked at")
    return folder


@pytest.fixture
def pole(tmp_path: Path) -> Path:
    """A photograph that is wider than high."""
    path = tmp_path / "pole.png"
    path.write_bytes(png(np.concatenate(pictures(2, size=48, seed=3), axis=1)))
    return path
