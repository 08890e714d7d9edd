"""Appends the backward pass to a network, as ordinary nodes: gradients inside ONNX Runtime, from the file alone.

picture ─► ... ─► layer ─► ... ─► logit ─► ... ─► scores
                                    ▲
gradients ◄─ ... ◄─ at the layer ◄─ seed
"""

from collections.abc import Sequence

import onnx
from onnx import helper

from pipeline.model.normalised import prune
from pipeline.model.simplified import lifted
from pipeline.model.vjp import RULES
from pipeline.model.vjp.draft import Draft
from pipeline.model.vjp.walk import Walked, walk

SEED = "polelens/seed"
PREFIX = "polelens/backward/"
WITHOUT_GRADIENT = "lime, shap, occlusion, rise, anchors and recipro-cam"


class NoRule(ValueError):
    """A network with operators through which no gradient can be taken; the message names them and the remedy."""


def gradient_of(name: str) -> str:
    """The output that has the gradient with respect to a tensor."""
    return f"polelens/gradient/{name}"


def backward(network: bytes, of: str, wrt: Sequence[str], beside: Sequence[str] = ()) -> bytes:
    """The vector-Jacobian product of a network, and of the network what that needs.

    Parameters
    ----------
    network : bytes
        An ONNX file with the shapes of its tensors in it or to be inferred, as `simplified` makes them; `graft` may
        have been put before it.
    of : str
        The tensor that is differentiated, such as the logits [n, c].
    wrt : sequence of str
        The tensors by which, of floating-point numbers.
    beside : sequence of str
        Tensors of the network that are outputs, too. Others are none: a logit's gradient needs no logits.

    Returns
    -------
    bytes
        An ONNX file with one more input, `SEED` of the shape of `of`, and an output `gradient_of(name)` for each of
        `wrt`, of its shape: Σ seed · ∂of / ∂name. Rows of a batch do not mix. It is of the network's own opset, or of
        opset 10 where that is older.

    Raises
    ------
    NoRule
        If an operator on the way has no rule.
    ValueError
        For a name that no tensor of the network has.
    """
    draft, walked = _walked(network, of, wrt)
    if walked.refused:
        raise NoRule(
            f"the model's {_joined(walked.refused)} cannot be differentiated; "
            f"take a method that needs no gradient: {WITHOUT_GRADIENT}"
        )
    graph = draft.model.graph
    likes = {gradient_of(name): name for name in walked.messages} | {name: name for name in beside}
    del graph.output[:]
    for name, like in likes.items():
        graph.output.append(helper.make_tensor_value_info(name, draft.element(like), draft.shape(like)))
    for name, message in walked.messages.items():
        graph.node.append(helper.make_node("Identity", [message], [gradient_of(name)], name=gradient_of(name)))
    prune(graph)
    return bytes(draft.model.SerializeToString(deterministic=True))


def without_rule(network: bytes, of: str, wrt: Sequence[str]) -> tuple[str, ...]:
    """The operators on the way from `wrt` to `of` that have no rule, with the reason where they have one in part."""
    return _walked(network, of, wrt)[1].refused


def _walked(network: bytes, of: str, wrt: Sequence[str]) -> tuple[Draft, Walked]:
    draft = Draft(lifted(onnx.ModelProto.FromString(network)), PREFIX)
    for name in (of, *wrt):
        if not draft.knows(name):
            raise ValueError(f"backward: the network has no tensor {name!r}")
    seed = helper.make_tensor_value_info(SEED, draft.element(of), draft.shape(of))
    walked = walk(draft, (of, SEED), wrt, RULES)
    draft.model.graph.input.append(seed)
    return draft, walked


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
