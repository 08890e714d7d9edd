"""Other functions of each number by itself, and those that change nothing but its type."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.model.vjp.arithmetic import unbroadcast
from pipeline.model.vjp.draft import FLOATS, Draft, Unsupported
from pipeline.model.vjp.walk import Rule, Step


def identity(step: Step) -> Sequence[str | None]:
    """∂y; of Dropout too, as it is when nothing is trained."""
    training = step.input(2)
    if training and not (step.draft.value(training) is not None and not np.any(step.draft.value(training))):
        raise Unsupported("training_mode")
    return [step.message]


def cast(step: Step) -> Sequence[str | None]:
    """∂y in the input's type; where that is of whole numbers ∂y as it is, as if nothing had been rounded."""
    whole = step.draft.element(step.x) not in FLOATS
    return [step.message if whole else step.draft.cast(step.message, step.x)]


def power(step: Step) -> Sequence[str | None]:
    """Y = x^p of a constant p: ∂y · p x^(p - 1)."""
    step.only(0)
    draft, (x, exponent) = step.draft, step.node.input
    value = draft.value(exponent)
    if value is None:
        raise Unsupported("its exponent is computed")
    number = value.astype(np.float64)
    if number.size == 1 and number.item() == 2:
        slope = draft.times(x, 2, x)
    else:
        bent = draft.node("Pow", x, draft.constant(number - 1, x))
        slope = draft.node("Mul", bent, draft.constant(number, x))
    message = draft.node("Mul", step.message, slope)
    return [unbroadcast(draft, message, draft.shape(step.y), draft.shape(x))]


def _times(slope: Callable[[Draft, str, str], str]) -> Rule:
    """The rule ∂y times a slope, which is told from x and y."""

    def rule(step: Step) -> Sequence[str | None]:
        return [step.draft.node("Mul", step.message, slope(step.draft, step.x, step.y))]

    return rule


def _square_root(draft: Draft, _: str, y: str) -> str:
    return draft.node("Div", draft.constant(0.5, y), y)


def _reciprocal(draft: Draft, _: str, y: str) -> str:
    return draft.node("Neg", draft.node("Mul", y, y))


RULES: dict[str, Rule] = {
    "Abs": _times(lambda draft, x, _: draft.node("Sign", x)),
    "Cast": cast,
    "Cos": _times(lambda draft, x, _: draft.node("Neg", draft.node("Sin", x))),
    "Dropout": identity,
    "Exp": _times(lambda _, __, y: y),
    "Identity": identity,
    "Log": _times(lambda draft, x, _: draft.node("Reciprocal", x)),
    "Neg": lambda step: [step.draft.node("Neg", step.message)],
    "Pow": power,
    "Reciprocal": _times(_reciprocal),
    "Sin": _times(lambda draft, x, _: draft.node("Cos", x)),
    "Sqrt": _times(_square_root),
}
