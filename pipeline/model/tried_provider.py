"""A provider that computes what was asked of it, tried on noise: some compute another function, without a word."""

from collections.abc import Sequence

import numpy as np

from pipeline.conversation.probe import Scores
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import Model
from pipeline.model.pace import noise
from pipeline.model.precision import CPU, F32, Precision, Unprovided

MASKS = 4
NEAR = 1e-2  # of scores in float32, or in a file's own float16, by two sets of kernels


def opened(model: Model, threads: int, providers: Sequence[str], precision: Precision = F32) -> BlackBox:
    """A black box that computes this model, and in this precision.

    Raises
    ------
    Unprovided
        If the provider cannot, or answers pictures of noise in float32 otherwise than ONNX Runtime's own kernels: that
        of OpenVINO takes some operators for others. Or to the last bit as in float32, though another precision was
        asked for: OpenVINO computes in that, whatever it is told, where the processor has nothing less.
    """
    box = BlackBox(model, threads=threads, providers=providers, precision=precision)
    if box.provider == CPU:
        return box
    plain = box if precision == F32 else BlackBox(model, threads=threads, providers=providers)
    exact = _answers(plain, model)
    if not np.allclose(exact, own := _answers(BlackBox(model, threads=threads), model), atol=NEAR, equal_nan=True):
        raise Unprovided(
            f"providers: {providers[0]} computes something else than this model: its scores of noise are off by "
            f"{np.abs(exact - own).max():.2g}; set POLELENS_PROVIDERS to {CPU}"
        )
    if precision != F32 and np.array_equal(exact, _answers(box, model)):
        raise Unprovided(
            f"precision: {providers[0]} computes this model in f32 here though {precision} was asked for, as this "
            "processor has no other or nothing in the model is rounded; order f32"
        )
    return box


def _answers(box: BlackBox, model: Model) -> Scores:
    """For masks of a picture of noise."""
    scene = noise(model.profile)
    masks = np.random.Generator(np.random.Philox(0)).random((MASKS, scene.k)) < 0.5
    return box.answers(scene, masks)
