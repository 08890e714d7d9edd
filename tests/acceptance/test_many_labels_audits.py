"""A model with more labels than are kept, through real workers: small rows and blobs, and answers that go on."""

import io
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from pipeline.kept_scores import KeptScores
from pipeline.many_labels import shortened
from pipeline.recipe import Recipe
from pipeline.refit import OFF
from storage.keys import scores_key
from tests import models
from tests.commands import FEW, Commands, CommandsIn
from tests.live_audits import Bench, pictures, png

LABELS = tuple(f"label {number}" for number in range(9))
KEPT = {"POLELENS_KEPT_LABELS": "6"}  # of nine: those explained, the three most probable, and the bare fill's


@pytest.fixture
def audited(bench: Bench, commands: CommandsIn, tmp_path: Path) -> Commands:
    """Four photographs, two of them with masks, explained under a model of nine labels; the worker has ended."""
    bench.environment |= KEPT
    (tmp_path / "model.zip").write_bytes(models.custom_vision_zip(models.Network(labels=LABELS, seed=4)))
    for number, pixels in enumerate(pictures(4, seed=23)):
        for name, data in (("photographs", pixels), ("masks", _mask(number)), ("later", _mask(number + 1))):
            if name == "photographs" or number < 2:
                (tmp_path / name).mkdir(exist_ok=True)
                (tmp_path / f"{name}/{number}.png").write_bytes(png(data))
    cli = commands(bench.environment)
    cli("models", "add", tmp_path / "model.zip", "many")
    cli("images", "add", tmp_path / "photographs", "--masks", tmp_path / "masks")
    [worker] = bench.workers(1)
    status, _, told = cli.alone("audit", "start", "many", *FEW, "--label", LABELS[7], "--watch")
    assert status == 0, told
    worker.stop()
    return cli


def test_what_is_stored_is_what_is_spoken_of(bench: Bench, audited: Commands) -> None:
    """Numbers are those of the core alone; probabilities of some labels, and how many more there are; no picture."""
    version, made = bench.registry.find("many"), bench.audits.get(1).recipe
    for row in bench.results(1):
        assert row.attribution is not None
        alone = bench.explained_alone(version, row, made)
        expected = shortened(alone, 6)
        assert set(row.attribution.probabilities) == set(expected.probabilities)
        assert 3 <= len(row.attribution.probabilities) <= 4
        assert row.attribution.unlisted == expected.unlisted == 9 - len(row.attribution.probabilities)
        np.testing.assert_allclose(row.attribution.labels[0].weights, alone.labels[0].weights, atol=1e-6)
        files = list(bench.archive.blobs.keys(f"explanations/{row.key[:2]}/{row.key}/"))
        assert files == [scores_key(row.key)]
        with np.load(io.BytesIO(bench.archive.blobs.get(files[0]))) as stored:
            assert stored["labels"] == 9
            assert stored["scores_0"].shape[1] == len(stored["columns"]) < 9
    told = audited.json("audit", "show", 1)["explanations"][0]
    assert told["unlisted"] == 9 - len(told["probabilities"])


def test_a_refit_says_which_labels_it_can_no_longer_explain(bench: Bench, audited: Commands) -> None:
    """A photograph whose scores of the label were kept is explained, by the numbers of an audit anew; another fails by
    itself and says what to do."""
    kept = {row.key: _labels(bench, row.key) for row in bench.results(1)}
    label = next(one for one in LABELS if sum(one in labels for labels in kept.values()) > 0)
    bench.workers(1)
    again = audited.json("audit", "refit", 1, "--label", label)["audit"]
    all_of_them = audited.json("audit", "refit", 1, "--label", "all")["audit"]
    bench.wait(again)
    assert bench.wait(all_of_them).failed == 4
    version, made = bench.registry.find("many"), bench.audits.get(again).recipe
    by_image = {row.image: kept[row.key] for row in bench.results(1)}
    for row in bench.results(again):
        if label in by_image[row.image]:
            assert row.attribution is not None
            alone = bench.explained_alone(version, row, made)
            np.testing.assert_allclose(row.attribution.labels[0].weights, alone.labels[0].weights, atol=1e-6)
        else:
            assert f"were kept, and not of {label}: `polelens audit start` asks the model" in (row.reason or "")
    assert all("of the model's 9 labels the scores of" in (row.reason or "") for row in bench.results(all_of_them))


def test_judging_anew_and_a_new_mask_go_on_from_what_was_kept(
    bench: Bench, audited: Commands, commands: CommandsIn, tmp_path: Path
) -> None:
    """Other thresholds ask nothing; a new mask what it shows; the numbers are those of the core alone."""
    bench.environment |= {"POLELENS_JUDGE_GAP": "0.99"}
    cli = commands(bench.environment)
    evaluations = bench.audits.progress(1).evaluations
    scores = {row.key: bench.archive.blobs.get(scores_key(row.key)) for row in bench.results(1)}
    bench.workers(1)
    assert cli.json("audit", "rejudge", 1)["outdated"] == 4
    progress = bench.wait(1)
    assert (progress.evaluations, progress.not_rejudged) == (evaluations, 0)
    for key, data in scores.items():
        once, again = KeptScores.unpack(data), KeptScores.unpack(bench.archive.blobs.get(scores_key(key)))
        for one, two in zip(once.evidence, again.evidence, strict=True):
            np.testing.assert_allclose(one.scores, two.scores, atol=1e-6)

    cli("images", "add", tmp_path / "photographs", "--masks", tmp_path / "later")
    anew = cli.json("audit", "start", "many", *FEW, "--label", LABELS[7])["audit"]
    bench.wait(anew)
    changed = [row for row in bench.results(anew) if row.key not in scores]
    assert len(changed) == 2
    for row in changed:
        alone = bench.explained_alone(bench.registry.find("many"), row, bench.audits.get(anew).recipe)
        assert row.attribution is not None
        assert set(row.attribution.probabilities) == set(shortened(alone, 6).probabilities)
        [found], [expected] = row.attribution.labels, alone.labels
        np.testing.assert_allclose(found.weights, expected.weights, atol=1e-6)
        assert found.judgement is not None
        assert expected.judgement is not None
        assert found.judgement.basis == expected.judgement.basis
        assert found.judgement.confident_fill == expected.judgement.confident_fill


def test_an_archive_that_kept_every_score_is_read_as_it_is(bench: Bench, audited: Commands) -> None:
    """What another setting kept whole is refitted to any label, and keeps of it what the setting says now."""
    with bench.audits.engine.begin() as c:
        c.execute(text("DELETE FROM audit"))
    bench.environment |= {"POLELENS_KEPT_LABELS": "0"}
    [worker] = bench.workers(1)
    number = bench.audit(bench.registry.find("many"), "all", samples=16, seeds=[1], judge=False)
    assert bench.wait(number).done == 4
    worker.stop()
    assert all(_labels(bench, row.key) == set(LABELS) for row in bench.results(number))
    bench.environment |= KEPT
    bench.workers(1)
    made = bench.audits.get(number).recipe.override({**OFF, "labels": "all"})
    again = bench.audits.refit(number, bench.registry.find("many"), Recipe.from_json(made.to_json()))
    bench.ask("produce")
    assert bench.wait(again).done == 4
    for row in bench.results(again):
        assert row.attribution is not None
        assert {one.label for one in row.attribution.labels} == set(LABELS)
        assert row.attribution.unlisted == 0


def _mask(number: int) -> np.ndarray:
    mask = np.zeros((32, 32, 3), np.uint8)
    mask[4 + 4 * number :, :20] = 255
    return mask


def _labels(bench: Bench, key: str) -> set[str]:
    """The labels whose scores are kept."""
    kept = KeptScores.unpack(bench.archive.blobs.get(scores_key(key))).kept
    return set(LABELS) if kept is None else {LABELS[column] for column in kept}
