"""Layer-wise relevance propagation as ONNX nodes: what each pixel had part in of a label's score.

Bach et al. 2015; the rules are in `pipeline.model.relevance`, the walk is that of gradients. No relevance is lost from
sight: what the pixels did not get went to biases and to what keeps denominators from zero, and both are told.
"""

import onnx
from onnx import helper

from pipeline.model.backward import SEED, NoRule
from pipeline.model.relevance.composite import COMPOSITES
from pipeline.model.relevance.ledger import Ledger
from pipeline.model.relevance.preparation import Bounds, Box, prepared
from pipeline.model.relevance.rules import Rules
from pipeline.model.relevance.signs import above_zero
from pipeline.model.vjp import RULES
from pipeline.model.vjp.draft import Draft
from pipeline.model.vjp.walk import walk

PREFIX = "polelens/lrp/"
RELEVANCE, LEDGER = "polelens/relevance", "polelens/ledger"


def lrp(network: bytes, of: str, wrt: str, composite: str, bounds: Bounds | None = None) -> bytes:
    """The network with the relevance of one of its tensors for another appended.

    Parameters
    ----------
    network : bytes
        An ONNX file as `pipeline.model.simplified.simplified` makes them, with a graft in front or without.
    of : str
        The tensor of the scores, [n, c], best before any Softmax.
    wrt : str
        The tensor of the pictures.
    composite : str
        A name of `pipeline.model.relevance.composite.COMPOSITES`.
    bounds : (float32, float32) or None
        The lowest and the highest picture there can be, as they broadcast to one; for a composite with a box.

    Returns
    -------
    bytes
        An ONNX file with the further input `SEED`, of the shape of `of`: 1 for the label asked for, 0 for others; and
        the further outputs `RELEVANCE`, of the shape of `wrt`, and `LEDGER` [4]: the score that was shared out, and
        what of it went to the picture, to biases and to stabilisers, each summed over the batch.

    Raises
    ------
    NoRule
        Naming the operators that have no rule.
    ValueError
        For a composite that does not exist.
    """
    if composite not in COMPOSITES:
        raise ValueError(f"composite is {composite!r}, expected one of {', '.join(COMPOSITES)}")
    model = onnx.ModelProto.FromString(network)
    draft = Draft(model, PREFIX)
    nodes = list(model.graph.node)
    ledger = Ledger(draft)
    rules = Rules(
        COMPOSITES[composite],
        ledger,
        RULES,
        {name: node for node in nodes for name in node.output},
        above_zero(nodes, draft),
        prepared(nodes, wrt),
        None if bounds is None else Box(draft, nodes, wrt, bounds),
    )
    model.graph.input.append(helper.make_tensor_value_info(SEED, draft.element(of), draft.shape(of)))
    score = draft.node("Mul", SEED, of)
    walked = walk(draft, (of, score), [wrt], rules.all())
    if walked.refused:
        raise NoRule(f"the model's {', '.join(walked.refused)} cannot hand relevance back; take a method beside lrp")
    _tell(draft, ledger, score, walked.messages[wrt], wrt)
    return bytes(model.SerializeToString(deterministic=True))


def _tell(draft: Draft, ledger: Ledger, score: str, relevance: str, wrt: str) -> None:
    """Make relevance and ledger outputs."""
    graph, zero = draft.model.graph, draft.constant(0.0, wrt)
    sums = [[ledger.sum(score)], [ledger.sum(relevance)], ledger.bias or [zero], ledger.stabiliser or [zero]]
    entries = [draft.reshape(draft.total(entry), [1]) for entry in sums]
    graph.node.append(helper.make_node("Identity", [relevance], [RELEVANCE], name=RELEVANCE))
    graph.node.append(helper.make_node("Concat", entries, [LEDGER], name=LEDGER, axis=0))
    graph.output.append(helper.make_tensor_value_info(RELEVANCE, draft.element(wrt), draft.shape(wrt)))
    graph.output.append(helper.make_tensor_value_info(LEDGER, draft.element(wrt), [len(entries)]))
