"""A refit through workers: no model, no inference, and the numbers of an audit started anew."""

import numpy as np
import pytest

from pipeline.recipe import Recipe
from polelens.stack.processes import Launch
from polelens.stack.workers import ONE_THREAD, OTHERS, await_workers, worker_command
from storage.keys import explanation_key
from tests import models
from tests.commands import CommandsIn
from tests.live_audits import Bench, pictures


@pytest.fixture
def audited(bench: Bench) -> tuple[Bench, int]:
    """An audit that is done, of which one photograph failed, and then a worker that serves no inference."""
    first, second = np.zeros((2, 32, 32), dtype=bool)
    first[4:12, 4:12] = second[20:28, 20:28] = True
    model = bench.model(models.conjunction(first, second, threshold=100), "both", "not")
    bench.photographs("refit", pictures(4, seed=3))
    [lost] = bench.archive.select("refit/003.png")
    bench.archive.blobs.put(f"images/{lost.sha256[:2]}/{lost.sha256}", b"torn")
    [worker] = bench.workers(1)
    number = bench.audit(model, "refit/*", samples=32, seeds=[1, 11])
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (3, 1)
    worker.stop()
    bench.processes.start(
        Launch("rest", worker_command(OTHERS, "rest", app="tests.hasty"), {**ONE_THREAD, **bench.environment})
    )
    await_workers(bench.processes, bench.environment["CELERY_BROKER_URL"], ["rest"])
    return bench, number


def test_a_refit_asks_no_model(audited: tuple[Bench, int], commands: CommandsIn) -> None:
    """Weights, errors, fit and stability of an explanation made anew, with pictures; what failed is left out."""
    bench, number = audited
    cli = commands(bench.environment)
    told = cli.json("audit", "refit", number, "--set", "kernel_width=0.25", "--label", "not")
    assert (told["refit_of"], told["photographs"], told["evaluations"]) == (number, 3, 0)
    assert (told["recipe"]["judge"], told["recipe"]["kernel_width"]) == (False, 0.25)
    again = told["audit"]
    progress = bench.wait(again)
    assert (progress.done, progress.failed, progress.evaluations) == (3, 0, 0)
    version, made = bench.registry.find("planted"), Recipe.from_json(told["recipe"])
    assert bench.audits.get(again).recipe == made
    for row in bench.results(again):
        assert row.attribution is not None
        expected = bench.explained_alone(version, row, made)
        [found], [anew] = row.attribution.labels, expected.labels
        for name in ("weights", "std_error", "weights_by_seed"):
            np.testing.assert_allclose(getattr(found, name), getattr(anew, name), atol=1e-6)
        for name in ("intercept", "r2", "r2_held_out"):
            np.testing.assert_allclose(getattr(found.fit, name), getattr(anew.fit, name), atol=1e-6)
        assert found.judgement is None
        kept = list(bench.archive.blobs.keys(explanation_key(row.key, "")))
        assert kept == [explanation_key(row.key, "scores.npz")]

    once_more = cli.json("audit", "refit", again, "--set", "kernel_width=0.5", "--label", "not")
    assert bench.wait(once_more["audit"]).done == 3
    same = cli.json("audit", "refit", number, "--set", "kernel_width=0.5", "--label", "not")
    assert same["explained_before"] == 3


def test_a_refit_that_cannot_be_is_refused_or_fails_alone(audited: tuple[Bench, int], commands: CommandsIn) -> None:
    """Other masks are refused as a whole; a photograph whose scores are gone fails by itself, and may be asked anew."""
    bench, number = audited
    cli = commands(bench.environment)
    for change, reason in (
        ("samples=64", "recipe: samples is 64, the audit's is 32"),
        ("fill=black", "recipe: fill is 'black', the audit's is 'mean'"),
        ("surrogate=sklearn.svm.Nothing", "no sklearn.svm.Nothing"),
    ):
        assert reason in cli.refused("audit", "refit", number, "--set", change)
    assert "recipe: segmenter is" in cli.refused("audit", "refit", number, "--recipe", "lime")
    assert "no label 'POLE'" in cli.refused("audit", "refit", number, "--label", "POLE")
    assert "there is no audit 99" in cli.refused("audit", "refit", 99)
    assert len(cli.json("audit", "list")) == 1

    row = bench.results(number)[0]
    bench.archive.blobs.put(explanation_key(row.key, "scores.npz"), b"torn")
    again = cli.json("audit", "refit", number, "--set", "kernel_width=0.25")
    progress = bench.wait(again["audit"])
    assert (progress.done, progress.failed) == (2, 1)
    assert bench.results(again["audit"])[0].reason.startswith("reduce: ")
    bench.workers(1)
    version = bench.registry.find("planted")
    anew = bench.audits.start(version, bench.audits.get(again["audit"]).recipe, "refit/000.png")
    assert bench.wait(anew).done == 1
    assert bench.audits.progress(anew).evaluations > 0
