"""One sentence where the stack is down, whatever is asked of it: before the first `up`, and after `down`."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from polelens.stack import Stack
from polelens.stack.address import free_port, new_postgres_url, new_redis_url
from storage.settings import DOWN
from tests.commands import Commands, every_command

PHOTOGRAPH, MODEL = "PHOTOGRAPH", "MODEL"  # files, put in by the test
NEEDS_IT = {
    "explain": (PHOTOGRAPH, "--model", "poles"),
    "models add": (MODEL, "poles"),
    "models show": ("poles",),
    "models list": (),
    "models look": ("poles", "--out", "look.html"),
    "models remove": ("poles@1", "--yes"),
    "models sanity": ("poles",),
    "models watch": (".", "poles", "--once"),
    "images add": (PHOTOGRAPH,),
    "images list": (),
    "images remove": ("a", "--yes"),
    "audit start": ("poles",),
    "audit plan": ("poles",),
    "audit refit": ("1",),
    "audit list": (),
    "audit note": ("1",),
    "audit tag": ("1", "north"),
    "audit show": ("1",),
    "audit watch": ("1",),
    "audit cancel": ("1",),
    "audit resume": ("1",),
    "audit rejudge": ("1",),
    "audit report": ("1",),
    "audit pictures": ("1", "--image", "a"),
    "audit delete": ("1", "--yes"),
    "audit compare": ("1", "2"),
    "audit comparisons": (),
    "audit export": ("1",),
    "policy set": ("poles",),
    "policy list": (),
    "policy show": ("poles",),
    "policy remove": ("poles",),
    "schedule add": ("poles", "--cron", "0 2 * * 0"),
    "schedule list": (),
    "schedule pause": ("1",),
    "schedule resume": ("1",),
    "schedule remove": ("1",),
    "schedule next": ("1",),
    "migrate": (),
    "gc": ("--yes",),
    "token add": ("nightly", "--role", "reader"),
    "token list": (),
    "token remove": ("nightly",),
    "trail": (),
    "serve": (),
}
DOES_NOT = {
    "recipes": "they are in the code",
    "up": "it starts it",
    "down": "it says that nothing was running",
    "doctor": "it says of each service that it is down; before the first `up` it says the sentence",
    "metrics": "that nothing answers is a figure, too",
}


@pytest.fixture(params=["before up", "after down"])
def without(request: pytest.FixtureRequest, nowhere: Commands, tmp_path: Path) -> Commands:
    """The command line before the first `up`, and with the addresses that an `up` left behind after a `down`."""
    if request.param == "after down":
        home = tmp_path / "nobody"
        home.mkdir()
        addresses = new_postgres_url(), new_redis_url(), str(home / "blobs"), f"http://127.0.0.1:{free_port()}", "a:b"
        (home / "stack.json").write_text(json.dumps(asdict(Stack(str(home), *addresses))))
    return nowhere


def test_every_command_is_known_to_need_the_stack_or_not() -> None:
    """One that is new goes into a list above."""
    assert {" ".join(words) for words, _ in every_command()} == {*NEEDS_IT, *DOES_NOT}


@pytest.fixture
def filled(pole: Path, zipped: Path) -> Callable[[tuple[str, ...]], list[object]]:
    """Put files in the place of their names."""
    files = {PHOTOGRAPH: pole, MODEL: zipped}
    return lambda words: [files.get(word, word) for word in words]


@pytest.mark.parametrize("command", NEEDS_IT)
def test_what_needs_the_stack_says_that_it_is_down(
    without: Commands, filled: Callable[[tuple[str, ...]], list[object]], command: str
) -> None:
    """The same sentence with the remedy, before and after."""
    assert without.refused(*command.split(), *filled(NEEDS_IT[command])).endswith(DOWN)


def test_the_doctor_of_a_stack_that_is_down(without: Commands, tmp_path: Path) -> None:
    """Each service with its remedy, and the stack as a whole; before the first `up` there is nothing to look at."""
    if (tmp_path / "nobody/stack.json").exists():
        told = without.run("doctor")
        assert told.exit_code == 1
        assert "FAIL local stack: it is down: `polelens up` starts it" in told.stdout
    else:
        assert without.refused("doctor").endswith(DOWN)
