"""Planted models, whose true attribution is known, through the whole distributed path."""

import numpy as np
import pytest

from pipeline.methods import explainer
from pipeline.blackbox import BlackBox
from pipeline.explain import explain
from pipeline.fills import mean_fill
from pipeline.model import read_model
from pipeline.profile import Profile
from pipeline.recipes import recipe
from pipeline.staging import stage
from tests import models
from tests.bench import Bench, pictures


def test_an_additive_model_gives_its_weights_back(bench: Bench) -> None:
    """The weight of every superpixel, the first and the last included, is the model's own, on every photograph."""
    shape = np.random.Generator(np.random.Philox(5)).normal(size=(3, 32, 32))
    shape *= 0.45 / np.abs(shape).sum() / 255
    model = bench.model(models.additive(shape, bias=0.5), "yes", "no")
    shots = pictures(5)
    bench.photographs(shots)
    bench.workers(2)
    number = bench.audit(model, labels=["yes"])
    assert bench.wait(number).done == 5
    for shot, found in zip(shots, bench.results(number), strict=True):
        scene = stage(shot, Profile(32), recipe("default"))
        difference = (scene.canvas.astype(float) - scene.fill).transpose(2, 0, 1) * shape
        truth = np.bincount(scene.segments.ravel(), difference.sum(axis=0).ravel())
        assert found.attribution is not None
        weights = found.attribution.labels[0].weights
        np.testing.assert_allclose(weights, truth, atol=2e-6)
        assert found.attribution.labels[0].fidelity.r2_held_out > 0.99
