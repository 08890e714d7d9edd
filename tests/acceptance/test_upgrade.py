"""An archive that an earlier version has explained goes on under this one: all of it is taken over."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from pipeline.judge import grounding
from polelens.stack.processes import Processes
from storage.audits import Explained
from storage.database import migrate
from storage.keys import explanation_key
from tests import models
from tests.commands import FEW, Commands, CommandsIn
from tests.earlier_code import EarlierCode, code_of
from tests.live_audits import Bench, pictures, png

BEFORE = "1891cad2083317ef7a350778392e3399aff0b9cb"  # masks were no part of an explanation's identity
MASKED, UNMASKED = ("a", "b"), ("c", "d", "e")
SAME = ("--recipe", "default-2026", *FEW)  # the recipe that was its default

State = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five photographs, masks for two of them and later ones for one of those and another, and two models."""
    for name, pixels in zip(MASKED + UNMASKED, pictures(5, seed=31), strict=True):
        _write(tmp_path / f"photographs/{name}.png", png(pixels))
    for number, where in enumerate(("masks/a", "masks/b", "later/b", "later/c")):
        mask = np.zeros((32, 32, 3), np.uint8)
        mask[4 + 4 * number :, :16] = 255
        _write(tmp_path / f"{where}.png", png(mask))
    for version in (1, 2):
        _write(tmp_path / f"poles-v{version}.zip", models.custom_vision_zip(models.Network(seed=version)))
    return tmp_path


@pytest.fixture
def archive(empty_database_url: str, broker_url: str, folder: Path) -> Iterator[Bench]:
    """A database that the earlier version has made, with audits by hand, by policy and by schedule, and comparisons."""
    environment = {
        "DATABASE_URL": empty_database_url,
        "CELERY_BROKER_URL": broker_url,
        "POLELENS_BLOBS": str(folder / "blobs"),
        "POLELENS_LEASE_SECONDS": "5",
    }
    (folder / "code").mkdir()
    old = EarlierCode(code_of(BEFORE, folder / "code"), environment)
    old.python("-c", "import os; from storage.database import migrate; migrate(os.environ['DATABASE_URL'])")
    bench = Bench(environment, Processes(folder / "workers"))
    worker = old.worker(bench.processes, "old")
    old.polelens("models", "add", folder / "poles-v1.zip", "poles")
    old.polelens("images", "add", folder / "photographs", "--masks", folder / "masks")
    old.polelens("audit", "start", "poles@1", *FEW, "--watch")
    old.polelens("policy", "set", "poles", *FEW)
    old.polelens("schedule", "add", "poles@latest", "--cron", "0 2 * * *", *FEW)
    old.polelens("models", "add", folder / "poles-v2.zip", "poles")  # the policy starts audit 2 and its comparison
    old.polelens("audit", "watch", 2)
    old.polelens("audit", "compare", 1, 2)
    old.polelens("audit", "start", "poles@1", "--recipe", "lime", "--samples", 32, "--watch")
    worker.stop()
    migrate(empty_database_url)
    yield bench
    bench.close()


def test_an_archive_of_an_earlier_version_is_taken_over(archive: Bench, folder: Path, commands: CommandsIn) -> None:
    """Nothing is computed again but where a mask is new; what was found then is read as it was."""
    bench, cli = archive, commands(archive.environment)
    before, told = _state(bench), _answers(cli, 1)
    assert [one["state"] for one in cli.json("audit", "list")] == ["done"] * 3
    _read(cli, folder)

    bench.workers(1)
    for model, recipe in (("poles@1", SAME), ("poles@2", SAME), ("poles@1", ("--recipe", "lime", "--samples", 32))):
        plan = cli.json("audit", "plan", model, *recipe)
        assert (plan["explained_before"], plan["explained_again"], plan["evaluations"]) == (5, 0, 0)
        assert cli.alone("audit", "start", model, *recipe, "--watch")[0] == 0
    with bench.audits.engine.begin() as c:
        c.execute(text("UPDATE schedule SET since = since - interval '2 days'"))
    bench.ask("schedule")
    bench.wait(_until_there(bench, 7))
    assert _state(bench) == before

    cli("images", "add", folder / "photographs", "--masks", folder / "later")
    plan = cli.json("audit", "plan", "poles@1", *SAME)
    assert (plan["explained_before"], plan["explained_again"]) == (3, 2)
    number = cli.json("audit", "start", "poles@1", *SAME)["audit"]
    bench.wait(number)
    again = {row.image_name: row for row in bench.results(number) if row.key not in before["keys"]}
    assert set(again) == {"b.png", "c.png"}
    asked = [row.attribution.evaluations if row.attribution else 0 for row in again.values()]
    judging = plan["evaluations"] / 2  # anew: the earlier version's tests of an answer were others
    assert all(grounding.PLANNED < one <= judging for one in asked)
    assert _state(bench)["tally"] == before["tally"] + sum(asked)
    assert _answers(cli, 1) == told
    for row in again.values():
        _assert_as_alone(bench, row, number)
    assert cli.json("audit", "compare", 1, number)["outcome"]["counts"]["compared"] == 5


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _state(bench: Bench) -> State:
    """What there is, and what it took."""
    with bench.audits.engine.begin() as c:
        keys = {row.key: row.state for row in c.execute(text("SELECT key, state FROM explanation"))}
        tally = c.scalar(text("SELECT sum(n) FROM tally WHERE what = 'evaluations'"))
        parts = c.scalar(text("SELECT sum(n) FROM tally WHERE what = 'parts'"))
    blobs = {name: bench.archive.blobs.get(explanation_key(name, "scores.npz")) for name in keys}
    return {"keys": keys, "tally": tally, "parts": parts, "scores": blobs}


def _assert_as_alone(bench: Bench, row: Explained, number: int) -> None:
    """The numbers are those of an explanation from scratch, by the core alone."""
    assert row.attribution is not None
    alone = bench.explained_alone(bench.registry.find("poles@1"), row, bench.audits.get(number).recipe)
    for found, anew in zip(row.attribution.labels, alone.labels, strict=True):
        np.testing.assert_allclose(found.weights, anew.weights, atol=1e-6)
        assert found.judgement is not None
        assert anew.judgement is not None
        for name, value in asdict(anew.judgement.grounding).items():
            np.testing.assert_allclose(getattr(found.judgement.grounding, name), value, atol=1e-6)


def _answers(cli: Commands, number: int) -> Any:
    return cli.json("audit", "show", number)["explanations"]


def _read(cli: Commands, folder: Path) -> None:
    """Pages, tables and what starts itself, as the earlier version left them."""
    cli("audit", "report", 2, "--out", folder / "report")
    page = (folder / "report/index.html").read_text()
    assert page.count(".webp") >= 5
    stored = len(list((folder / "blobs/explanations").rglob("*.png")))
    assert cli.json("gc", "--yes", "--grace", "0s")["removed"]["pictures that are drawn now"] == stored > 3 * 5
    assert not list((folder / "blobs/explanations").rglob("*.png"))
    cli("audit", "report", 2, "--out", folder / "report")
    assert (folder / "report/index.html").read_text() == page
    cli("audit", "export", 1, "--format", "csv", "--out", folder / "export")
    assert (folder / "export/photographs.csv").read_text().count("\n") == 1 + 5
    assert cli.json("audit", "compare", 1, 2)["outcome"]["counts"]["compared"] == 5
    [policy] = cli.json("policy", "list")
    [schedule] = cli.json("schedule", "list")
    assert (policy["model"], schedule["model"], schedule["last"]) == ("poles", "poles@latest", None)


def _until_there(bench: Bench, number: int) -> int:
    """An audit's number once something has started it."""
    bench.wait(number, until=lambda progress: progress.photographs > 0)
    return number
