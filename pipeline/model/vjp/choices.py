"""Which of several numbers is taken: Where, Max and Min, of tensors or along axes."""

from collections.abc import Sequence

from pipeline.model.vjp.arithmetic import unbroadcast
from pipeline.model.vjp.reductions import axes_of, kept
from pipeline.model.vjp.walk import Rule, Step


def where(step: Step) -> Sequence[str | None]:
    """∂y to the one that was taken."""
    step.only(1, 2)
    draft, (condition, *branches) = step.draft, step.node.input
    nothing = draft.constant(0, step.y)
    chosen = [
        draft.node("Where", condition, step.message, nothing),
        draft.node("Where", condition, nothing, step.message),
    ]
    shape = draft.shape(step.y)
    return [None, *(unbroadcast(draft, one, shape, draft.shape(to)) for one, to in zip(chosen, branches, strict=True))]


def extreme(step: Step) -> Sequence[str | None]:
    """Of Max and Min ∂y to the first that is equal to y."""
    draft, comparison, free, handed = step.draft, _beaten(step), None, []
    shape = draft.shape(step.y)
    for name in step.node.input:
        beaten = draft.node(comparison, name, step.y)
        first = draft.node("Not", beaten)
        first = first if free is None else draft.node("And", first, free)
        free = beaten if free is None else draft.node("And", free, beaten)
        share = draft.node("Mul", step.message, draft.cast(first, step.y))
        handed.append(unbroadcast(draft, share, shape, draft.shape(name)))
    return handed


def reduce_extreme(step: Step) -> Sequence[str | None]:
    """Of ReduceMax and ReduceMin ∂y in equal shares to all that are equal to y."""
    axes = axes_of(step)
    return [_shared(step, kept(step, step.y), kept(step, step.message), axes)]


def global_max_pool(step: Step) -> Sequence[str | None]:
    """∂y in equal shares to all pixels that are equal to y."""
    return [_shared(step, step.y, step.message, list(range(2, len(step.draft.shape(step.x)))))]


def _beaten(step: Step) -> str:
    return "Less" if "Max" in step.node.op_type else "Greater"


def _shared(step: Step, y: str, message: str, axes: list[int]) -> str:
    draft = step.draft
    equal = draft.cast(draft.node("Not", draft.node(_beaten(step), step.x, y)), step.x)
    share = draft.node("Div", message, draft.reduce_sum(equal, axes))
    return draft.node("Mul", equal, share)


RULES: dict[str, Rule] = {
    "GlobalMaxPool": global_max_pool,
    "Max": extreme,
    "Min": extreme,
    "ReduceMax": reduce_extreme,
    "ReduceMin": reduce_extreme,
    "Where": where,
}
