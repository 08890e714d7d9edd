"""The command line itself: help, what it imports, and how text reaches a terminal."""

import json
import subprocess
import sys
from dataclasses import replace

import click
import pytest
from click.testing import CliRunner

from polelens.cli import main
from polelens.cli.audit_pace import Pace
from polelens.cli.main import COMMANDS, load
from polelens.cli.screen import screen
from polelens.cli.text import echo_json_list, echo_json_object, printable
from polelens.cli.watch import ending
from storage.progress import Progress
from tests.commands import every_command

SLOW = {"onnxruntime", "onnx", "scipy", "sklearn", "skimage", "celery", "sqlalchemy", "boto3", "rich"}
SLOW_PARTS = {"sklearn", "pandas", "scipy.stats", "scipy.linalg", "scipy.ndimage", "scipy.sparse", "scipy.special"}


@pytest.mark.parametrize("words", [words for words, _ in every_command()], ids=" ".join)
def test_every_command_has_help_with_an_example(words: list[str]) -> None:
    """The help shows the command as a person types it."""
    for option in ("--help", "-h"):
        done = CliRunner().invoke(main, [*words, option])
        assert done.exit_code == 0
        assert any("polelens " + " ".join(words) in line for line in done.output.splitlines()[1:])


def test_every_command_speaks_to_scripts() -> None:
    """All take --json, but for those that have forms of their own that programs read."""
    without = {" ".join(words) for words, one in every_command() if "--json" not in _options(one)}
    assert without == {"metrics", "serve"}  # Prometheus's text; each page's twin


def _options(command: click.Command) -> set[str]:
    return {name for one in command.params for name in one.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    """The first lines in main.py, kept there to be shown without an import, are those of the commands."""
    command = load(name)
    assert command.name == name
    assert (command.help or "").splitlines()[0] == COMMANDS[name][1]


def test_help_waits_for_no_library() -> None:
    """`polelens --help` imports none of the slow ones, and neither does `import polelens`."""
    script = "import sys, polelens; from polelens.cli import main; main(['--help'], standalone_mode=False)"
    show = "; print('IMPORTED', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script + show], capture_output=True, text=True, check=True)
    assert not SLOW & set(done.stdout.partition("IMPORTED")[2].split())


def test_no_command_waits_for_what_only_the_science_needs() -> None:
    """`audit list` and the like start in a second: SciPy's parts and scikit-learn are imported when they are used."""
    script = "import sys; from polelens.cli.main import COMMANDS, load; [load(name) for name in COMMANDS]"
    show = "; print('IMPORTED', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script + show], capture_output=True, text=True, check=True)
    assert not SLOW_PARTS & set(done.stdout.partition("IMPORTED")[2].split())


def test_a_command_that_is_not_there_is_wrong_usage() -> None:
    """Status 2, as for every wrong option."""
    done = CliRunner().invoke(main, ["audits"])
    assert done.exit_code == 2
    assert "No such command 'audits'" in done.output


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("blåbær 山.jpg", "blåbær 山.jpg"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("two\nlines", "two\\nlines"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("\x9b2J", "\\x9b2J"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_acts_on_a_terminal_is_shown_as_an_escape(given: str, shown: str) -> None:
    """Letters of any script stay; controls, overrides of direction and broken bytes do not."""
    assert printable(given) == shown


@pytest.mark.parametrize("values", [[], [1], [{"a": [1, 2]}, None, "blåbær\x9b"]])
def test_lists_are_json_though_they_are_printed_as_they_come(
    values: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone and as the last field of an object, in ASCII."""
    echo_json_list(iter(values))
    told = capsys.readouterr().out
    assert json.loads(told) == values
    assert told.isascii()
    echo_json_object({"audit": 3, "made": {}}, "found", iter(values))
    assert json.loads(capsys.readouterr().out) == {"audit": 3, "made": {}, "found": values}


def progress(done: int, evaluations: int, *, failed: int = 0, state: str = "running") -> Progress:
    return Progress(state, photographs=10, done=done, failed=failed, in_flight=1, evaluations=evaluations)


def test_the_time_left_is_what_is_left_at_this_pace() -> None:
    """Photographs under way count for what they have, failed ones for nothing."""
    pace = Pace(evaluations_each=100)
    pace.add(0.0, progress(0, 0))
    assert pace.seconds_left is None
    pace.add(2.0, progress(1, 200))
    assert pace.evaluations_per_second == 100
    assert pace.seconds_left == pytest.approx(8.0)
    pace.add(4.0, progress(3, 400, failed=2))
    assert pace.seconds_left == pytest.approx(4.0)


def test_the_pace_is_that_of_the_last_while_and_knows_when_nothing_moves() -> None:
    """A fast start long ago says nothing of now."""
    pace = Pace(evaluations_each=100)
    pace.add(0.0, progress(0, 0))
    pace.add(1.0, progress(5, 500))
    for second in range(2, 40):
        pace.add(float(second), progress(5, 500))
    assert pace.evaluations_per_second == 0
    assert pace.seconds_left is None
    assert pace.seconds_still == 38


def test_the_photographs_done_tell_of_the_others() -> None:
    """A recipe that stops early asks less than was planned for."""
    pace = Pace(evaluations_each=100)
    pace.add(0.0, progress(0, 0))
    assert pace.evaluations_expected == 1_000
    pace.add(2.0, replace(progress(4, 200), evaluations_done=160))
    assert pace.evaluations_expected == 400
    assert pace.seconds_left == pytest.approx(3.0)  # six photographs at two a second, though 200 are answered in two


def test_none_done_tells_nothing_of_the_others() -> None:
    """While an audit is judged anew its photographs have evaluations, and none of them is done."""
    pace = Pace(evaluations_each=100)
    pace.add(0.0, replace(progress(0, 500), evaluations_done=500))
    assert pace.evaluations_expected == 1_000


def test_photographs_that_wait_for_their_pictures_take_time() -> None:
    """When nothing is left to ask, the time left is that of the photographs; of too few it is not known."""
    pace = Pace(evaluations_each=100)
    pace.add(0.0, replace(progress(0, 1_000), evaluations_done=0))
    pace.add(1.0, replace(progress(2, 1_000), evaluations_done=200))
    assert pace.seconds_left is None
    pace.add(2.0, replace(progress(5, 1_000), evaluations_done=500))
    assert pace.seconds_left == pytest.approx(2.0)


def test_where_there_is_no_terminal_progress_is_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """One at once and one when something has moved, three seconds apart and later less often; none for nothing."""
    pace = Pace(evaluations_each=100)
    with screen(3, pace) as shown:
        for at, done in (
            (0.0, 0),
            (0.5, 0),
            (1.0, 1),
            (3.5, 2),
            (6.0, 3),
            (9.0, 3),
            (600.0, 4),
            (606.0, 5),
            (613.0, 5),
        ):
            pace.add(at, now := progress(done, 100 * done))
            shown.show(now, at)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "audit 3: 0 of 10 photographs, 0 of about 1,000 evaluations, 0 evaluations/s, time left unknown"
    assert [line.split(" of ")[0] for line in told] == [f"audit 3: {done}" for done in (0, 2, 3, 4, 5)]
    assert "200 of about 1,000 evaluations, 57 evaluations/s, about 14.0 s left" in told[1]


def test_the_last_line_says_what_to_do_next() -> None:
    """Resume what was cancelled; look at what failed; go on with what still runs."""
    assert "`polelens audit watch 3` follows it again" in ending(3, progress(8, 0))
    assert ending(3, progress(10, 0, state="done")) == "audit 3 is done: 10 explained, 0 failed"
    assert "`polelens audit show 3` says why" in ending(3, progress(8, 0, failed=2, state="done"))
    assert "`polelens audit resume 3` goes on" in ending(3, progress(8, 0, state="cancelled"))
