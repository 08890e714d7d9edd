"""Policies, schedules and comparisons through the command line, with no workers: what it says and what it refuses."""

from datetime import datetime
from pathlib import Path

import pytest

from tests import models
from tests.commands import Commands


@pytest.fixture
def stocked(cli: Commands, zipped: Path, photographs: Path) -> Commands:
    """An archive with four photographs and poles@1."""
    cli("models", "add", zipped, "poles")
    cli("images", "add", photographs)
    return cli


def test_a_schedule_from_add_to_remove(stocked: Commands) -> None:
    """Added, listed, paused, resumed, asked for its next due times on its own clock, and removed."""
    cli = stocked
    assert "there are no schedules" in cli.run("schedule", "list").stderr
    told = cli(
        "schedule", "add", "poles@latest", "--cron", "0 2 * * 0", "--timezone", "Europe/Oslo", "--recipe", "lime"
    )
    assert told.startswith("schedule 1 starts its first audit at Sun ")
    [listed] = cli.json("schedule", "list")
    assert (listed["schedule"], listed["model"], listed["cron"]) == (1, "poles@latest", "0 2 * * 0")
    assert (listed["recipe"]["name"], listed["images"], listed["compare"]) == ("lime", "all", "previous")
    assert (listed["paused"], listed["last"]) == (False, None)
    times = [datetime.fromisoformat(one) for one in cli.json("schedule", "next", "1", "--count", "60")]
    assert len(times) == 60
    assert {one.utcoffset().total_seconds() for one in times} == {3600, 7200}  # type: ignore[union-attr]
    assert {(one.weekday(), one.hour) for one in times} <= {(6, 2), (6, 3)}
    assert cli("schedule", "next", "1", "--count", "2").count("Sun ") == 2
    assert "is paused" in cli("schedule", "pause", "1")
    assert "paused" in cli("schedule", "list")
    assert cli.json("schedule", "next", "1") == []
    assert "schedule 1 goes on; next Sun " in cli("schedule", "resume", "1")
    assert cli("schedule", "remove", "1") == "schedule 1 is removed\n"
    assert "there is no schedule 1" in cli.refused("schedule", "pause", "1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("poles", "--cron", "weekly"), "cron is 'weekly'"),
        (("poles", "--cron", "0 2 * * 0", "--timezone", "Mars/Olympus"), "timezone is 'Mars/Olympus'"),
        (("nobody", "--cron", "0 2 * * 0"), "there is no model nobody"),
        (("poles", "--cron", "0 2 * * 0", "--label", "GLASS"), "no label 'GLASS'"),
    ],
)
def test_a_wrong_schedule_is_refused(stocked: Commands, words: tuple[str, ...], told: str) -> None:
    """In one sentence, and nothing is added."""
    assert told in stocked.refused("schedule", "add", *words)
    assert stocked.json("schedule", "list") == []


def test_a_policy_from_set_to_remove(stocked: Commands, tmp_path: Path) -> None:
    """Set, shown, answered by `models add` once, and removed."""
    cli, other = stocked, tmp_path / "other.zip"
    other.write_bytes(models.custom_vision_zip(models.Network(seed=1)))
    assert "there are no policies" in cli.run("policy", "list").stderr
    told = cli("policy", "set", "poles", "--images", "*.png", "--samples", "16")
    assert told.startswith("each new version of poles is explained by recipe default, images *.png, and compared")
    added = cli.json("models", "add", other, "poles")
    assert added["audits"] == [{"audit": 1, "model": "poles@2", "before": 2}]
    assert cli.json("models", "add", other, "poles")["audits"] == []
    assert "the last audit that it started is 1" in cli("policy", "show", "poles")
    [listed] = cli.json("policy", "list")
    assert (listed["model"], listed["audit"], listed["problem"]) == ("poles", 1, None)
    assert listed == cli.json("policy", "show", "poles")
    assert "*.png" in cli("policy", "list")
    [waiting] = cli.json("audit", "comparisons")
    assert (waiting["before"], waiting["after"], waiting["state"]) == (2, 1, "waiting")
    assert "has no policy any more" in cli("policy", "remove", "poles")
    assert "poles has no policy" in cli.refused("policy", "show", "poles")


def test_a_policy_that_cannot_be_followed_says_so(stocked: Commands, tmp_path: Path) -> None:
    """The version is registered all the same."""
    cli, other = stocked, tmp_path / "other.zip"
    other.write_bytes(models.custom_vision_zip(models.Network(seed=1)))
    cli("policy", "set", "poles", "--images", "nothing*")
    result = cli.run("models", "add", other, "poles")
    assert result.exit_code == 0
    assert "poles@2 is registered" in result.stdout
    assert "its policy started no audit: no photograph is selected" in result.stderr
    assert "no photograph is selected" in cli("policy", "show", "poles")


def test_comparing_what_is_not_done_is_refused(stocked: Commands) -> None:
    """With the audit's number and state."""
    stocked("audit", "start", "poles")
    stocked("audit", "start", "poles")
    assert "audit 1 is running; only audits that are done" in stocked.refused("audit", "compare", "1", "2")
    assert "there is no audit 9" in stocked.refused("audit", "compare", "9", "2")
    assert "there are no comparisons" in stocked.run("audit", "comparisons").stderr


def test_what_starts_itself_has_its_word_for_the_object(stocked: Commands, tmp_path: Path) -> None:
    """A policy's and a schedule's audits are given it, it is in no digest, and a view's sentence has it."""
    plain = stocked.json("schedule", "add", "poles@latest", "--cron", "0 2 * * *")
    made = stocked.json("schedule", "add", "poles@latest", "--cron", "0 2 * * *", "--object", "the insulator")
    assert (plain["object"], made["object"]) == ("object", "insulator")
    assert plain["recipe"]["digest"] == made["recipe"]["digest"]
    stocked("policy", "set", "poles", "--object", "mast")
    assert stocked.json("policy", "show", "poles")["object"] == "mast"
    (tmp_path / "later.zip").write_bytes(models.custom_vision_zip(models.Network(seed=7)))
    stocked("models", "add", tmp_path / "later.zip", "poles")
    assert {one["object"] for one in stocked.json("audit", "list")} == {"mast"}
    assert "is no word for the object" in stocked.refused("policy", "set", "poles", "--object", " ", status=2)
