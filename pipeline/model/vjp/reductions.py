"""Sums, means and norms over axes."""

from collections.abc import Sequence

import numpy as np

from pipeline.model.vjp.selections import numbers
from pipeline.model.vjp.walk import Rule, Step


def reduce_sum(step: Step) -> Sequence[str | None]:
    """∂y at each number of its sum."""
    return [_stretched(step, step.message, 1)]


def reduce_mean(step: Step) -> Sequence[str | None]:
    """∂y / n at each number of its mean."""
    lengths = [step.draft.length(step.x, axis) for axis in axes_of(step)]
    return [_stretched(step, step.message, 1 / np.prod(lengths))]


def reduce_sum_square(step: Step) -> Sequence[str | None]:
    """2 x ∂y."""
    draft = step.draft
    return [draft.node("Mul", step.x, draft.times(kept(step, step.message), 2, step.x))]


def reduce_l1(step: Step) -> Sequence[str | None]:
    """∂y · the sign of x."""
    return [step.draft.node("Mul", step.draft.node("Sign", step.x), kept(step, step.message))]


def reduce_l2(step: Step) -> Sequence[str | None]:
    """∂y · x / y, and 0 where y is."""
    return [step.draft.node("Mul", step.x, over_norm(step, kept(step, step.message), kept(step, step.y)))]


def reduce_log_sum(step: Step) -> Sequence[str | None]:
    """∂y / exp(y) at each number of the sum."""
    return [_stretched(step, step.draft.node("Div", step.message, step.draft.node("Exp", step.y)), 1)]


def reduce_log_sum_exp(step: Step) -> Sequence[str | None]:
    """∂y · exp(x - y)."""
    draft = step.draft
    share = draft.node("Exp", draft.node("Sub", step.x, kept(step, step.y)))
    return [draft.node("Mul", share, kept(step, step.message))]


def axes_of(step: Step) -> list[int]:
    """The axes that are reduced: an attribute or, at newer opsets, an input; all where neither is there."""
    rank = len(step.draft.shape(step.x))
    given = numbers(step, 1, "axes") if step.input(1) or step.attribute("axes") is not None else []
    if not given and step.attribute("noop_with_empty_axes", 0):
        return []
    return sorted(axis % rank for axis in given) or list(range(rank))


def kept(step: Step, message: str) -> str:
    """A message of the output's shape with the reduced axes, of length 1, where the node takes them away."""
    axes = axes_of(step)
    return message if step.attribute("keepdims", 1) or not axes else step.draft.unsqueeze(message, axes)


def over_norm(step: Step, message: str, norm: str) -> str:
    """A message divided by a norm; one of 0 is of a vector of zeros, which makes 0 of what it is multiplied by."""
    draft = step.draft
    smallest = float(np.finfo(draft.dtype(step.x)).tiny)
    return draft.node("Div", message, draft.node("Max", norm, draft.constant(smallest, step.x)))


def _stretched(step: Step, message: str, factor: float) -> str:
    """A message, times a factor, along the reduced axes as often as they are long."""
    draft, axes = step.draft, axes_of(step)
    stretch = [draft.length(step.x, axis) if axis in axes else 1 for axis in range(len(draft.shape(step.x)))]
    return draft.node("Mul", kept(step, message), draft.constant(np.full(stretch, factor), step.x))


RULES: dict[str, Rule] = {
    "ReduceL1": reduce_l1,
    "ReduceL2": reduce_l2,
    "ReduceLogSum": reduce_log_sum,
    "ReduceLogSumExp": reduce_log_sum_exp,
    "ReduceMean": reduce_mean,
    "ReduceSum": reduce_sum,
    "ReduceSumSquare": reduce_sum_square,
}
