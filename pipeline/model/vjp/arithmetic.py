"""Arithmetic of two tensors, whose shapes may differ."""

from collections.abc import Sequence

from pipeline.model.vjp.draft import Draft
from pipeline.model.vjp.walk import Rule, Step


def add(step: Step) -> Sequence[str | None]:
    """∂a = ∂y, ∂b = ∂y; of Sum as many."""
    return [_settled(step, place, step.message) for place in range(len(step.node.input))]


def subtract(step: Step) -> Sequence[str | None]:
    """∂a = ∂y, ∂b = -∂y."""
    second = step.draft.node("Neg", step.message) if step.wanted[1] else None
    return [_settled(step, 0, step.message), _settled(step, 1, second)]


def multiply(step: Step) -> Sequence[str | None]:
    """∂a = b ∂y, ∂b = a ∂y."""
    a, b = step.node.input
    first = step.draft.node("Mul", step.message, b) if step.wanted[0] else None
    second = step.draft.node("Mul", step.message, a) if step.wanted[1] else None
    return [_settled(step, 0, first), _settled(step, 1, second)]


def divide(step: Step) -> Sequence[str | None]:
    """∂a = ∂y / b, ∂b = -y ∂y / b."""
    draft = step.draft
    quotient = draft.node("Div", step.message, step.node.input[1])
    second = draft.node("Neg", draft.node("Mul", quotient, step.y)) if step.wanted[1] else None
    return [_settled(step, 0, quotient), _settled(step, 1, second)]


def mean(step: Step) -> Sequence[str | None]:
    """∂y / n to each of n."""
    share = step.draft.times(step.message, 1 / len(step.node.input), step.y)
    return [_settled(step, place, share) for place in range(len(step.node.input))]


def unbroadcast(draft: Draft, message: str, of: tuple[int | str, ...], to: tuple[int | str, ...]) -> str:
    """A message summed over the axes along which a tensor was stretched.

    Only an axis of length 1 is taken to be stretched: one whose length the file leaves open is the batch's.
    """
    more = len(of) - len(to)
    stretched = [axis for axis in range(more, len(of)) if to[axis - more] == 1 and of[axis] != 1]
    if stretched:
        message = draft.reduce_sum(message, stretched)
    return draft.reduce_sum(message, list(range(more)), keep=False) if more else message


def _settled(step: Step, place: int, message: str | None) -> str | None:
    if message is None or not step.wanted[place]:
        return None
    draft = step.draft
    return unbroadcast(draft, message, draft.shape(step.y), draft.shape(step.node.input[place]))


RULES: dict[str, Rule] = {"Add": add, "Div": divide, "Mean": mean, "Mul": multiply, "Sub": subtract, "Sum": add}
