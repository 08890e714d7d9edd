"""Judged anew through workers: the scores that were kept answer, weights stay to the bit, and nothing is lost."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from pipeline.answer.judgement import Thresholds
from pipeline.conversation.known import Known
from pipeline.conversation.probe import unpack_evidence
from pipeline.judge import grounding
from polelens.stack.processes import Processes
from storage.database import migrate
from storage.keys import image_key, scores_key
from tests import models
from tests.commands import FEW, Commands, CommandsIn
from tests.earlier_code import EarlierCode, code_of
from tests.live_audits import Bench, pictures, png

BEFORE = "1891cad2083317ef7a350778392e3399aff0b9cb"  # an explanation had one verdict, by other tests
KEPT = "weights, std_error, weights_by_seed, intercept, fidelity, rule, denoised"  # what no judgement may touch
STRICT = {"POLELENS_JUDGE_GAP": "0.99"}  # there is nothing to explain then

Rows = list[tuple[Any, ...]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four photographs, masks for two of them, and two models."""
    for name in ("photographs", "masks", "code"):
        (tmp_path / name).mkdir()
    for number, pixels in enumerate(pictures(4, seed=17)):
        (tmp_path / f"photographs/{number}.png").write_bytes(png(pixels))
        mask = np.zeros((32, 32, 3), np.uint8)
        mask[8:, 4 + 4 * number : 24] = 255
        if number < 2:
            (tmp_path / f"masks/{number}.png").write_bytes(png(mask))
    for version in (1, 2):
        (tmp_path / f"poles-v{version}.zip").write_bytes(models.custom_vision_zip(models.Network(seed=version)))
    return tmp_path


@pytest.fixture
def earlier(empty_database_url: str, broker_url: str, folder: Path) -> Iterator[Bench]:
    """Two audits that an earlier version made and compared."""
    environment = {
        "DATABASE_URL": empty_database_url,
        "CELERY_BROKER_URL": broker_url,
        "POLELENS_BLOBS": str(folder / "blobs"),
        "POLELENS_LEASE_SECONDS": "5",
    }
    old = EarlierCode(code_of(BEFORE, folder / "code"), environment)
    old.python("-c", "import os; from storage.database import migrate; migrate(os.environ['DATABASE_URL'])")
    bench = Bench(environment, Processes(folder / "workers"))
    worker = old.worker(bench.processes, "old")
    old.polelens("images", "add", folder / "photographs", "--masks", folder / "masks")
    for version in (1, 2):
        old.polelens("models", "add", folder / f"poles-v{version}.zip", "poles")
        old.polelens("audit", "start", f"poles@{version}", *FEW, "--watch")
    old.polelens("audit", "compare", 1, 2)
    worker.stop()
    migrate(empty_database_url)
    yield bench
    bench.close()


@pytest.fixture
def judged(bench: Bench, commands: CommandsIn, folder: Path) -> Commands:
    """An audit of the photographs with this version, done; the workers have ended."""
    bench.environment |= {"POLELENS_PART_EVALUATIONS": "16", "POLELENS_WINDOW": "2"}
    bench.model(models.uneven(), "yes", "no")
    cli = commands(bench.environment)
    cli("images", "add", folder / "photographs", "--masks", folder / "masks")
    [worker] = bench.workers(1)
    assert cli.alone("audit", "start", "planted", *FEW, "--watch")[0] == 0
    worker.stop()
    return cli


def test_what_an_earlier_version_judged_is_judged_as_from_scratch(earlier: Bench, commands: CommandsIn) -> None:
    """Both answers are those of the core alone, weights are untouched, and only new masks were asked; the comparison
    stays until it is asked for."""
    bench, cli = earlier, commands(earlier.environment)
    before, asked = _kept(bench), cli.json("audit", "show", 1)["evaluations"]
    masks = {row.key: _masks(bench, row.key) for row in bench.results(1)}
    planned = cli.json("audit", "rejudge", 1, "--dry-run")
    assert (planned["photographs"], planned["outdated"], planned["tested"], planned["masks"]) == (4, 4, 4, 0)
    assert cli.json("audit", "show", 1)["state"] == "done"

    bench.workers(1)
    status, told, warned = cli.alone("audit", "rejudge", 1, "--watch")
    assert (status, told.startswith("audit 1: 4 of 4 photographs to be judged anew, at most about")) == (0, True)
    assert "the comparison of audits 1 and 2 stays as it is" in warned
    assert _kept(bench) == before
    recipe = bench.audits.get(1).recipe
    for row in bench.results(1):
        assert row.attribution is not None
        alone = bench.explained_alone(bench.registry.find("poles@1"), row, recipe)
        for found, anew in zip(row.attribution.labels, alone.labels, strict=True):
            assert found.judgement is not None
            assert anew.judgement is not None
            assert (found.judgement.words, found.judgement.verdict) == (anew.judgement.words, None)
            for part in ("curves", "grounding", "neighbourhood"):
                for name, value in asdict(getattr(anew.judgement, part)).items():
                    np.testing.assert_allclose(getattr(getattr(found.judgement, part), name), value, atol=1e-6)
    new = sum(len(_masks(bench, key) - seen) for key, seen in masks.items())
    assert cli.json("audit", "show", 1)["evaluations"] - asked == new
    assert 0 < new <= planned["evaluations"]
    assert cli.json("audit", "rejudge", 1, "--dry-run")["outdated"] == 0

    [listed] = cli.json("audit", "comparisons")
    assert (listed["outdated"], listed["outcome"] is None) == (True, False)
    again = cli.json("audit", "compare", 1, 2)
    assert (again["outdated"], again["outcome"]["counts"]["compared"]) == (False, 4)
    assert "tests" in again["outcome"]


def test_other_thresholds_ask_no_model(bench: Bench, judged: Commands, commands: CommandsIn) -> None:
    """All is known: no evaluation, and the scores stay as they are. Audits that share photographs share the answers."""
    before, scores = _kept(bench), _scores(bench)
    assert judged.json("audit", "rejudge", 1, "--dry-run")["outdated"] == 0
    bench.environment |= STRICT
    cli = commands(bench.environment)
    shared = cli.json("audit", "start", "planted", *FEW)["audit"]
    evaluations = bench.audits.progress(1).evaluations
    bench.workers(1)
    planned = cli.json("audit", "rejudge", 1)
    assert (planned["outdated"], planned["evaluations"], planned["tested"]) == (4, 0, 0)
    assert bench.wait(1).evaluations == evaluations
    assert (_kept(bench), _scores(bench)) == (before, scores)
    for number in (1, shared):
        assert {row["soundness"] for row in cli.json("audit", "show", number)["judgements"]} == {"nothing to explain"}
    with bench.audits.engine.begin() as c:
        assert c.scalar(text("SELECT sum(n) FROM tally WHERE what = 'photographs'")) == len(before)


def test_what_cannot_be_judged_anew_keeps_its_judgement(bench: Bench, judged: Commands, commands: CommandsIn) -> None:
    """A photograph whose scores are damaged, or do not give its weights, says so and stays done; another try may do."""
    rows = bench.results(1)
    told = rows[0].attribution
    whole = bench.archive.blobs.get(scores_key(rows[0].key))
    bench.archive.blobs.put(scores_key(rows[0].key), b"torn")
    with bench.audits.engine.begin() as c:
        c.execute(text("UPDATE attribution SET weights[1] = 7 WHERE explanation_id = :id"), {"id": rows[1].id})
    bench.environment |= STRICT
    cli = commands(bench.environment)
    bench.workers(1)
    cli("audit", "rejudge", 1)
    bench.wait(1)
    status, _, warned = cli.alone("audit", "watch", 1)
    assert (status, "4 explained, 0 failed, 2 not judged anew" in warned) == (0, True)
    shown = cli("audit", "show", 1)
    assert "reduce: the scores that were kept give other weights" in " ".join(shown.split())
    again = bench.results(1)
    assert [row.state for row in again] == ["done"] * 4
    assert told is not None
    assert again[0].attribution is not None
    assert again[0].attribution.to_json() == told.to_json()
    assert "are gone or damaged, so it keeps its earlier judgement" in (again[0].reason or "")
    assert [row.reason is None for row in again] == [False, False, True, True]

    bench.archive.blobs.put(scores_key(rows[0].key), whole)
    assert cli.json("audit", "rejudge", 1)["outdated"] == 2
    assert bench.wait(1).not_rejudged == 1


def test_a_new_mask_judges_in_the_place_of_the_one_before(bench: Bench, judged: Commands, folder: Path) -> None:
    """Asking what the mask shows alone; other audits keep the answer by the earlier mask, and so does this one where
    the new one fails."""
    shared = judged.json("audit", "start", "planted", *FEW)["audit"]
    before, asked = bench.results(1), bench.audits.progress(1).evaluations
    for name in ("0", "1"):
        (folder / f"masks/{name}.png").rename(folder / f"masks/{int(name) + 2}.png")
    judged("images", "add", folder / "photographs", "--masks", folder / "masks")
    lost = bench.archive.blobs.get(image_key(before[3].image))
    bench.archive.blobs.put(image_key(before[3].image), b"torn")
    planned = judged.json("audit", "rejudge", 1, "--dry-run")
    assert (planned["outdated"], planned["masks"], planned["evaluations"]) == (0, 2, 2 * grounding.PLANNED)
    bench.workers(1)
    judged("audit", "rejudge", 1)
    progress = bench.wait(1)
    assert (progress.photographs, progress.done, progress.failed, progress.not_rejudged) == (4, 4, 0, 1)
    assert before[2].attribution is not None
    assert progress.evaluations == asked - before[2].attribution.evaluations + grounding.PLANNED
    after = bench.results(1)
    assert [row.key == old.key for row, old in zip(after, before, strict=True)] == [True, True, False, True]
    assert (after[3].reason or "").startswith("prepare: ")
    [found], [old] = (row.attribution.labels if row.attribution else () for row in (after[2], before[2]))
    alone = bench.explained_alone(bench.registry.find("planted"), after[2], bench.audits.get(1).recipe)
    assert found.weights.tobytes() == old.weights.tobytes()
    assert found.judgement is not None
    assert alone.labels[0].judgement is not None
    assert found.judgement.basis == alone.labels[0].judgement.basis
    assert [row.key for row in bench.results(shared)] == [row.key for row in before]

    bench.archive.blobs.put(image_key(before[3].image), lost)
    assert judged.json("audit", "rejudge", 1)["masks"] == 1
    assert bench.wait(1).not_rejudged == 0
    assert all(row.mask is not None for row in bench.results(1))


def test_a_kill_in_the_middle_loses_nothing(bench: Bench, judged: Commands, commands: CommandsIn) -> None:
    """While it goes on every answer can be read, an earlier one or a new one; the next worker ends it."""
    before, scores = _kept(bench), _scores(bench)
    bench.environment |= STRICT
    cli = commands(bench.environment)
    cli("audit", "rejudge", 1)
    assert len(cli.json("audit", "show", 1)["explanations"]) == 4
    [worker] = bench.workers(1)
    bench.wait(1, until=lambda progress: progress.in_flight > 0 or progress.done == 4)
    worker.kill()
    read = bench.results(1)
    assert ([row.state for row in read], all(row.attribution for row in read)) == (["done"] * 4, True)
    cli("audit", "cancel", 1)
    assert [row.state for row in bench.results(1)] == ["done"] * 4
    if cli.json("audit", "show", 1)["state"] == "cancelled":  # the worker may have been done before it was killed
        cli("audit", "resume", 1)
    bench.workers(1)
    assert bench.wait(1).not_rejudged == 0
    assert (_kept(bench), _scores(bench)) == (before, scores)
    assert cli.json("audit", "rejudge", 1, "--dry-run")["outdated"] == 0


def test_what_is_refused_is_refused_in_a_sentence(bench: Bench, judged: Commands, commands: CommandsIn) -> None:
    """An audit that goes on, one without judgement, one that there is not, and one whose scores are gone."""
    cli = judged
    assert "there is no audit 9" in cli.refused("audit", "rejudge", 9)
    unjudged = cli.json("audit", "start", "planted", *FEW, "--set", "judge=false")["audit"]
    assert f"audit {unjudged} is running" in cli.refused("audit", "rejudge", unjudged)
    cli("audit", "cancel", unjudged)
    assert f"audit {unjudged} is cancelled" in cli.refused("audit", "rejudge", unjudged)
    refitted = cli.json("audit", "refit", 1, "--set", "kernel_width=0.25")["audit"]
    with bench.audits.engine.begin() as c:
        c.execute(text("UPDATE audit SET state = 'done' WHERE id = :id"), {"id": refitted})
    assert "there is no judgement to be renewed" in cli.refused("audit", "rejudge", refitted)
    for row in bench.results(1):
        (Path(bench.environment["POLELENS_BLOBS"]) / scores_key(row.key)).unlink()
    bench.environment |= STRICT
    assert "audit 1 kept are gone" in commands(bench.environment).refused("audit", "rejudge", 1)


def test_the_thresholds_of_a_judgement_are_those_of_the_settings(bench: Bench, judged: Commands) -> None:
    """As the database tells them apart: an audit of these settings has nothing to be judged anew."""
    with bench.audits.engine.begin() as c:
        kept = c.scalars(text("SELECT judgement -> 'thresholds' FROM attribution")).all()
    assert kept
    assert all(one == asdict(Thresholds()) for one in kept)
    assert "0 of 4 photographs to be judged anew, no evaluations" in judged("audit", "rejudge", 1, "--dry-run")


def _kept(bench: Bench) -> Rows:
    """What no judgement may touch, as Postgres writes it down: floats to the bit."""
    query = f"SELECT explanation_id, label, place, {KEPT} FROM attribution ORDER BY 1, 2"  # noqa: S608  constants alone
    with bench.audits.engine.begin() as c:
        return [tuple(map(str, row)) for row in c.execute(text(query))]


def _scores(bench: Bench) -> dict[str, set[bytes]]:
    """Every score that is kept."""
    return {row.key: {one.scores.tobytes() for one in _evidence(bench, row.key)} for row in bench.results(1)}


def _evidence(bench: Bench, key: str) -> list[Any]:
    return unpack_evidence(bench.archive.blobs.get(scores_key(key)))


def _masks(bench: Bench, key: str) -> set[Any]:
    """The pictures whose scores are kept."""
    return set(Known.of(_evidence(bench, key)).rows)
