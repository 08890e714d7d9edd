"""CUDA, really run, on a machine that has it: `make gpu` runs these."""

from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnxruntime import OrtValue

from benchmarks.subjects import demo_model, natural
from pipeline.conversation.looks import Whole
from pipeline.conversation.reading import Reading
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.model.placed import placement
from pipeline.model.precision import CPU, CUDA, TENSORRT, Unprovided
from pipeline.model.tensorrt import CACHES, TF32
from pipeline.model.tried_provider import opened
from pipeline.recipes import recipe
from pipeline.staging import stage
from tests.insides import read, scene
from tests.models import additive

PROVIDERS = (CUDA, CPU)


def _there() -> bool:
    """Whether CUDA starts: the package may be here and no device."""
    try:
        return CUDA in onnxruntime.get_available_providers() and bool(BlackBox(demo_model(), providers=PROVIDERS))
    except Unprovided:
        return False


pytestmark = pytest.mark.skipif(not _there(), reason="there is no GPU: `make gpu` runs this")


def scores(providers: tuple[str, ...], batch: int, n: int = 37) -> np.ndarray:
    """The demo's network on a photograph."""
    model = demo_model()
    shown = stage(natural("coffee"), model.profile, recipe("default"))
    masks = np.random.default_rng(0).random((n, shown.k)) < 0.5
    return BlackBox(model, providers=providers, batch=batch).scores(shown, masks)


@pytest.mark.parametrize("batch", [1, 16, 64])
def test_the_scores_are_those_of_the_cpu(batch: int) -> None:
    """Whatever the batch, of which the last is padded."""
    np.testing.assert_allclose(scores(PROVIDERS, batch), scores((CPU,), 8), atol=1e-3)


def test_gradients_are_those_of_the_cpu() -> None:
    """To a thousandth of the largest."""
    model = demo_model()
    shown = stage(natural("coffee"), model.profile, recipe("default"))
    reading = Reading("gradient", (0,), "logit")
    found, expected = (
        Inside(model, providers=one).read(shown, reading, Whole().rows(0, 1)) for one in (PROVIDERS, (CPU,))
    )
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_float16_is_near_and_really_so() -> None:
    """It rounds, by about what its eleven bits lose."""
    model = demo_model()
    shown = stage(natural("coffee"), model.profile, recipe("default"))
    masks = np.random.default_rng(0).random((16, shown.k)) < 0.5
    found = opened(model, 1, PROVIDERS, "f16").scores(shown, masks)
    assert 1e-6 < np.abs(found - BlackBox(model).scores(shown, masks)).max() < 0.02


def test_a_batch_that_is_too_large_for_the_device_is_halved() -> None:
    """It is filled until nothing more goes in, but for a little."""
    model = demo_model()
    shown = stage(natural("coffee"), model.profile, recipe("default"))
    masks = np.random.default_rng(0).random((1024, shown.k)) < 0.5
    box, held = BlackBox(model, providers=PROVIDERS, batch=16), []
    expected = box.scores(shown, masks)
    for size in (2**30, 2**26):
        with suppress(RuntimeError):
            while True:
                held.append(OrtValue.ortvalue_from_shape_and_type([size], np.uint8, "cuda", 0))
    del held[-16:]  # a gigabyte
    box.batch = 1024
    np.testing.assert_allclose(box.scores(shown, masks), expected, atol=1e-3)
    assert 1 <= box.batch < 1024


def test_two_batches_at_once_have_the_scores_of_one_after_another() -> None:
    """In their order, whichever is back first."""
    model = demo_model()
    shown = stage(natural("coffee"), model.profile, recipe("default"))
    masks = np.random.default_rng(1).random((2048, shown.k)) < 0.5
    box = BlackBox(model, providers=PROVIDERS, batch=16)
    one_by_one = [box.scores(shown, masks[start : start + 16]) for start in range(0, len(masks), 16)]
    np.testing.assert_allclose(box.scores(shown, masks), np.concatenate(one_by_one), atol=1e-4)


def test_tensorrt_has_the_scores_of_the_cpu_and_knows_a_model_that_was_trained_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two models of one graph: the engine that is kept of the first is none of the second's."""
    monkeypatch.setenv(TF32, "0")
    monkeypatch.setenv(CACHES, str(tmp_path))
    masks = np.random.default_rng(0).random((16, 16)) < 0.5
    for share in (0.2, 0.9):
        model = read(additive(np.full((3, 32, 32), share / 3072 / 255)), "a", "b")
        try:
            box = BlackBox(model, providers=(TENSORRT, CUDA, CPU), batch=16)
        except Unprovided as reason:
            pytest.skip(str(reason))
        np.testing.assert_allclose(box.scores(scene(), masks), BlackBox(model).scores(scene(), masks), atol=1e-3)


def test_two_processes_share_a_device() -> None:
    """Each has the scores that it would have alone."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        both = [pool.submit(scores, PROVIDERS, 16, 256) for _ in range(2)]
        alone = scores((CPU,), 8, 256)
        for one in both:
            np.testing.assert_allclose(one.result(), alone, atol=1e-3)


def test_little_of_the_time_falls_back() -> None:
    """The device is really used."""
    model = demo_model()
    found = placement(model, BlackBox(model, providers=PROVIDERS, batch=64))
    assert found.share < 0.1, found
