"""Selections on the command line, and what is said of one before an audit of it."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.commands import FEW, Commands, CommandsIn
from tests.played_ledger import Desk


def archived(cli: Commands, folder: Path, zipped: Path, *, table: str) -> None:
    """A model of BETONG, STAAL and TRE, and three photographs, one of them a panorama."""
    for number, (name, size) in enumerate(
        {"nord/a.png": (40, 44), "nord/b.png": (40, 40), "pano.png": (20, 90)}.items()
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "labels.csv").write_text(table)
    cli("models", "add", zipped, "poles")
    cli("images", "add", folder, "--labels", folder / "labels.csv")


def test_what_is_wrong_with_the_photographs_is_said_before_an_audit(
    cli: Commands, tmp_path: Path, zipped: Path
) -> None:
    """Labels that the model lacks, with the nearest that it has, and what it is not shown; by plan and by start."""
    archived(cli, tmp_path / "p", zipped, table="path,label\na.png,tre\nb.png,TRE\npano.png,granitt\n")
    for words in (("plan",), ("start",)):
        told = cli.run("audit", *words, "poles", *FEW).stderr
        assert "1 photograph is known as tre, which is no label of poles@1 and counts as unknown" in told
        assert "the nearest that it has is TRE" in told
        assert "known as granitt, which is no label of poles@1 and counts as unknown\n" in told
        assert "known as TRE" not in told
        assert "poles@1 is shown less than 60% of 1 photograph, as its profile's crop is" in told
        assert "of pano.png" in told
    assert "shown less" not in cli.run("audit", "plan", "poles", "--images", "nord/*", *FEW).stderr


def test_a_selection_of_nothing_says_what_may_be_meant(cli: Commands, tmp_path: Path, zipped: Path) -> None:
    """A label that is nearly there, a word that is a label, a part of a name; nothing where nothing is near."""
    archived(cli, tmp_path / "p", zipped, table="path,label\na.png,TRE\nb.png,BETONG\n")
    for selection, meant in {
        "label:betongg": "did you mean 'label:BETONG'?",
        "labels:TRE": "did you mean 'label:TRE'?",
        "betong": "did you mean 'label:BETONG'?",
        "nord": "did you mean '*nord*'?",
        "label:granitt": "no photograph is selected by 'label:granitt'; `polelens images list`",
    }.items():
        for command in ("start", "plan"):
            assert meant in cli.refused("audit", command, "poles", "--images", selection, *FEW)
    assert "did you mean 'label:TRE'?" in cli.run("images", "list", "--images", "label:trre").stderr
    assert [one["name"] for one in cli.json("images", "list", "--images", "LABEL:tre")] == ["nord/a.png"]


def test_one_selection_is_one_option(cli: Commands) -> None:
    """Of two the first would be left out, and nobody told."""
    for words in (
        ("audit", "plan", "poles"),
        ("audit", "start", "poles"),
        ("policy", "set", "poles"),
        ("images", "list"),
    ):
        told = cli.refused(*words, "--images", "nord/*", "--images", "pano.png", status=2)
        assert "'nord/*' and 'pano.png', expected one selection; a pattern may hold * and ?" in told


def test_names_of_models_do_not_mind_case(cli: Commands, tmp_path: Path, zipped: Path) -> None:
    """One model has one name, however it is written: as it was registered first."""
    archived(cli, tmp_path / "p", zipped, table="path,label\na.png,TRE\n")
    assert cli("models", "add", zipped, "POLES").startswith("poles@1 was registered before")
    assert cli.json("models", "show", "Poles@1")["name"] == "poles"
    assert cli.json("policy", "set", "Poles")["model"] == "poles"
    assert cli.json("policy", "show", "POLES")["model"] == "poles"
    assert cli.json("schedule", "add", "Poles@latest", "--cron", "0 2 * * 0")["model"] == "poles@latest"
    assert cli.json("audit", "start", "pOLES", "--recipe", "LIME", "--images", "ALL")["model"] == "poles@1"
    assert cli("policy", "remove", "pOLEs") == "poles has no policy any more\n"
    for words in (("models", "show"), ("audit", "start"), ("audit", "plan")):
        assert "there is no model pols (did you mean poles?)" in cli.refused(*words, "pols")


def test_a_policy_of_what_is_not_there_yet_says_so(cli: Commands, tmp_path: Path, zipped: Path) -> None:
    """It may be meant: a model that is still trained, photographs that are still to come."""
    archived(cli, tmp_path / "p", zipped, table="path,label\na.png,TRE\n")
    told = cli.run("policy", "set", "poless", "--images", "label:tree")
    assert "there is no model poless yet (did you mean poles?): the policy waits for its first version" in told.stderr
    assert "no photograph is selected by 'label:tree' yet; did you mean 'label:TRE'?" in told.stderr
    assert cli.run("policy", "set", "poles").stderr == ""
    told = cli.run("schedule", "add", "poles", "--cron", "0 2 * * 0", "--images", "south/*")
    assert "no photograph is selected by 'south/*' yet" in told.stderr
    assert "polles has no policy (did you mean poles?)" in cli.refused("policy", "show", "polles")


def test_an_audit_of_an_empty_archive_says_how_to_fill_it(cli: Commands, zipped: Path) -> None:
    """And one of a registry without a model how to register one."""
    assert "`polelens models add FILE NAME` registers one" in cli.refused("audit", "start", "poles")
    cli("models", "add", zipped, "poles")
    for command in ("start", "plan"):
        assert "for the archive is empty; `polelens images add PATH` adds some" in cli.refused(
            "audit", command, "poles"
        )


def test_options_that_a_segmenter_does_not_have(cli: Commands, tmp_path: Path, zipped: Path) -> None:
    """They are named with the nearest that it has, before anything is asked for."""
    archived(cli, tmp_path / "p", zipped, table="path,label\na.png,TRE\n")
    for command in ("start", "plan"):
        told = cli.refused("audit", command, "poles", "--set", "segmenter.n_segment=80")
        assert "segmenter slic has no option 'n_segment' (did you mean n_segments?); it has n_segments, compact" in told
    assert "segmenter is 'slik' (did you mean slic?)" in cli.refused(
        "audit", "plan", "poles", "--set", "segmenter=slik"
    )
    assert cli.json("audit", "list") == []


def test_an_audit_that_has_nothing_left_is_not_resumed(
    desk: Desk, commands: CommandsIn, broker_url: str, tmp_path: Path
) -> None:
    """Done, and nothing failed: it says so; where something failed it is tried again."""
    url = desk.engine.url.render_as_string(hide_password=False)
    cli = commands({"DATABASE_URL": url, "CELERY_BROKER_URL": broker_url, "POLELENS_BLOBS": str(tmp_path / "blobs")})
    desk.audit("a", "b")
    first, second = desk.ledger.produce(64)
    desk.finish(first)
    desk.ledger.fail("prepare", second.explanation, "torn")
    desk.ledger.settle()
    assert cli.json("audit", "resume", "1")["state"] == "running"
    [again] = desk.ledger.produce(64)
    desk.finish(again)
    desk.ledger.settle()
    told = cli("audit", "resume", "1")
    assert "audit 1 is done and nothing of it failed, so there is nothing to resume; `polelens audit start" in told
