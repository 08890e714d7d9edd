"""The archive's view tells the demo's two models apart: one looks at the background, the other at the poles."""

import numpy as np

from demo.__main__ import HERE, PHOTOGRAPHS, SEED
from demo.photographs import archive
from pipeline.answer.judgement import Thresholds
from pipeline.model.admission import read_model
from storage.archive import Photograph
from storage.overview import Reliance, overview
from tests import models
from tests.live_audits import Bench, pictures, png

FEW = {"samples": 16, "seeds": [1]}  # the reliance is measured by the judging, whatever the samples


def test_background_reliance_tells_the_two_models_apart(shared_bench: Bench) -> None:
    """The means are at least 0.3 apart, and the 95 % intervals do not touch."""
    for shot in archive(PHOTOGRAPHS, SEED, shortcut=False):
        photograph = Photograph(f"demo/{shot.name}.png", png(shot.image), shot.label, png(shot.mask))
        assert shared_bench.archive.add(photograph)
    background, pole = (_reliance(shared_bench, version) for version in (1, 2))
    assert PHOTOGRAPHS - 2 <= background.photographs <= PHOTOGRAPHS  # where there is something to explain
    assert pole.photographs == PHOTOGRAPHS
    assert background.mean is not None
    assert pole.mean is not None
    assert background.mean - pole.mean >= 0.3
    assert background.low is not None
    assert pole.high is not None
    assert pole.high < background.low


def test_the_reducer_judges_by_the_thresholds_of_its_settings(bench: Bench) -> None:
    """And they are kept with the answers, which another process then reads as they were given."""
    bench.environment["POLELENS_JUDGE_GAP"] = "1"
    model = bench.model(models.additive(np.full((32, 32), 0.4 / 3072 / 255), bias=0.5), "yes", "no")
    bench.photographs("strict", pictures(1))
    bench.workers(1)
    number = bench.audit(model, "strict/*", **FEW)
    assert bench.wait(number).done == 1
    [found] = bench.results(number)
    assert found.attribution is not None
    judgement = found.attribution.labels[0].judgement
    assert judgement is not None
    assert (judgement.words, judgement.thresholds) == ("nothing to explain, unknown", Thresholds(gap=1.0))


def _reliance(bench: Bench, version: int) -> Reliance:
    """What the demo's archive comes to under a version of its model."""
    file = (HERE / f"poles-v{version}.zip").read_bytes()
    model, _ = bench.registry.add(read_model(file, name="demo-poles"))
    number = bench.audit(model, "demo/*", **FEW)
    assert bench.wait(number, seconds=300).done == PHOTOGRAPHS
    return overview(bench.audits.engine, number, 0).reliance
