"""What a shell completes: commands, options, and the names and numbers that the archive has."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.shell_completion import BashComplete
from PIL import Image

from polelens.cli import candidates, main
from polelens.stack.address import free_port
from tests.commands import FEW, Commands, CommandsIn


def completed(*words: str) -> list[str]:
    """The words that the last of the words may become."""
    found = BashComplete(main, {}, "polelens", "_POLELENS_COMPLETE").get_completions(list(words[:-1]), words[-1])
    if candidates._engine.cache_info().currsize:
        candidates._engine().dispose()
    candidates._engine.cache_clear()  # the next may be of another test's database
    return [one.value for one in found]


@pytest.fixture
def filled(cli: Commands, zipped: Path, tmp_path: Path) -> Commands:
    """Two versions of a model, three photographs, an audit, a policy and a schedule."""
    for name in ("north/a.png", "north/b.png", "south/c.png"):
        path = tmp_path / "p" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(len(list(tmp_path.rglob("*")))).integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(path)
    (tmp_path / "labels.csv").write_text("path,label\na.png,TRE\n")
    cli("models", "add", zipped, "poles")
    (tmp_path / "profile.json").write_text('{"crop": "stretch"}')
    cli("models", "add", zipped, "poles", "--profile", tmp_path / "profile.json")
    cli("models", "add", zipped, "signs")
    cli("images", "add", tmp_path / "p", "--labels", tmp_path / "labels.csv")
    cli("audit", "start", "poles", *FEW)
    cli("policy", "set", "signs")
    cli("schedule", "add", "poles", "--cron", "0 2 * * 0")
    return cli


def test_names_and_numbers_are_completed(filled: Commands) -> None:
    """Whatever the case, where a command takes one; of a model its versions once an @ is typed."""
    del filled
    assert completed("audit", "start", "p") == ["poles"]
    assert completed("audit", "plan", "") == ["poles", "signs"]
    assert completed("models", "show", "POLES@") == ["poles@1", "poles@2"]
    assert completed("explain", "pole.png", "--model", "s") == ["signs"]
    assert completed("policy", "show", "") == ["signs"]
    assert completed("audit", "start", "poles", "--recipe", "ad") == ["adaptive", "adaptive-2026"]
    assert completed("audit", "start", "poles", "--label", "t") == ["TRE", "top"]
    assert completed("images", "list", "--images", "label:") == ["label:TRE"]
    assert completed("audit", "start", "poles", "--images", "north/") == ["north/a.png", "north/b.png"]
    assert completed("audit", "start", "poles", "--images", "a") == ["all"]
    for words in (("show",), ("watch",), ("resume",), ("export",), ("refit",), ("compare",), ("compare", "1")):
        assert completed("audit", *words, "") == ["1"]
    assert completed("schedule", "next", "") == ["1"]


def test_commands_are_completed_without_a_stack(nowhere: Commands) -> None:
    """Commands, options and recipes, which need none."""
    del nowhere
    assert completed("aud") == ["audit"]
    assert completed("audit", "re") == ["refit", "rejudge", "report", "resume"]
    assert "--thorough" in completed("audit", "start", "poles", "--th")
    assert completed("explain", "pole.png", "--model", "x.zip", "--recipe", "lime-") == ["lime-tree"]


@pytest.mark.parametrize("where", ["before up", "after down", "wrong"])
def test_what_needs_a_stack_is_completed_by_nothing_without_one(
    nowhere: Commands, commands: CommandsIn, where: str
) -> None:
    """No error and no wait; a model's place takes a file."""
    if where != "before up":
        url = f"postgresql://me:secret@127.0.0.1:{free_port()}/polelens" if where == "after down" else "nonsense"
        commands({"DATABASE_URL": url, "CELERY_BROKER_URL": "redis://127.0.0.1:1/0", "POLELENS_BLOBS": "/nowhere"})
    for words in (("audit", "start", "p"), ("audit", "show", ""), ("schedule", "next", ""), ("policy", "show", "")):
        assert completed(*words) == []
    assert completed("images", "list", "--images", "a") == []
    assert completed("explain", "pole.png", "--model", "p") == ["p"]


def test_a_shell_asks_for_it(filled: Commands, tmp_path: Path) -> None:
    """Bash itself, by the line in docs/operations.md."""
    polelens = Path(sys.executable).with_name("polelens")
    script = f"""
        PATH="{polelens.parent}:$PATH"
        eval "$(_POLELENS_COMPLETE=bash_source polelens)"
        COMP_WORDS=(polelens audit start po) COMP_CWORD=3
        _polelens_completion polelens
        echo "${{COMPREPLY[@]}}"
    """
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", **filled.environment}
    told = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == ("poles\n", "")
