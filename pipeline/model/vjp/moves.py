"""Numbers that are moved and not changed: other forms, other orders, joints."""

from collections.abc import Sequence

import numpy as np

from pipeline.model.vjp.arithmetic import unbroadcast
from pipeline.model.vjp.walk import Rule, Step


def reshape(step: Step) -> Sequence[str | None]:
    """∂y in the form of x; of Flatten, Squeeze and Unsqueeze too."""
    return [step.draft.reshape_like(step.message, step.x)]


def transpose(step: Step) -> Sequence[str | None]:
    """∂y with its axes back in their order."""
    rank = len(step.draft.shape(step.x))
    perm = step.attribute("perm", list(range(rank))[::-1])
    return [step.draft.transpose(step.message, [int(axis) for axis in np.argsort(perm)])]


def concat(step: Step) -> Sequence[str | None]:
    """The range of ∂y that each input fills."""
    draft, start = step.draft, 0
    handed: list[str | None] = []
    axis = step.attribute("axis") % len(draft.shape(step.y))
    for name, wanted in zip(step.node.input, step.wanted, strict=True):
        end = start + draft.length(name, axis)
        handed.append(draft.slice(step.message, [axis], [start], [end]) if wanted else None)
        start = end
    return handed


def split(step: Step) -> Sequence[str | None]:
    """The outputs' messages one after another, zeros where none arrived."""
    parts = zip(step.node.output, step.received, strict=True)
    messages = [message or step.draft.zeros_like(name) for name, message in parts]
    return [step.draft.node("Concat", *messages, axis=step.attribute("axis", 0))]


def expand(step: Step) -> Sequence[str | None]:
    """∂y summed over the axes along which x was stretched."""
    return [unbroadcast(step.draft, step.message, step.draft.shape(step.y), step.draft.shape(step.x))]


def space_to_depth(step: Step) -> Sequence[str | None]:
    """∂y moved back."""
    return [step.draft.node("DepthToSpace", step.message, blocksize=step.attribute("blocksize"))]


def depth_to_space(step: Step) -> Sequence[str | None]:
    """∂y moved back; in the mode CRD each block lies in channels that are next to each other."""
    draft, block = step.draft, step.attribute("blocksize")
    message = draft.node("SpaceToDepth", step.message, blocksize=block)
    if step.attribute("mode", "DCR") == "DCR":
        return [message]
    places = np.arange(draft.length(step.x, 1)).reshape(block * block, -1).T.reshape(-1)
    return [draft.node("Gather", message, draft.constant(places), axis=1)]


RULES: dict[str, Rule] = {
    "Concat": concat,
    "DepthToSpace": depth_to_space,
    "Expand": expand,
    "Flatten": reshape,
    "Reshape": reshape,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Squeeze": reshape,
    "Transpose": transpose,
    "Unsqueeze": reshape,
}
