"""Normalisations, and Softmax, which is one over labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.model.vjp.draft import Draft, Unsupported
from pipeline.model.vjp.reductions import over_norm
from pipeline.model.vjp.walk import Rule, Step

ONE_AXIS = 13  # before this opset Softmax normalises all axes from its axis on as one


def batch_normalization(step: Step) -> Sequence[str | None]:
    """∂y · scale / √(variance + ε), of the statistics that the file keeps."""
    step.only(0)
    if step.attribute("training_mode", 0):
        raise Unsupported("training_mode")
    draft = step.draft
    scale, variance = (draft.value(step.node.input[place]) for place in (1, 4))
    if scale is None or variance is None:
        raise Unsupported("its scale is computed")
    factor = scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + step.attribute("epsilon", 1e-5))
    rank = len(draft.shape(step.x))
    return [draft.node("Mul", step.message, draft.constant(factor.reshape(-1, *[1] * (rank - 2)), step.x))]


def layer_normalization(step: Step) -> Sequence[str | None]:
    """Of the axes from `axis` on."""
    step.only(0)
    rank = len(step.draft.shape(step.x))
    axes = list(range(step.attribute("axis", -1) % rank, rank))
    return [_normalised(step, step.draft.node("Mul", step.message, step.node.input[1]), axes)]


def instance_normalization(step: Step) -> Sequence[str | None]:
    """Of each channel of each picture."""
    step.only(0)
    draft, rank = step.draft, len(step.draft.shape(step.x))
    scale = draft.unsqueeze(step.node.input[1], list(range(1, rank - 1)))
    return [_normalised(step, draft.node("Mul", step.message, scale), list(range(2, rank)))]


def lp_normalization(step: Step) -> Sequence[str | None]:
    """Y = x / ‖x‖ along one axis: (∂y - y Σ y ∂y) / ‖x‖, of the Euclidean norm."""
    if step.attribute("p", 2) != 2:
        raise Unsupported("p 1")
    draft, axis = step.draft, step.attribute("axis", -1) % len(step.draft.shape(step.x))
    norm = draft.node("Sqrt", draft.reduce_sum(draft.node("Mul", step.x, step.x), [axis]))
    common = draft.reduce_sum(draft.node("Mul", step.message, step.y), [axis])
    across = draft.node("Sub", step.message, draft.node("Mul", step.y, common))
    return [over_norm(step, across, norm)]


def lrn(step: Step) -> Sequence[str | None]:
    """Y = x s^-b, s = bias + a/size Σ x² over near channels: ∂y s^-b - 2 a b/size · x Σ ∂y x s^(-b-1).

    The last sum is over the channels that a channel is near to, as seen from there.
    """
    draft, x = step.draft, step.x
    alpha, beta = step.attribute("alpha", 1e-4), step.attribute("beta", 0.75)
    near = _near_channels(step) * alpha / step.attribute("size")
    bias = draft.constant(np.full(len(near), step.attribute("bias", 1.0)), x)
    s = draft.node("Conv", draft.node("Mul", x, x), _kernel(step, near), bias)
    direct = draft.node("Mul", step.message, draft.node("Pow", s, draft.constant(-beta, x)))
    through = draft.node("Conv", draft.node("Div", draft.node("Mul", direct, x), s), _kernel(step, near.T))
    return [draft.node("Sub", direct, draft.node("Mul", draft.times(x, 2 * beta, x), through))]


def softmax(step: Step) -> Sequence[str | None]:
    """Y · (∂y - Σ y ∂y)."""
    draft = step.draft
    common = draft.reduce_sum(draft.node("Mul", step.message, step.y), _labels(step))
    return [draft.node("Mul", step.y, draft.node("Sub", step.message, common))]


def log_softmax(step: Step) -> Sequence[str | None]:
    """∂y - exp(y) Σ ∂y."""
    draft = step.draft
    common = draft.reduce_sum(step.message, _labels(step))
    return [draft.node("Sub", step.message, draft.node("Mul", draft.node("Exp", step.y), common))]


def _labels(step: Step) -> list[int]:
    rank = len(step.draft.shape(step.y))
    if step.draft.opset >= ONE_AXIS:
        return [step.attribute("axis", -1) % rank]
    return list(range(step.attribute("axis", 1) % rank, rank))


def _normalised(step: Step, message: str, axes: list[int]) -> str:
    """Z = (x - mean) / d, d² = variance + ε: (∂z - mean ∂z - z mean (z ∂z)) / d."""
    draft = step.draft
    centred = _less_mean(draft, step.x, axes)
    variance = draft.reduce_mean(draft.node("Mul", centred, centred), axes)
    deviation = draft.node("Sqrt", draft.node("Add", variance, draft.constant(step.attribute("epsilon", 1e-5), step.x)))
    z = draft.node("Div", centred, deviation)
    along = draft.node("Mul", z, draft.reduce_mean(draft.node("Mul", z, message), axes))
    return draft.node("Div", draft.node("Sub", _less_mean(draft, message, axes), along), deviation)


def _less_mean(draft: Draft, x: str, axes: list[int]) -> str:
    return draft.node("Sub", x, draft.reduce_mean(x, axes))


def _near_channels(step: Step) -> NDArray[np.float64]:
    """Which channels are summed for each, [c, c]: as many on both sides, one more behind where the size is even."""
    channels, size = step.draft.length(step.x, 1), step.attribute("size")
    place = np.arange(channels) - np.arange(channels)[:, None] + (size - 1) // 2
    near: NDArray[np.float64] = ((place >= 0) & (place < size)).astype(np.float64)
    return near


def _kernel(step: Step, matrix: NDArray[np.float64]) -> str:
    """A product over channels as a convolution of one pixel."""
    return step.draft.constant(matrix.reshape(*matrix.shape, *[1] * (len(step.draft.shape(step.x)) - 2)), step.x)


RULES: dict[str, Rule] = {
    "BatchNormalization": batch_normalization,
    "InstanceNormalization": instance_normalization,
    "LRN": lrn,
    "LayerNormalization": layer_normalization,
    "LogSoftmax": log_softmax,
    "LpNormalization": lp_normalization,
    "Softmax": softmax,
}
