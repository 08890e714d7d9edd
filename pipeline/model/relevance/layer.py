"""A layer: a linear map with weights, as the rules of relevance see it, and what each rule makes of it.

Every rule is a sum over *terms*, an input with weights to go with it: z is the map applied to all terms, and each term
takes relevance as it has part in z. The rules are those of Bach et al., "On pixel-wise explanations for non-linear
classifier decisions by layer-wise relevance propagation", PLOS ONE 2015 (epsilon, alpha-beta, flat), and of Montavon
et al., "Layer-wise relevance propagation: an overview", 2019, table 10.1 (plus, gamma, box).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from pipeline.model.relevance.ledger import Ledger
from pipeline.model.vjp.draft import Draft, Unsupported
from pipeline.model.vjp.products import BIAS_OPTIONAL
from pipeline.model.vjp.walk import Rule, Step

Weights = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Term:
    """An input of a linear map, and the weights that go with it."""

    x: str
    weights: Weights


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A node y = W x + b.

    Attributes
    ----------
    step : Step
    ledger : Ledger
    backward : Rule
        The node's vector-Jacobian product.
    place : int
        Of x among the node's inputs; the weights are the other of the first two.
    weights : float array
    bias : float array or None
        As it broadcasts to y.
    positive : bool
        Whether x cannot be below zero.
    box : (str, str) or None
        The lowest and highest x there can be, where that is known.
    """

    step: Step
    ledger: Ledger
    backward: Rule
    place: int
    weights: Weights
    bias: Weights | None
    positive: bool
    box: tuple[str, str] | None = None

    @property
    def x(self) -> str:
        """The input."""
        return str(self.step.node.input[self.place])

    def share(self, received: str, terms: Sequence[Term], bias: Weights | None) -> str:
        """What x takes of the relevance received, where z is made of these terms and this bias."""
        draft, like = self.step.draft, self.x
        constant = None if bias is None or not bias.any() else draft.constant(bias, like)
        z = draft.total([self._applied(term) for term in terms])
        each = self.ledger.quotient(received, z if constant is None else draft.node("Add", z, constant), like)
        if constant is not None:
            self.ledger.to_bias(each, constant)
        return draft.total([draft.node("Mul", term.x, self._returned(each, term.weights)) for term in terms])

    def plain(self) -> str:
        """The same for the map as it is: its z is there already."""
        draft, like = self.step.draft, self.x
        each = self.ledger.quotient(self.step.message, self.step.y, like)
        if self.bias is not None:
            self.ledger.to_bias(each, draft.constant(self.bias, like))
        return draft.node("Mul", self.x, self._returned(each, self.weights))

    def flat(self) -> str:
        """The same where all inputs and all weights are one."""
        draft, ones = self.step.draft, np.ones_like(self.weights)
        like = draft.node("Add", draft.zeros_like(self.x), draft.constant(1.0, self.x))
        each = self.ledger.quotient(self.step.message, self._applied(Term(like, ones)), self.x)
        return self._returned(each, ones)

    def signed(self, above: Weights, below: Weights) -> list[Term]:
        """Terms for x above zero, and for x below zero where it can be."""
        if self.positive:
            return [Term(self.x, above)]
        up = self.step.draft.node("Relu", self.x)
        return [Term(up, above), Term(self.step.draft.node("Sub", self.x, up), below)]

    def _applied(self, term: Term) -> str:
        """The map of a term, without bias."""
        return again(self.step.draft, self._with(term.x, term.weights))

    def _returned(self, each: str, weights: Weights) -> str:
        """The transposed map of relevance for each unit, of x's shape."""
        node = self._with(self.x, weights)
        returned = self.backward(replace(self.step, node=node, received=(each,)))[self.place]
        if returned is None:
            raise Unsupported("its input has no part in what is asked")
        return returned

    def _with(self, x: str, weights: Weights) -> NodeProto:
        """The node with another input and other weights, and without bias."""
        draft, node = self.step.draft, NodeProto()
        node.CopyFrom(self.step.node)
        kept = [one for one in node.attribute if one.name not in ("alpha", "beta")]  # they are in weights and bias
        del node.input[:], node.attribute[:]
        node.attribute.extend(kept)
        pair = [x, draft.constant(weights, self.x)]
        node.input.extend(pair if self.place == 0 else pair[::-1])
        if node.op_type == "Gemm" and draft.opset < BIAS_OPTIONAL:
            node.input.append(draft.constant([0], self.x))
        return node


def again(draft: Draft, node: NodeProto) -> str:
    """Add a node with its own operator, inputs and attributes, and a fresh name; its first output."""
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return draft.node(node.op_type, *node.input, **attributes)


LayerRule = Callable[[Layer], str]


def epsilon(layer: Layer) -> str:
    """Each input as it has part in the output, for it or against it."""
    return layer.plain()


def plus(layer: Layer) -> str:
    """What speaks for the output alone."""
    above, below = parts(layer.weights)
    bias = None if layer.bias is None else parts(layer.bias)[0]
    return layer.share(layer.step.message, layer.signed(above, below), bias)


def alpha2_beta1(layer: Layer) -> str:
    """Twice what speaks for the output, less once what speaks against it."""
    draft, message = layer.step.draft, layer.step.message
    above, below = parts(layer.weights)
    up, down = (None, None) if layer.bias is None else parts(layer.bias)
    for_it = layer.share(draft.times(message, 2.0, layer.x), layer.signed(above, below), up)
    against = layer.share(draft.times(message, -1.0, layer.x), layer.signed(below, above), down)
    return draft.node("Add", for_it, against)


def gamma(layer: Layer, strength: float = 0.25) -> str:
    """What speaks for the output counts more, by `strength`, than what speaks against it."""
    draft, message = layer.step.draft, layer.step.message
    on = draft.cast(draft.node("Greater", layer.step.y, draft.constant(0.0, layer.x)), layer.x)
    above, below = (layer.weights + strength * part for part in parts(layer.weights))
    up, down = (None, None) if layer.bias is None else (layer.bias + strength * part for part in parts(layer.bias))
    of_on = draft.node("Mul", message, on)
    of_off = draft.node("Sub", message, of_on)
    on_share = layer.share(of_on, layer.signed(above, below), up)
    return draft.node("Add", on_share, layer.share(of_off, layer.signed(below, above), down))


def flat(layer: Layer) -> str:
    """All inputs alike, whatever they are: where the network looks, not at what."""
    return layer.flat()


def box(layer: Layer) -> str:
    """Each input as it has part in the output beyond the least that an input between two bounds has."""
    if layer.box is None:
        return layer.plain()
    (low, high), (above, below) = layer.box, parts(layer.weights)
    terms = [Term(layer.x, layer.weights), Term(low, -above), Term(high, -below)]
    return layer.share(layer.step.message, terms, None)


def parts(array: Weights) -> tuple[Weights, Weights]:
    """What of an array is above zero, and what below.

    Examples
    --------
    >>> parts(np.array([2.0, -3.0]))
    (array([2., 0.]), array([ 0., -3.]))
    """
    return np.maximum(array, 0), np.minimum(array, 0)
