"""Audits compared through real workers: two models that see the same photographs at other sizes."""

import numpy as np

from pipeline.recipes import recipe
from storage.comparer import Comparer
from storage.comparisons import Comparisons
from tests import models
from tests.live_audits import Bench, pictures

FEW = {"samples": 64, "seeds": [1, 11, 21, 31], "labels": ["yes"], "fill": "black"}


def test_models_of_other_sizes_are_compared_on_the_photograph(shared_bench: Bench) -> None:
    """The same model at twice the size lays its evidence in the same places, its mirror image elsewhere."""
    bench = shared_bench
    shape = np.zeros((3, 32, 32))
    shape[:, :16, :16] = 1
    shape *= 0.45 / shape.sum() / 255
    versions = [
        bench.model(models.additive(weights, bias=0.5), "yes", "no", name="sized")
        for weights in (shape, np.kron(shape, np.ones((1, 2, 2))) / 4, shape[:, ::-1, ::-1])
    ]
    bench.photographs("sized", pictures(3, size=64, seed=12))
    numbers = [bench.audits.start(one, recipe("default").override(FEW), "sized/*") for one in versions]
    for number in numbers:
        bench.wait(number)
    comparer = Comparer(Comparisons(bench.audits.engine), bench.registry, bench.archive.blobs)
    larger, mirrored = (comparer.comparisons.start(numbers[0], number) for number in numbers[1:])
    for one in (larger, mirrored):
        assert list(comparer.pages(one)) == [3]
        comparer.conclude(one)
    for row in comparer.comparisons.compared(larger.id):
        assert row.change.overlap > 0.6
        assert row.change.spearman > 0.4
        assert row.changed is None  # other superpixels move it too
    for row in comparer.comparisons.compared(mirrored.id):
        assert row.change.overlap < 0.3
        assert row.change.spearman < 0.4
        assert row.changed
