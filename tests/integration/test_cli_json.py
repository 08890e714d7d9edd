"""What commands print for scripts: strict JSON alone on the standard output; what a person should know is beside it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from storage.archive import Photograph
from tests.commands import FEW, Commands, CommandsIn, every_command
from tests.live_audits import Bench, pictures, png

# In the order of a day; {audit} and the like are put in by the test.
DAY = {
    "recipes": (),
    "migrate": (),
    "models add": ("{zip}", "scripted"),
    "models list": (),
    "models show": ("scripted",),
    "models watch": ("{empty}", "scripted", "--once"),
    "images add": ("{photograph}",),
    "images list": (),
    "explain": ("{photograph}", "--model", "scripted", *FEW),
    "audit plan": ("scripted", "--images", "json/*", *FEW),
    "audit start": ("scripted", "--images", "json/*", *FEW, "--watch"),
    "audit watch": ("{audit}",),
    "audit list": (),
    "audit note": ("{audit}", "by hand", "--name", "the first"),
    "audit tag": ("{audit}", "north"),
    "audit show": ("{audit}",),
    "audit refit": ("{audit}", "--set", "kernel_width=0.5", "--watch"),
    "audit rejudge": ("{audit}",),
    "audit report": ("{audit}", "--out", "{empty}/report"),
    "audit pictures": ("{audit}", "--image", "json/0.png", "--out", "{empty}/drawn"),
    "audit export": ("{audit}", "--format", "csv", "--out", "{empty}/export"),
    "audit cancel": ("{audit}",),
    "audit comparisons": (),
    "policy set": ("scripted",),
    "policy list": (),
    "policy show": ("scripted",),
    "policy remove": ("scripted",),
    "schedule add": ("scripted", "--cron", "0 2 * * 0"),
    "schedule list": (),
    "schedule pause": ("{schedule}",),
    "schedule resume": ("{schedule}",),
    "schedule next": ("{schedule}",),
    "schedule remove": ("{schedule}",),
    "gc": ("--dry-run",),
    "audit delete": ("{audit}", "--yes"),
    "images remove": ("json/*", "--yes"),
    "models remove": ("scripted@1", "--yes"),
    "token add": ("scripted", "--role", "reader"),
    "token list": (),
    "token remove": ("scripted",),
    "trail": (),
}
ELSEWHERE = {
    "audit compare": "tests/acceptance/test_compared.py compares two audits",
    "audit resume": "there is nothing to resume here: tests/integration/test_cli_selections.py",
    "doctor": "tests/integration/test_cli.py asks it of a stack that is not well",
    "models look": "tests/integration/test_cli_sanity.py looks into one that has an inside",
    "models sanity": "tests/integration/test_cli_sanity.py shuffles one that has an inside",
    "serve": "it serves pages: tests/integration/test_web.py",
    "metrics": "it prints Prometheus's text",
    "up": "tests/integration/test_stack.py brings one up",
    "down": "tests/integration/test_stack.py brings one down",
}


def test_every_command_is_part_of_the_day() -> None:
    """One that is new goes into a list above."""
    assert {" ".join(words) for words, _ in every_command()} == {*DAY, *ELSEWHERE}


def strict(text: str) -> Any:
    """The value in a text that is one JSON document and nothing else, without NaN and infinity."""

    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_day_of_scripts(shared_bench: Bench, commands: CommandsIn, zipped: Path, pole: Path, tmp_path: Path) -> None:
    """Each command's output can be parsed as it is, whatever it has to tell a person as well."""
    cli, found = commands(shared_bench.environment), dict[str, Any]()
    for number, pixels in enumerate(pictures(2, seed=99)):
        shared_bench.archive.add(Photograph(f"json/{number}.png", png(pixels), "no such label"))
    (tmp_path / "empty").mkdir()
    places = {"zip": zipped, "photograph": pole, "empty": tmp_path / "empty"}
    for command, words in DAY.items():
        numbers = {"audit": found.get("audit start", {}).get("audit"), "schedule": _schedule(found)}
        filled = [word.format(**places, **numbers) for word in words]
        status, out, err = _run(cli, [*command.split(), *filled, "--json"])
        assert status == 0, f"{command}: {out}{err}"
        found[command] = strict(out) if command != "models watch" else out
        if command in ("audit plan", "audit start"):
            assert "known as no such label" in err
    assert found["audit watch"]["state"] == found["audit cancel"]["state"] == "done"
    assert found["policy set"] == found["policy show"]
    assert found["schedule pause"]["paused"] and not found["schedule resume"]["paused"]
    assert Path(found["audit report"]["page"]).exists()
    assert found["models watch"] == ""  # an object a line, and nothing was found


def _run(cli: Commands, words: list[str]) -> tuple[int, str, str]:
    """Status, output and errors; who waits for workers asks from a process of its own, whose broker is theirs."""
    if "--watch" in words:
        return cli.alone(*words)
    result = cli.run(*words)
    return result.exit_code, result.stdout, result.stderr


def _schedule(found: Mapping[str, Any]) -> int | None:
    return found["schedule add"]["schedule"] if "schedule add" in found else None
