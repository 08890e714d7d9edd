"""Functions of each number by itself that networks are bent with.

Where a function has a kink, its derivative there is 0, as PyTorch's of relu and relu6 is. It is told from the output
where that is enough: then ONNX Runtime can still fuse the function into the convolution before it.
"""

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from pipeline.model.vjp.draft import Draft, Unsupported
from pipeline.model.vjp.walk import Rule, Step

BOUNDS_AS_INPUT = 11  # from this opset on Clip's bounds are inputs
SELU = (1.67326319217681884765625, 1.05070102214813232421875)  # alpha and gamma of the standard

STEEP = 2.0**64  # times a difference of two numbers in float32 it is more than 1, and exact
FOLD = 2.0**-20  # of the upper bound: where `_between` bends
FAR = 2.0**32  # bounds as large as that are none


def relu(step: Step) -> Sequence[str | None]:
    """∂y where y > 0."""
    return [above(step.draft, step.message, step.y, step.draft.constant(0, step.y))]


def leaky_relu(step: Step) -> Sequence[str | None]:
    """∂y where x > 0, else alpha · ∂y."""
    return [_bent(step, step.message, step.draft.constant(step.attribute("alpha", 0.01), step.x))]


def prelu(step: Step) -> Sequence[str | None]:
    """∂y where x > 0, else slope · ∂y."""
    step.only(0)
    return [_bent(step, step.message, step.node.input[1])]


def thresholded_relu(step: Step) -> Sequence[str | None]:
    """∂y where x > alpha."""
    return [above(step.draft, step.message, step.x, step.draft.constant(step.attribute("alpha", 1.0), step.x))]


def clip(step: Step) -> Sequence[str | None]:
    """∂y where y is between the bounds."""
    step.only(0)
    draft, message = step.draft, step.message
    low, high = _bounds(step)
    if (top := _folds(step, low, high)) is not None:
        return [draft.node("Mul", message, _between(draft, step.y, top))]
    if low is not None:
        message = above(draft, message, step.y, low)
    return [message if high is None else below(draft, message, step.y, high)]


def sigmoid(step: Step) -> Sequence[str | None]:
    """∂y · y (1 - y)."""
    draft = step.draft
    rest = draft.node("Sub", draft.constant(1, step.y), step.y)
    return [draft.node("Mul", step.message, draft.node("Mul", step.y, rest))]


def hard_sigmoid(step: Step) -> Sequence[str | None]:
    """Alpha · ∂y where 0 < y < 1."""
    draft = step.draft
    message = draft.times(step.message, step.attribute("alpha", 0.2), step.x)
    message = above(draft, message, step.y, draft.constant(0, step.y))
    return [below(draft, message, step.y, draft.constant(1, step.y))]


def hard_swish(step: Step) -> Sequence[str | None]:
    """Y = x h, h = min(max(x / 6 + 1/2, 0), 1): h ∂y, and x / 6 · ∂y where -3 < x < 3."""
    draft, x = step.draft, step.x
    inside = draft.times(draft.node("Mul", step.message, x), 1 / 6, x)
    inside = above(draft, inside, x, draft.constant(-3, x))
    inside = below(draft, inside, x, draft.constant(3, x))
    gate = draft.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)
    return [draft.node("Add", draft.node("Mul", step.message, gate), inside)]


def tanh(step: Step) -> Sequence[str | None]:
    """∂y · (1 - y²)."""
    return [step.draft.node("Mul", step.message, _one_less_square(step.draft, step.y, step.y))]


def elu(step: Step) -> Sequence[str | None]:
    """∂y where x > 0, else (y + alpha) ∂y."""
    alpha = step.draft.constant(step.attribute("alpha", 1.0), step.x)
    return [_bent(step, step.message, step.draft.node("Add", step.y, alpha))]


def selu(step: Step) -> Sequence[str | None]:
    """Gamma · ∂y where x > 0, else (y + alpha · gamma) ∂y."""
    draft = step.draft
    alpha, gamma = step.attribute("alpha", SELU[0]), step.attribute("gamma", SELU[1])
    below_zero = draft.node("Add", step.y, draft.constant(alpha * gamma, step.x))
    positive = draft.node("Greater", step.x, draft.constant(0, step.x))
    return [draft.node("Mul", step.message, draft.node("Where", positive, draft.constant(gamma, step.x), below_zero))]


def softplus(step: Step) -> Sequence[str | None]:
    """∂y · sigmoid(x)."""
    return [step.draft.node("Mul", step.message, step.draft.node("Sigmoid", step.x))]


def mish(step: Step) -> Sequence[str | None]:
    """Y = x t, t = tanh(softplus(x)): ∂y · (t + x (1 - t²) sigmoid(x))."""
    draft, x = step.draft, step.x
    t = draft.node("Tanh", draft.node("Softplus", x))
    bend = draft.node("Mul", _one_less_square(draft, t, x), draft.node("Sigmoid", x))
    slope = draft.node("Add", t, draft.node("Mul", x, bend))
    return [draft.node("Mul", step.message, slope)]


def erf(step: Step) -> Sequence[str | None]:
    """∂y · 2/√π · exp(-x²)."""
    bell = step.draft.times(_bell(step.draft, step.x, -1), 2 / np.sqrt(np.pi), step.x)
    return [step.draft.node("Mul", step.message, bell)]


def gelu(step: Step) -> Sequence[str | None]:
    """Y = x Φ(x): ∂y · (Φ(x) + x φ(x)); of the approximation by tanh its own derivative."""
    draft, x = step.draft, step.x
    slope = _gelu_slope_by_tanh(draft, x) if step.attribute("approximate", "none") == "tanh" else _gelu_slope(draft, x)
    return [draft.node("Mul", step.message, slope)]


def above(draft: Draft, message: str, y: str, bound: str) -> str:
    """A message where y is greater than a bound, else 0."""
    return draft.node("Mul", message, _step(draft, y, bound, "Greater"))


def below(draft: Draft, message: str, y: str, bound: str) -> str:
    """A message where y is less than a bound, else 0."""
    return draft.node("Mul", message, _step(draft, y, bound, "Less"))


def _step(draft: Draft, y: str, bound: str, comparison: str) -> str:
    """1 where y is greater, or less, than a bound, else 0.

    In float32 by a HardSigmoid as steep as a step. ONNX Runtime keeps its blocked layout through that, which it leaves
    for comparisons and casts; a backward pass of EfficientNet-Lite0 takes half as long.
    """
    value = draft.value(bound)
    if draft.element(y) != TensorProto.FLOAT or value is None or abs(value.item()) > FAR:
        return draft.cast(draft.node(comparison, y, bound), y)
    slope = STEEP if comparison == "Greater" else -STEEP
    return draft.node("HardSigmoid", y, alpha=slope, beta=-slope * value.item())


def _folds(step: Step, low: str | None, high: str | None) -> float | None:
    """The upper bound, where y is one of `_between`: feature maps in float32, clipped to 0 and a number of few bits."""
    draft = step.draft
    values = [None if bound is None else draft.value(bound) for bound in (low, high)]
    if draft.element(step.y) != TensorProto.FLOAT or any(one is None for one in values):
        return None
    floor, top = (float(np.asarray(one).item()) for one in values)
    exact = 0 < top < FAR and float(np.float32(top * (1 - FOLD))) == top * (1 - FOLD)
    return top if floor == 0 and exact and _has_channels(draft, step.y) else None


def _has_channels(draft: Draft, y: str) -> bool:
    try:
        shape = draft.shape(y)
    except Unsupported:
        return False
    return len(shape) == 4 and isinstance(shape[1], int)


def _between(draft: Draft, y: str, top: float) -> str:
    """1 where 0 < y < top, else 0, of feature maps y that are nowhere outside.

    One step in the place of two: |y - c| with c = 2^-20 top, the part below c 2^20 - 1 times as steep, is
    top - c at both ends and less between them, and all of that exact. As a convolution of each channel with 1, ONNX
    Runtime makes it and its bend in one pass over the memory. What is less than 2^-44 top counts as 0.
    """
    (channels,) = draft.lengths(y, range(1, 2))
    weights = draft.constant(np.ones((channels, 1, 1, 1), np.float32))
    shift = draft.constant(np.full(channels, -top * FOLD, np.float32))
    shifted = draft.node("Conv", y, weights, shift, group=channels, kernel_shape=[1, 1])
    bent = draft.node("LeakyRelu", shifted, alpha=1 - 1 / FOLD)
    return draft.node("HardSigmoid", bent, alpha=-STEEP, beta=STEEP * top * (1 - FOLD))


def _bent(step: Step, message: str, slope: str) -> str:
    """The message where x > 0, times a slope elsewhere."""
    draft = step.draft
    positive = draft.node("Greater", step.x, draft.constant(0, step.x))
    return draft.node("Where", positive, message, draft.node("Mul", message, slope))


def _bounds(step: Step) -> tuple[str | None, str | None]:
    if step.draft.opset >= BOUNDS_AS_INPUT:
        return step.input(1), step.input(2)
    low, high = step.attribute("min"), step.attribute("max")
    constant = step.draft.constant
    return None if low is None else constant(low, step.x), None if high is None else constant(high, step.x)


def _one_less_square(draft: Draft, t: str, like: str) -> str:
    return draft.node("Sub", draft.constant(1, like), draft.node("Mul", t, t))


def _bell(draft: Draft, x: str, factor: float) -> str:
    """exp(factor · x²)."""
    return draft.node("Exp", draft.times(draft.node("Mul", x, x), factor, x))


def _gelu_slope(draft: Draft, x: str) -> str:
    error = draft.node("Erf", draft.times(x, 1 / np.sqrt(2), x))
    share = draft.times(draft.node("Add", error, draft.constant(1, x)), 0.5, x)
    density = draft.times(_bell(draft, x, -0.5), 1 / np.sqrt(2 * np.pi), x)
    return draft.node("Add", share, draft.node("Mul", x, density))


def _gelu_slope_by_tanh(draft: Draft, x: str) -> str:
    """Y = x/2 (1 + t), t = tanh(u), u = √(2/π) (x + 0.044715 x³): (1 + t)/2 + x/2 (1 - t²) u'."""
    scale, square = np.sqrt(2 / np.pi), draft.node("Mul", x, x)
    u = draft.node("Mul", x, _linear(draft, square, (scale, scale * 0.044715), x))
    t = draft.node("Tanh", u)
    slope_of_u = _linear(draft, square, (scale, 3 * scale * 0.044715), x)
    half = draft.times(draft.node("Add", t, draft.constant(1, x)), 0.5, x)
    bend = draft.node("Mul", _one_less_square(draft, t, x), slope_of_u)
    return draft.node("Add", half, draft.times(draft.node("Mul", x, bend), 0.5, x))


def _linear(draft: Draft, square: str, factors: tuple[float, float], like: str) -> str:
    """A number and a multiple of a square."""
    return draft.node("Add", draft.times(square, factors[1], like), draft.constant(factors[0], like))


RULES: dict[str, Rule] = {
    "Clip": clip,
    "Elu": elu,
    "Erf": erf,
    "Gelu": gelu,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "LeakyRelu": leaky_relu,
    "Mish": mish,
    "PRelu": prelu,
    "Relu": relu,
    "Selu": selu,
    "Sigmoid": sigmoid,
    "Softplus": softplus,
    "Tanh": tanh,
    "ThresholdedRelu": thresholded_relu,
}
