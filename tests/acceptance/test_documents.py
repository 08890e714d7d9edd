"""Every command that a document shows is run; every setting is listed."""

import re
import subprocess
from pathlib import Path

import pytest

from polelens.cli.main import COMMANDS
from polelens.web.settings import WebSettings
from storage.settings import Settings
from tests import compose
from tests.documents import ALONE, DOCUMENTS, OPERATIONS, ROOT, blocks, commands
from tests.newcomer import Newcomer

OTHERS = [one for one in DOCUMENTS if one not in ALONE and (commands(one) or blocks(one, "python"))]


@pytest.mark.parametrize("document", OTHERS, ids=lambda path: path.name)
def test_the_commands_of_a_document_work(document: Path, newcomer: Newcomer) -> None:
    """Each of them, in their order. README, operations and schedules have their own files: `test_document_….py`."""
    newcomer.follow(document)


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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_runs_elsewhere_names_what_there_is(document: Path) -> None:
    """Commands that need Docker or a cluster: their syntax, their files, Compose's services and our own commands."""
    services = set(compose.document(dict.fromkeys(compose.must_be_given(), "x"))["services"])
    for block in blocks(document, "sh elsewhere"):
        subprocess.run(["bash", "-n", "-c", block], check=True)  # parsed, and not run
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
    for name, field in WebSettings.model_fields.items():
        assert f"`POLELENS_WEB_{name.upper()}`" in operations
        assert f"POLELENS_WEB_{name.upper()}={field.default}\n" in listed
