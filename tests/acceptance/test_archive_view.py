"""The archive's view tells the demo's two models apart: one looks at the background, the other at the poles."""

from demo.__main__ import HERE, PHOTOGRAPHS, SEED
from demo.photographs import archive
from pipeline.model import read_model
from storage.archive import Photograph
from storage.overview import Reliance, overview
from tests.bench import Bench, png

FEW = {"samples": 16, "seeds": [1]}  # the reliance is measured by the judging, whatever the samples


def test_background_reliance_tells_the_two_models_apart(shared_bench: Bench) -> None:
    """The means are at least 0.3 apart, and the 95 % intervals do not touch."""
    for shot in archive(PHOTOGRAPHS, SEED, shortcut=False):
        photograph = Photograph(f"demo/{shot.name}.png", png(shot.image), shot.label, png(shot.mask))
        assert shared_bench.archive.add(photograph)
    background, pole = (_reliance(shared_bench, version) for version in (1, 2))
    assert background.photographs == pole.photographs == PHOTOGRAPHS
    assert background.mean is not None
    assert pole.mean is not None
    assert background.mean - pole.mean >= 0.3
    assert background.low is not None
    assert pole.high is not None
    assert pole.high < background.low


def _reliance(bench: Bench, version: int) -> Reliance:
    """What the demo's archive comes to under a version of its model."""
    file = (HERE / f"poles-v{version}.zip").read_bytes()
    model, _ = bench.registry.add(read_model(file, name="demo-poles"))
    number = bench.audit(model, "demo/*", **FEW)
    assert bench.wait(number, seconds=300).done == PHOTOGRAPHS
    return overview(bench.audits.engine, number, 0).reliance
