"""Convolutions."""

from collections.abc import Sequence

from onnx import helper

from pipeline.model.vjp.draft import Unsupported
from pipeline.model.vjp.walk import Rule, Step
from pipeline.model.vjp.windows import adjoint, windows


def conv(step: Step) -> Sequence[str | None]:
    """∂x = the adjoint of the convolution, of ∂y."""
    step.only(0)
    weight = step.node.input[1]
    rank = len(step.draft.shape(weight)) - 2
    win = windows(step, step.draft.lengths(weight, range(2, 2 + rank)))
    return [adjoint(step.draft, step.message, weight, step.attribute("group", 1), win)]


def conv_transpose(step: Step) -> Sequence[str | None]:
    """∂x = the convolution, of ∂y, that the node is the adjoint of."""
    step.only(0)
    draft, weight = step.draft, step.node.input[1]
    rank = len(draft.shape(weight)) - 2
    if step.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or step.attribute("output_shape"):
        raise Unsupported("its padding is told by the size of its output")
    pads, more = step.attribute("pads", [0] * 2 * rank), step.attribute("output_padding", [0] * rank)
    ends = [end - extra for end, extra in zip(pads[rank:], more, strict=True)]
    message = draft.pad(step.message, [0] * (rank + 2), [0, 0, *(min(end, 0) for end in ends)])  # below 0 it cuts
    kept = ("group", "strides", "dilations")
    options = {one.name: helper.get_attribute_value(one) for one in step.node.attribute if one.name in kept}
    return [draft.node("Conv", message, weight, pads=[*pads[:rank], *(max(end, 0) for end in ends)], **options)]


RULES: dict[str, Rule] = {"Conv": conv, "ConvTranspose": conv_transpose}
