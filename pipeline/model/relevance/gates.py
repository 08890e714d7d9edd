"""Products of two tensors that both depend on the picture: one is the signal, which takes all, the other a gate.

As in squeeze-and-excitation, in Swish and its like, and in attention. "Signal-take-all" of Arras et al., "Explaining
recurrent neural network predictions in sentiment analysis", 2017, section 3.
"""

from collections.abc import Mapping

from onnx import NodeProto

from pipeline.model.vjp.draft import Draft

SWITCHES = frozenset({"Sigmoid", "HardSigmoid", "Softmax", "Tanh", "Erf", "Clip"})
CARRIERS = frozenset(
    {"Mul", "Div", "Add", "Sub", "Cast", "Identity", "Dropout", "Reshape", "Transpose", "Unsqueeze", "Squeeze"}
    | {"Flatten", "Expand", "Slice", "Split", "Where"}
)


def gate(node: NodeProto, producers: Mapping[str, NodeProto], draft: Draft) -> int | None:
    """Which of the first two inputs of a product is the gate, 0 or 1; None where neither or both look like one.

    A gate is smaller than the signal, and so stretched over it, or it comes from what squeezes into a range.
    """
    sizes = [_stretched(name, node.output[0], draft) for name in node.input[:2]]
    if node.op_type == "Mul" and sizes[0] != sizes[1]:
        return sizes.index(True)
    squeezed = [_squeezed(name, producers, draft) for name in node.input[:2]]
    return squeezed.index(True) if squeezed[0] != squeezed[1] else None


def _stretched(name: str, over: str, draft: Draft) -> bool:
    shape, whole = draft.shape(name), draft.shape(over)
    short = (1,) * (len(whole) - len(shape)) + tuple(shape)
    return any(length == 1 and other != 1 for length, other in zip(short, whole, strict=True))


def _squeezed(name: str, producers: Mapping[str, NodeProto], draft: Draft) -> bool:
    """Whether a tensor comes out of a switch, by way of moves and arithmetic with constants alone."""
    while (node := producers.get(name)) is not None:
        if node.op_type in SWITCHES:
            return True
        sources = [one for one in node.input if one and draft.value(one) is None]
        if node.op_type not in CARRIERS or len(sources) != 1:
            return False
        name = sources[0]
    return False
