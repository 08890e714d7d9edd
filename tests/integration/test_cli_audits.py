"""Audits through the command line: from start to report, with real workers and with none."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import redis

from pipeline.methods import planned
from pipeline.recipes import recipe
from polelens.cli import store
from polelens.stack.address import free_port
from storage.archive import Photograph
from tests import models
from tests.commands import FEW, Commands, CommandsIn
from tests.live_audits import Bench, pictures, png

SUPERPIXELS = 29  # the mean of 30, 27 and 29: what the segmenter of the default recipe makes of the pictures below
REST = sum(planned(recipe("default"), SUPERPIXELS).values()) - 9 * 64  # beside the evaluations of the seeds


@pytest.fixture(scope="module")
def audited(shared_bench: Bench) -> Bench:
    """The shared workers' bench, with photographs of this module's own, and a model."""
    onnx_file = models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5)
    shared_bench.model(onnx_file, "yes", "no", name="cli")
    half = np.zeros((32, 32, 3), np.uint8)
    half[:16] = 255
    for number, pixels in enumerate(pictures(3, seed=77)):
        photograph = Photograph(f"cli/[red]{number}\x1b[31m.png", png(pixels), "yes", png(half) if number else None)
        assert shared_bench.archive.add(photograph)
    return shared_bench


def test_an_audit_is_found_again_by_what_it_was_called(audited: Bench, commands: CommandsIn) -> None:
    """Name, note and tags are given at the start or later; the list tells two recipes of one name apart."""
    cli = commands({**audited.environment, "POLELENS_USER": "kari"})
    called = ("--name", "winter round", "--note", "at 6 o'clock", "--tag", "north", "--tag", "cold")
    asked = ("--images", "cli/*", *FEW, "--set", "fill=black", *called)
    status, out, err = cli.alone("audit", "start", "cli", *asked, "--watch")  # its workers hear of it from it alone
    assert status == 0, err
    number = out.split()[1].rstrip(":")
    [one] = cli.json("audit", "list", "--name", "WINTER*", "--tag", "north", "--by", "kari", "--model", "cli")
    assert (one["name"], one["note"], one["tags"]) == ("winter round", "at 6 o'clock", ["cold", "north"])
    assert (str(one["audit"]), one["started_by"], one["refit_of"]) == (number, "kari", None)
    assert cli("audit", "note", number).strip() == f"audit {number}, winter round [cold, north]: at 6 o'clock"
    assert "spring" in cli("audit", "note", number, "", "--name", "spring")
    assert "[dry, north]" in cli("audit", "tag", number, "dry", "--remove", "cold")
    assert cli.alone("audit", "tag", number, "--remove", "wet")[::2] == (
        1,
        f"Error: audit {number} has no tag 'wet'; it has dry, north\n",
    )
    assert cli.json("audit", "list", "--tag", "cold") == []
    assert "no audit is so" in cli.alone("audit", "list", "--tag", "cold")[2]
    table = cli("audit", "list", "--tag", "dry")
    assert "spring" in table
    assert "fill=" in table
    status, _, refused = cli.alone("audit", "start", "cli", "--name", "a\nb")
    assert status
    assert "expected one line" in refused
    assert cli.alone("audit", "refit", number, "--set", "kernel_width=0.5", "--tag", "refits")[0] == 0
    [again] = cli.json("audit", "list", "--tag", "refits")
    assert again["refit_of"] == int(number)


def test_an_audit_from_start_to_report(audited: Bench, commands: CommandsIn, tmp_path: Path) -> None:
    """Start and watch it, list it, show it, one photograph of it, and write its report."""
    cli = commands(audited.environment)
    status, out, err = cli.alone("audit", "start", "cli", "--images", "cli/*", *FEW, "--watch")
    assert status == 0, err
    number = int(out.split()[1].rstrip(":"))
    assert out.strip().startswith(f"audit {number}: 3 photographs under cli@1, about {3 * (32 + REST)} evaluations")
    assert f"reckoned with {SUPERPIXELS} superpixels, the mean of 3 photographs" in out
    assert f"audit {number} is done: 3 explained, 0 failed" in err

    [listed] = [one for one in cli.json("audit", "list") if one["audit"] == number]
    assert (listed["state"], listed["done"], listed["images"], listed["model"]) == ("done", 3, "cli/*", "cli@1")
    assert "T" in listed["created_at"]
    assert str(number) in cli("audit", "list")

    shown = cli("audit", "show", number)
    assert "cli/[red]1\\x1b[31m.png" in shown
    assert "\x1b" not in shown
    assert "and 2 more" in cli("audit", "show", number, "--limit", "1")
    everything = cli.json("audit", "show", number)
    assert everything["audit"] == number
    assert [one["name"] for one in everything["explanations"]] == [f"cli/[red]{i}\x1b[31m.png" for i in range(3)]
    assert sum(one["photographs"] for one in everything["judgements"]) == 3
    assert sum(one["photographs"] for one in everything["judgements"] if one["masked"]) == 2
    assert everything["verdicts"] == []
    assert everything["background_reliance"][-1]["photographs"] <= 2
    with_mask, without = everything["explanations"][1], everything["explanations"][0]
    grounding = with_mask["labels"]["yes"]["judgement"]["grounding"]
    assert (with_mask["label"], grounding["mask_area"]) == ("yes", 0.5)
    assert 0 <= grounding["mask_share"] <= 1
    assert set(without["labels"]["yes"]["judgement"]["grounding"].values()) == {None}

    with store.engine().begin() as c:
        c.exec_driver_sql("UPDATE image SET label = 'no' WHERE name LIKE 'cli/%%'")
    shown = cli("audit", "show", number, "--first", "2")
    assert shown.count("said to be yes but known as no") == 2
    assert f"and 1 more: --first, or `polelens audit report {number}`" in shown
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    looks = cli.json("audit", "show", number)["look_first"]
    assert [(look["rank"], look["known_label"]) for look in looks] == [(1, "no"), (2, "no"), (3, "no")]
    with store.engine().begin() as c:
        c.exec_driver_sql("UPDATE image SET label = 'yes' WHERE name LIKE 'cli/%%'")

    sha256 = with_mask["image"]["sha256"]
    for image in (sha256, sha256[:16], with_mask["name"]):
        assert cli.json("audit", "show", number, "--image", image) == with_mask
    assert "means more than one photograph" in _ambiguous(cli, number, everything)
    assert "has no explanation of 'nobody'" in cli.refused("audit", "show", number, "--image", "nobody")

    told = cli("audit", "report", number, "--out", tmp_path / "report")
    assert (tmp_path / "report/index.html").is_file()
    assert str(tmp_path / "report/index.html") in told
    assert len(list((tmp_path / "report/pictures").rglob("*.webp"))) >= 3


def _ambiguous(cli: Commands, number: int, everything: Mapping) -> str:
    """The refusal of a name that three photographs share; in this archive names are given once, so rename them."""
    engine = store.engine()
    names = {one["image"]["sha256"]: one["name"] for one in everything["explanations"]}
    with engine.begin() as c:
        c.exec_driver_sql("UPDATE image SET name = 'cli/same' WHERE name LIKE 'cli/%%'")
    try:
        return cli.refused("audit", "show", number, "--image", "cli/same")
    finally:
        with engine.begin() as c:
            for sha256, name in names.items():
                c.exec_driver_sql("UPDATE image SET name = %s WHERE sha256 = %s", (name, sha256))


def test_what_was_explained_before_is_in_the_plan(audited: Bench, commands: CommandsIn) -> None:
    """A script reads the plan: what is left to do, and how long one worker takes at the rate measured."""
    cli = commands(audited.environment)
    first = ("audit", "start", "cli", "--images", "cli/*", "--samples", "8", "--set", "seeds=[3]")
    status, out, err = cli.alone(*first, "--json", "--watch")
    assert status == 0, err
    assert (json.loads(out)["explained_before"], json.loads(out)["evaluations"]) == (0, 3 * (8 + REST))
    status, out, err = cli.alone(*first, "--json", "--watch")
    again = json.loads(out)
    assert (status, again["photographs"], again["explained_before"], again["evaluations"]) == (0, 3, 3, 0)
    assert again["seconds_of_one_worker"] == 0.0
    assert "3 of them explained before" in cli.alone(*first)[1]


def test_a_plan_starts_nothing(audited: Bench, commands: CommandsIn) -> None:
    """Photographs, evaluations, parts, bytes and the time on so many workers; what was explained is not counted."""
    cli = commands(audited.environment)
    asked = ("audit", "plan", "cli", "--images", "cli/*", "--samples", "64", "--set", "seeds=[5,7]")
    before = cli.json("audit", "list")
    one, two = (cli.json(*asked, "--workers", number) for number in (1, 2))
    assert cli.json("audit", "list") == before
    assert (one["photographs"], one["explained_before"]) == (3, 0)
    assert one["rate_from"] in ("audits", "warm-up")  # the latter where this machine was busy during the audits
    assert one["evaluations"] == 3 * (128 + REST)
    assert one["parts"] == 3 * (1 + 1)  # 300 to a part, and the judge asks by itself
    assert 3 * 100_000 < one["bytes"] < 3 * 300_000  # scenes and scores, and no picture
    assert (one["superpixels"], one["superpixels_from"]) == (SUPERPIXELS, 3)
    assert one["seconds"] > one["evaluations"] / one["evaluations_per_second"]  # see tests/unit/test_plan.py
    there = cli.json(*asked)
    assert [(told["workers"], told["workers_from"]) for told in (two, there)] == [(2, "asked"), (2, "answering")]
    assert "on the 2 worker processes that answer" in cli(*asked)
    assert f"about {3 * (128 + REST)} evaluations in 6 parts, 382 kB to store" in cli(*asked)
    assert "no photograph is selected by 'nobody'" in cli.refused("audit", "plan", "cli", "--images", "nobody")


def test_several_recipes_are_an_audit_each(audited: Bench, commands: CommandsIn, tmp_path: Path) -> None:
    """Planned each and together, started and watched together, and compared with each other; the changes are made to
    each."""
    cli = commands(audited.environment)
    asked = ("cli", "--images", "cli/*", "--recipe", "default, default-2026", "--samples", "16", "--set", "seeds=[9,8]")
    planned = cli.json("audit", "plan", *asked)
    assert [one["recipe"] for one in planned["plans"]] == ["default", "default-2026"]
    assert planned["together"]["evaluations"] == sum(one["evaluations"] for one in planned["plans"]) > 0
    lines = cli("audit", "plan", *asked).splitlines()
    assert [line.split(":")[0] for line in lines] == ["default", "default-2026", "together"]
    status, out, err = cli.alone("audit", "start", *asked, "--json", "--watch")
    assert status == 0, err
    first, second = json.loads(out)
    assert {first["recipe"], second["recipe"]} == {"default", "default-2026"}
    for one in (first, second):
        assert f"audit {one['audit']} is done: 3 explained" in err
    kept = {one["audit"]: one for one in cli.json("audit", "list")}
    assert kept[second["audit"]]["recipe"]["samples"] == 16
    told = cli("audit", "start", *asked)
    assert told.startswith("audit ")
    assert " by default: 3 photographs under cli@1, 3 of them explained before" in told
    assert " by default-2026: 3 photographs" in told


def test_one_refused_recipe_refuses_all(audited: Bench, commands: CommandsIn) -> None:
    """Before anything is started: a name that there is not, one named twice, a label that the model lacks, and a
    change that one of the methods has no use for."""
    cli = commands(audited.environment)
    before = cli.json("audit", "list")
    for command in ("start", "plan"):
        for recipes, told in (
            ("default,nobody", "there is no recipe 'nobody'"),
            ("default,", "there is no recipe ''"),
            ("default,default", "recipes default and default are one and the same"),
        ):
            assert told in cli.refused("audit", command, "cli", "--images", "cli/*", "--recipe", recipes)
        labelled = ("--recipe", "default,occlusion", "--label", "maybe")
        assert "the model has no label 'maybe'" in cli.refused("audit", command, "cli", *labelled)
        useless = ("--recipe", "default,occlusion", "--samples", "64")
        assert "samples" in cli.refused("audit", command, "cli", *useless)
    assert cli.json("audit", "list") == before


def test_a_plan_of_a_model_that_nobody_ran_measures_it_here(cli: Commands, zipped: Path, photographs: Path) -> None:
    """Once: the next plan, and `audit start`, know it; the start of an audit by itself measures nothing."""
    cli("models", "add", zipped, "poles")
    cli("images", "add", photographs)
    assert "how fast is not known yet" in cli("audit", "start", "poles")
    told, each = cli("audit", "plan", "poles", "--workers", "2"), sum(planned(recipe("default"), 27).values())
    assert f"4 photographs under poles@1, about {4 * each:,} evaluations in " in told
    assert "reckoned with 27 superpixels, the mean of 4 photographs" in told
    assert told.endswith(" on 2 worker processes\n")
    result = cli.run("audit", "plan", "poles")
    assert "on 1 worker process, assumed as none answers" in result.stdout
    assert "measured by a warm-up on this machine: " in result.stderr
    first, second = (cli.json("audit", "plan", "poles") for _ in range(2))
    for told in (first, second):
        assert (told["workers"], told["workers_from"], told["rate_from"]) == (1, "assumed", "warm-up")
    assert first["evaluations_per_second"] == second["evaluations_per_second"]
    assert "how fast" not in cli("audit", "start", "poles", "--recipe", "lime")
    rounds, asked = cli.json("audit", "plan", "poles", "--recipe", "adaptive"), ("poles", "--recipe", "adaptive")
    assert rounds["evaluations_least"] == 4 * rounds["in_rounds"]["least"] == first["evaluations"] - 4 * 6 * 64
    assert rounds["evaluations"] == 4 * rounds["in_rounds"]["most"] == first["evaluations"] + 4 * 5 * 64
    assert first["in_rounds"] is None
    for command in ("plan", "start"):
        result = cli.run("audit", command, *asked)
        told = f"about {rounds['evaluations_least']:,} to {rounds['evaluations']:,} evaluations in at most "
        assert told in result.stdout
        assert ", at most " in result.stdout
        assert rounds["in_rounds"]["sentence"] in result.stderr
    lower = cli.run("audit", "plan", "poles", "--set", "precision=bf16")
    assert "4 photographs under poles@1, computed in bf16, about " in lower.stdout
    assert "how fast is not known yet: `polelens audit plan` measures it on a machine that computes" in lower.stdout
    assert "what bf16 does to the weights is not known: precision: CPUExecutionProvider does not" in lower.stderr


def test_ctrl_c_ends_the_watching_and_not_the_audit(cli: Commands, zipped: Path, photographs: Path) -> None:
    """Status 130 and how to go on; then cancel, resume and watch, with no worker at all."""
    cli("models", "add", zipped, "poles")
    cli("images", "add", photographs)
    with cli.process("audit", "start", "poles", "--watch", *FEW) as watching:
        assert watching.stdout is not None
        assert "audit 1: 4 photographs under poles@1" in watching.stdout.readline()
        _await_hint(cli)
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=60)
    assert watching.returncode == 130, err
    assert "`polelens audit watch 1` follows it again" in err
    assert "Traceback" not in err
    assert cli.json("audit", "list")[0]["state"] == "running"

    assert "`polelens audit resume 1` goes on" in cli("audit", "cancel", "1")
    assert cli("audit", "cancel", "1") == "audit 1 is cancelled already\n"
    result = cli.run("audit", "watch", "1")
    assert result.exit_code == 1
    assert "audit 1 is cancelled: 0 explained, 0 failed; `polelens audit resume 1` goes on" in result.stderr
    assert cli.alone("audit", "resume", "1")[:2] == (0, "audit 1 goes on\n")
    assert cli.json("audit", "list")[0]["state"] == "running"
    assert "0 of 4 photographs explained" in " ".join(cli("audit", "show", "1").split())
    assert cli.json("audit", "show", "1")["explanations"] == []


def _await_hint(cli: Commands) -> None:
    """Return when the command has asked for work, after which it only watches."""
    with redis.Redis.from_url(cli.environment["CELERY_BROKER_URL"], socket_timeout=90) as client:
        assert client.blmove("control", "control", 60) is not None


def test_an_audit_is_started_though_redis_is_gone(cli: Commands, zipped: Path, photographs: Path) -> None:
    """The ledger has it: the command says its number, and that it goes on later."""
    cli("models", "add", zipped, "poles")
    cli("images", "add", photographs)
    gone = Commands(dict(cli.environment) | {"CELERY_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0"})
    status, out, err = gone.alone("audit", "start", "poles", "--json")
    assert (status, json.loads(out)["audit"]) == (0, 1)
    assert "Redis takes no messages now" in err
    assert "Traceback" not in err


def test_an_audit_that_cannot_be_is_refused(cli: Commands, zipped: Path, photographs: Path) -> None:
    """Before anything is written: no such model, label, recipe, field, selection, number."""
    cli("models", "add", zipped, "poles")
    assert "no photograph is selected by 'all'" in cli.refused("audit", "start", "poles")
    cli("images", "add", photographs)
    for words, reason in (
        (("nobody",), "there is no model nobody"),
        (("poles@9",), "there is no model poles@9"),
        (("poles", "--label", "POLE"), "no label 'POLE'; it has BETONG, STAAL, TRE"),
        (("poles", "--recipe", "limes"), "there is no recipe 'limes'"),
        (("poles", "--set", "samples"), "expected FIELD=VALUE"),
        (("poles", "--set", "sample=5"), "unknown field sample"),
        (("poles", "--set", "surrogate=sklearn.svm.Nothing"), "no sklearn.svm.Nothing"),
        (("poles", "--samples", "2"), "samples is 2, expected auto or a whole number from 4"),
        (
            ("poles", "--set", 'segmenter={"name":"grid","n_segments":50000}'),
            "n_segments is 50,000, expected at most 1,024",
        ),
        (("poles", "--images", "label:POLE"), "no photograph is selected by 'label:POLE'"),
    ):
        assert reason in cli.refused("audit", "start", *words)
    for name in ("show", "watch", "cancel", "resume", "report"):
        assert "there is no audit 7" in cli.refused("audit", name, "7")
        assert "Error: Invalid value" in cli.refused("audit", name, "99999999999", status=2)
    assert cli.json("audit", "list") == []
