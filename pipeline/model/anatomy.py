"""What a network can be asked about its inside, told from its graph."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import NodeProto

from pipeline.model.backward import without_rule
from pipeline.model.onnx_file import reads
from pipeline.model.outputs import PASSING, PROBABILITIES
from pipeline.model.vjp import activations, arithmetic, convolutions, functions, pools
from pipeline.model.vjp.draft import Draft, Unsupported
from pipeline.model.vjp.walk import STANDARD

WINDOWED = {*convolutions.RULES, *pools.RULES, "GlobalMaxPool", "BatchNormalization", "InstanceNormalization", "LRN"}
POINTWISE = {*activations.RULES, *arithmetic.RULES, *functions.RULES, "Concat"}
MEANS = ("GlobalAveragePool", "AveragePool", "ReduceMean")
LINEAR = {*MEANS, *PASSING, "Dropout", "BatchNormalization", "Gemm", "MatMul", "Add", "Sub", "Mul", "Div"}
LINEAR -= {"QuantizeLinear"}  # it rounds


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What a network can be asked.

    Attributes
    ----------
    logit : str
        What the last Softmax or Sigmoid reads, else the output itself: the tensor that is differentiated. A row of it,
        flattened, has the columns of the scores, or of two that are 1 - p and p the one of p.
    layer : str or None
        The last tensor with a spatial extent, [n, c, h, w] with h · w > 1; None where there is none.
    exact_cam : bool
        Whether the logit is a linear function of the layer's means over the picture: then a class activation map is
        exact, and needs no gradient.
    without_rule : tuple of str
        The operators between picture and logit that cannot be differentiated.
    """

    logit: str
    layer: str | None
    exact_cam: bool
    without_rule: tuple[str, ...]


def anatomy(network: bytes) -> Anatomy:
    """The anatomy of a network, an ONNX file as `pipeline.model.simplified.simplified` makes them."""
    model = onnx.ModelProto.FromString(network)
    draft = Draft(model, "")
    nodes, picture = list(model.graph.node), model.graph.input[0].name
    logit = _logit(draft, nodes, model.graph.output[0].name)
    ahead = _before(nodes, logit)
    layer = _layer(draft, ahead, picture)
    exact = layer is not None and _is_exact(draft, ahead, layer)
    return Anatomy(logit, layer, exact, without_rule(network, logit, [picture]))


def _logit(draft: Draft, nodes: Sequence[NodeProto], scores: str) -> str:
    """What the last Softmax or Sigmoid reads; of a LogSoftmax before that, what it reads, which says the same."""
    makers = {name: node for node in nodes for name in node.output}
    node, found = _passed(makers, _alone(draft, makers, scores)), scores
    while node.op_type in PROBABILITIES and node.domain in STANDARD:
        if _shape(draft, node.input[0])[1:] != _shape(draft, node.output[0])[1:]:
            break
        found = str(node.input[0])
        node = _passed(makers, found)
        if node.op_type != "LogSoftmax":
            break
    return found


def _passed(makers: Mapping[str, NodeProto], tensor: str) -> NodeProto:
    """The last node that gives a tensor its meaning, not its form alone."""
    node = makers.get(tensor, NodeProto())
    while node.op_type in PASSING and node.input[0] in makers:
        node = makers[node.input[0]]
    return node


def _alone(draft: Draft, makers: Mapping[str, NodeProto], scores: str) -> str:
    """The one score p behind a pair 1 - p, p, as `pipeline.model.normalised.with_complement` makes them."""
    pair = makers.get(scores, NodeProto())
    if pair.op_type != "Concat" or len(pair.input) != len(("1 - p", "p")):
        return scores
    rest, score = makers.get(pair.input[0], NodeProto()), str(pair.input[1])
    if rest.op_type != "Sub" or rest.input[1] != score:
        return scores
    one = draft.value(rest.input[0])
    return score if one is not None and (one == 1).all() else scores


def _before(nodes: Sequence[NodeProto], tensor: str) -> list[NodeProto]:
    """The nodes that a tensor is computed by, in order."""
    needed, kept = {tensor}, []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(reads(node))
    return kept[::-1]


def _layer(draft: Draft, nodes: Iterable[NodeProto], picture: str) -> str | None:
    """The last tensor that windows slide over or come from, or that is made of such number by number."""
    placed, last = {picture}, None
    for node in nodes:
        source = str(node.input[0]) if node.input else ""
        if node.op_type in WINDOWED or (node.op_type == "ReduceMean" and _is_global(draft, node)):
            placed.update([source, node.output[0]])
        elif node.op_type in POINTWISE and placed.intersection(node.input):
            placed.add(node.output[0])
        for name in (source, str(node.output[0])):
            if name != picture and name in placed and _is_spread_out(_shape(draft, name)):
                last = name
    return last


def _is_spread_out(shape: tuple[int | str, ...]) -> bool:
    return len(shape) == 4 and shape[2:] != (1, 1)


def _shape(draft: Draft, name: str) -> tuple[int | str, ...]:
    try:
        return draft.shape(name)
    except Unsupported:
        return ()


def _is_exact(draft: Draft, nodes: Sequence[NodeProto], layer: str) -> bool:
    """Whether nothing but a mean over the picture and then linear steps are behind the layer."""
    behind = {layer}
    for node in nodes:
        read = behind.intersection(node.input)
        if not read:
            continue
        others = [name for name in node.input if name and name not in behind]
        constant = all(draft.value(name) is not None for name in others)
        if node.op_type not in LINEAR or not constant or (node.op_type == "Div" and node.input[0] not in behind):
            return False
        if layer in read and (node.op_type not in MEANS or not _is_global(draft, node)):
            return False
        behind.update(node.output)
    return True


def _is_global(draft: Draft, node: NodeProto) -> bool:
    """Whether a mean is over the whole picture, [n, c, h, w] or more axes, and nothing else."""
    before, after = _shape(draft, node.input[0]), _shape(draft, node.output[0])
    return len(before) > 2 and after[:2] == before[:2] and set(after[2:]) <= {1}
