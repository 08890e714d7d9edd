"""Places that are taken, repeated or put at the border."""

from collections.abc import Sequence

import numpy as np

from pipeline.model.vjp.draft import Unsupported
from pipeline.model.vjp.scatter import scattered, scattered_by, within_zeros
from pipeline.model.vjp.walk import Rule, Step


def slice_(step: Step) -> Sequence[str | None]:
    """∂y at the places that were taken, zeros elsewhere."""
    step.only(0)
    draft, message, rank = step.draft, step.message, len(step.draft.shape(step.x))
    starts, ends = numbers(step, 1), numbers(step, 2)
    axes = _optional(step, 3) or range(len(starts))
    strides = _optional(step, 4) or [1] * len(starts)
    for start, end, axis, stride in zip(starts, ends, axes, strides, strict=True):
        taken = np.arange(draft.length(step.x, axis % rank))[start:end:stride]
        message = scattered(draft, message, axis % rank, taken, step.x)
    return [message]


def gather(step: Step) -> Sequence[str | None]:
    """∂y at the places that were taken, summed where several took the same."""
    step.only(0)
    draft, shape, name = step.draft, step.draft.shape(step.x), step.node.input[1]
    axis, indices = step.attribute("axis", 0) % len(shape), draft.value(name)
    if indices is None:
        if axis:
            raise Unsupported("its indices are computed")
        return [scattered_by(draft, step.message, name, step.x)]
    behind = [one if isinstance(one, int) else -1 for one in shape[axis + 1 :]]
    if indices.ndim != 1 and behind.count(-1) > 1:
        raise Unsupported(f"the size of {step.x!r} is not known")
    one_axis = [0] * axis + [indices.size, *behind]
    message = step.message if indices.ndim == 1 else draft.reshape(step.message, one_axis)
    return [scattered(draft, message, axis, indices.reshape(-1) % draft.length(step.x, axis), step.x)]


def tile(step: Step) -> Sequence[str | None]:
    """∂y summed over the repetitions."""
    draft, message = step.draft, step.message
    for axis, times in enumerate(numbers(step, 1)):
        if times != 1:
            taken = np.tile(np.arange(draft.length(step.x, axis)), times)
            message = scattered(draft, message, axis, taken, step.x)
    return [message]


def pad(step: Step) -> Sequence[str | None]:
    """∂y without the border; of a border that repeats pixels, added to the pixels that it repeats."""
    step.only(0)
    draft, message, rank = step.draft, step.message, len(step.draft.shape(step.x))
    mode, pads = step.attribute("mode", "constant"), numbers(step, 1, "pads")
    axes = [axis % rank for axis in _optional(step, 3) or range(rank)]
    for axis, begin, end in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        if begin == end == 0:
            continue
        if mode != "constant":
            shown = np.pad(np.arange(draft.length(step.x, axis)), (begin, end), mode)
            message = scattered(draft, message, axis, shown, step.x)
        else:
            last = -end if end > 0 else np.iinfo(np.int64).max
            message = draft.slice(message, [axis], [max(begin, 0)], [last])
            message = within_zeros(draft, message, (axis, rank), (max(-begin, 0), max(-end, 0)))
    return [message]


def numbers(step: Step, place: int, attribute: str = "") -> list[int]:
    """Whole numbers that a node takes as an input or, at older opsets, an attribute. Raises Unsupported if computed."""
    stated = step.attribute(attribute) if attribute else None
    value = stated if stated is not None else step.draft.value(step.node.input[place])
    if value is None:
        raise Unsupported("it is told where by numbers that are computed")
    return [int(one) for one in np.ravel(value)]


def _optional(step: Step, place: int) -> list[int] | None:
    """The same of an input that may be left out."""
    return numbers(step, place) if step.input(place) else None


RULES: dict[str, Rule] = {"Gather": gather, "Pad": pad, "Slice": slice_, "Tile": tile}
