"""An upgrade in the middle of an audit: what the earlier version began, this one ends, on the new schema."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.recipe import Recipe
from storage.archive import Photograph
from tests import models
from tests.earlier_code import EarlierCode, code_of
from tests.live_audits import Bench, pictures, png

BEFORE = "1891cad2083317ef7a350778392e3399aff0b9cb"  # it judged answers by other tests
PHOTOGRAPHS = 30


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the version before."""
    return code_of(BEFORE, tmp_path_factory.mktemp("previous"))


def test_what_the_earlier_version_began_this_one_ends(bench: Bench, previous: Path) -> None:
    """Photographs with and without masks, planned, prepared and judged in part by workers that are stopped before the
    new ones start: every one is explained, and its weights are those of the new code alone."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "50"
    bench.model(models.uneven(), "yes", "no")
    mask = np.zeros((32, 32, 3), np.uint8)
    mask[8:24, 8:24] = 255
    for number, pixels in enumerate(pictures(PHOTOGRAPHS, seed=12)):
        bench.archive.add(Photograph(f"upgraded/{number}.png", png(pixels), None, png(mask) if number % 2 else None))
    code = EarlierCode(previous, bench.environment)
    old = code.worker(bench.processes, "old")
    number = json.loads(code.polelens("audit", "start", "planted", "--json"))["audit"]
    began = bench.wait(number, until=lambda progress: progress.done >= PHOTOGRAPHS // 4)
    old.stop()
    assert began.remaining > 0
    bench.workers(2)
    progress = bench.wait(number)
    assert (progress.done, progress.failed) == (PHOTOGRAPHS, 0)
    made, model = bench.audits.get(number).recipe, bench.registry.find("planted")
    assert made == Recipe.from_json(made.to_json())
    answers = []
    for row in bench.results(number):
        assert row.attribution is not None
        [label], alone = row.attribution.labels, bench.explained_alone(model, row, made)
        np.testing.assert_allclose(label.weights, alone.labels[0].weights, atol=1e-6)
        assert label.judgement is not None
        answers.append("verdict" if label.judgement.verdict else "two answers")
    assert set(answers) == {"verdict", "two answers"}
