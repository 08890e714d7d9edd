"""The values of KernelSHAP on planted models, where they are known, through the whole distributed path."""

import math
from itertools import product

import numpy as np

from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene, compose
from pipeline.staging import stage
from tests import models
from tests.live_audits import Bench, pictures

SIZE = 32
GRID = {"name": "grid", "n_segments": 9}


def _shap(**changes: object) -> Recipe:
    """The recipe `shap` as a bench's audit makes it of the default one."""
    return recipe("default").override({"method": "shap", "seeds": [1, 11, 21], **changes})


def _audited(bench: Bench, name: str, onnx: bytes, made: Recipe) -> int:
    """An audit of the photographs called so, to its end."""
    model = bench.model(onnx, "yes", "no", name=name)
    number = bench.audits.start(model, made, f"{name}/*")
    bench.ask("produce")
    assert bench.wait(number).failed == 0
    bench.assert_undisturbed(number, model, made)
    return number


def test_an_additive_model_gives_its_weights_back(shared_bench: Bench) -> None:
    """The value of every superpixel is the model's own, on every photograph, and the audit's numbers are the core's."""
    shape = np.random.Generator(np.random.Philox(5)).normal(size=(3, SIZE, SIZE))
    shape *= 0.45 / np.abs(shape).sum() / 255
    shots, made = pictures(2, seed=1), _shap(labels=["yes"])
    shared_bench.photographs("shap-additive", shots)
    number = _audited(shared_bench, "shap-additive", models.additive(shape, bias=0.5), made)
    for shot, found in zip(shots, shared_bench.results(number), strict=True):
        scene = stage(shot, Profile(SIZE), made)
        difference = (scene.canvas.astype(float) - scene.fill).transpose(2, 0, 1) * shape
        truth = np.bincount(scene.segments.ravel(), difference.sum(axis=0).ravel())
        assert found.attribution is not None
        [label] = found.attribution.labels
        assert label.errors is not None  # some of the masks, not all
        np.testing.assert_allclose(label.weights, truth, atol=1e-6)
        assert label.claims[0].value > 0.99


def test_an_and_of_two_regions_has_the_values_of_the_definition(shared_bench: Bench) -> None:
    """By the gains over all sets of superpixels, on pictures composed by hand and judged by hand."""
    first, second = np.zeros((2, SIZE, SIZE), dtype=bool)
    first[4:12, 4:12] = second[20:28, 20:28] = True
    shot = np.full((SIZE, SIZE, 3), 31, dtype=np.uint8)  # other bytes than other tests' on the same services
    shot[first | second] = 220
    made = _shap(segmenter=GRID, fill="black", labels=["yes"])
    shared_bench.photographs("shap-and", [shot])
    number = _audited(shared_bench, "shap-and", models.conjunction(first, second, threshold=100), made)
    [found] = shared_bench.results(number)
    assert found.attribution is not None
    scene = stage(shot, Profile(SIZE), made)
    masks = np.array(list(product([False, True], repeat=scene.k)))
    both = [float(min(one[first].mean(), one[second].mean()) > 100) for one in compose(scene, masks)]
    np.testing.assert_allclose(found.attribution.labels[0].weights, _by_definition(scene, both), atol=1e-6)


def _by_definition(scene: Scene, worth: list[float]) -> list[float]:
    """The mean gain of each superpixel over the sets that it may join, masks as `product` counts them."""
    k, values = scene.k, []
    for i in range(k):
        bit = 1 << (k - 1 - i)
        without = [one for one in range(2**k) if not one & bit]
        orders = [math.factorial(s) * math.factorial(k - s - 1) for s in map(int.bit_count, without)]
        gains = [worth[one | bit] - worth[one] for one in without]
        values.append(sum(o * g for o, g in zip(orders, gains, strict=True)) / math.factorial(k))
    return values
