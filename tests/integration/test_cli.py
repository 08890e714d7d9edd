"""What goes wrong around the command line: settings, services, an empty archive."""

import json

from pipeline.recipes import RECIPES, recipe
from tests.commands import Commands, CommandsIn


def test_a_missing_or_wrong_setting_is_named(nowhere: Commands, commands: CommandsIn) -> None:
    """The variable and the remedy."""
    cli = commands({"CELERY_BROKER_URL": "redis://127.0.0.1:1/0"})
    assert "DATABASE_URL is not set and no local stack is running" in cli.refused("models", "list")
    elsewhere = {"CELERY_BROKER_URL": "redis://127.0.0.1:1/0", "POLELENS_BLOBS": "blobs"}
    for url in ("mysql://me@host/db", "nonsense", "sqlite://"):
        cli = commands(elsewhere | {"DATABASE_URL": url})
        for words in (["models", "list"], ["migrate"]):
            assert "DATABASE_URL is not Postgres's" in cli.refused(*words)
    cli = commands(elsewhere | {"DATABASE_URL": "postgresql://me@127.0.0.1:1/db"})
    for words in (["models", "list"], ["migrate"], ["audit", "show", "1"]):
        assert "Error: Postgres: " in cli.refused(*words)


def test_a_database_with_no_tables_is_migrated(
    commands: CommandsIn, environment: dict[str, str], empty_database_url: str
) -> None:
    """The refusal names the command, and the command mends it."""
    cli = commands(environment | {"DATABASE_URL": empty_database_url})
    assert "`polelens migrate` brings the database to the newest schema" in cli.refused("models", "list")
    assert "newest schema" in cli("migrate")
    assert cli.json("models", "list") == []


def test_the_doctor_speaks_to_scripts(cli: Commands) -> None:
    """The same findings, and status 1 where one is bad: nobody listens here."""
    result = cli.run("doctor", "--json")
    found = {one["subject"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert found["Postgres"]["ok"]
    assert (found["workers"]["ok"], "polelens up" in found["workers"]["remedy"]) == (False, True)
    assert "FAIL workers: none answers" in cli.run("doctor").stdout


def test_recipes_are_listed(nowhere: Commands) -> None:
    """Without services, with their digests for scripts."""
    assert nowhere.json("recipes")["lime"]["digest"] == recipe("lime").digest
    assert all(name in nowhere("recipes").split() for name in RECIPES)  # whole, however narrow the terminal


def test_lists_with_nothing_in_them_say_how_to_begin(cli: Commands) -> None:
    """On the error output, so that a script's pipe stays empty."""
    for name, command in (("models", "models add"), ("images", "images add"), ("audit", "audit start")):
        result = cli.run(name, "list")
        assert (result.exit_code, result.stdout) == (0, "")
        assert f"`polelens {command}" in result.stderr
        assert cli.json(name, "list") == []
