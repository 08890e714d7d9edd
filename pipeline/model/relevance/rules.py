"""The rule set of relevance propagation: for every operator what its node hands to its inputs.

What has weights has a layer's rule, by the composite. What adds up (residuals, means) shares in proportion; what
chooses gives all to the chosen; a function of one number, and what moves numbers, passes relevance as it is; of a
product the signal takes all, see `pipeline.model.relevance.gates`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from onnx import NodeProto

from pipeline.model.relevance.composite import Composite
from pipeline.model.relevance.gates import gate
from pipeline.model.relevance.layer import Layer, Weights
from pipeline.model.relevance.ledger import Ledger
from pipeline.model.relevance.preparation import LAYERS, Box
from pipeline.model.vjp.draft import Unsupported
from pipeline.model.vjp.walk import Rule, Step, operator

Handed = Sequence[str | None]

DENSE = ("Gemm", "MatMul")
SUMS = ("Add", "Sub", "Sum")
EACH = (*SUMS, "Mul", "Div")  # of two numbers at one place each
PASSED = (
    *("Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh"),
    *("Gelu", "Erf", "Softplus", "Softsign", "Mish", "ThresholdedRelu", "Softmax", "LogSoftmax", "Sqrt", "Pow", "Exp"),
    *("Log", "Abs", "Neg", "Reciprocal", "LRN", "LayerNormalization", "InstanceNormalization", "GroupNormalization"),
    *("Identity", "Dropout"),
)
PROPORTIONAL = (
    *("Add", "Sub", "Sum", "Mean", "AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum", "Resize"),
)
ROUTED = (
    *("MaxPool", "GlobalMaxPool", "ReduceMax", "Max", "Min", "Cast", "Reshape", "Flatten", "Transpose", "Squeeze"),
    *("Unsqueeze", "Concat", "Split", "Slice", "Gather", "Expand", "Pad", "Where", "DepthToSpace", "SpaceToDepth"),
    *("ReduceMin", "Tile"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What the rules know of the network.

    Attributes
    ----------
    composite : Composite
    ledger : Ledger
    backward : mapping of str to Rule
        The rules of gradients: the transposes of linear maps.
    producers : mapping of str to NodeProto
        By the tensors that they make.
    positive : set of str
        The tensors that cannot be below zero.
    raw : set of str
        Tensors that no layer has made, only the preparation of the picture.
    box : Box or None
    """

    composite: Composite
    ledger: Ledger
    backward: Mapping[str, Rule]
    producers: Mapping[str, NodeProto]
    positive: set[str]
    raw: set[str]
    box: Box | None

    def all(self) -> dict[str, Rule]:
        """The rules by operator."""
        rules: dict[str, Rule] = dict.fromkeys(PASSED, passed)
        rules |= dict.fromkeys(ROUTED, self.routed) | dict.fromkeys(PROPORTIONAL, self.proportional)
        rules |= dict.fromkeys(LAYERS, self.layer)
        return rules | {"Mul": self.product, "Div": self.quotient, "BatchNormalization": self.affine}

    def layer(self, step: Step) -> Handed:
        """By the composite's rule; of a product without weights as `product` does."""
        draft = step.draft
        constant = [draft.value(name) is not None for name in step.node.input[:2]]
        if not any(constant):
            return self.product(step)
        place = constant.index(False)
        relevance = self._rule(step, place)(self._layer(step, place))
        return [relevance if one == place else None for one in (0, 1)]

    def proportional(self, step: Step) -> Handed:
        """Each input as it has part in the sum, constants too. Where the picture is only prepared, it takes all."""
        if self._prepares(step):
            return self._only(step)
        draft, name = step.draft, operator(step.node)
        each = self.ledger.quotient(step.message, step.y, step.y)
        back = self._back(replace(step, received=(each,)))
        if name in SUMS:
            for place, one in enumerate(step.node.input):
                if not step.wanted[place]:
                    self.ledger.to_bias(each, draft.node("Neg", one) if name == "Sub" and place else one)
        pairs = zip(step.node.input, back, strict=False)
        return [None if one is None else draft.node("Mul", x, one) for x, one in pairs]

    def affine(self, step: Step) -> Handed:
        """Normalisation that no layer could take in: its scale passes, its shift takes its part."""
        if self._prepares(step):
            return passed(step)
        scale, shift, mean, variance = (step.draft.value(name) for name in step.node.input[1:5])
        if scale is None or shift is None or mean is None or variance is None:
            raise Unsupported("its statistics are no constants")
        moved = shift - mean * scale / np.sqrt(variance + step.attribute("epsilon", 1e-5))
        rank = len(step.draft.shape(step.x))
        each = self.ledger.quotient(step.message, step.y, step.x)
        self.ledger.to_bias(each, step.draft.constant(moved.reshape(-1, *[1] * (rank - 2)), step.x))
        returned = self._back(replace(step, received=(each,)))[0]
        return [None if returned is None else step.draft.node("Mul", step.x, returned)]

    def routed(self, step: Step) -> Handed:
        """As a gradient goes, which these operators hand on whole; what a constant in between took is the bias's."""
        handed = self._back(step)
        if operator(step.node) in ("Pad", "Concat", "Where", "Max", "Min"):
            self.ledger.rest(step.received, handed)
        return handed

    def product(self, step: Step) -> Handed:
        """The signal takes all. Two of which none is a gate take half each; a constant factor passes."""
        if sum(step.wanted[:2]) == 1:
            return self._only(step)
        place = gate(step.node, self.producers, step.draft)
        if place is None:
            half = replace(step, received=(step.draft.times(step.message, 0.5, step.y),))
            return [self._signal(half, 0), self._signal(half, 1)]
        return [None if one == place else self._signal(step, one) for one in (0, 1)]

    def quotient(self, step: Step) -> Handed:
        """The numerator takes all."""
        if not step.wanted[0]:
            raise Unsupported("its denominator alone depends on the picture")
        return [self._signal(step, 0), None]

    def _rule(self, step: Step, place: int) -> Callable[[Layer], str]:
        composite = self.composite
        if composite.first and step.node.input[place] in self.raw:
            return composite.first
        return composite.dense if step.node.op_type in DENSE else composite.convolution

    def _layer(self, step: Step, place: int) -> Layer:
        x = step.node.input[place]
        weights = step.draft.value(step.node.input[1 - place])
        if weights is None:
            raise Unsupported("its weights are no constants")
        weights = weights * np.asarray(step.attribute("alpha", 1.0), weights.dtype)
        box = self.box(x) if self.box and x in self.raw and self.composite.first else None
        ledger, backward = self.ledger, self.backward[step.node.op_type]
        return Layer(step, ledger, backward, place, weights, _bias(step), x in self.positive, box)

    def _only(self, step: Step) -> Handed:
        """All to the one input that is wanted."""
        place = step.wanted.index(True)
        return [self._signal(step, one) if one == place else None for one in range(len(step.wanted))]

    def _signal(self, step: Step, place: int) -> str | None:
        """What one input takes that takes all, the others held as they are."""
        name, x = operator(step.node), step.node.input[place]
        if name in EACH and step.draft.shape(x) == step.draft.shape(step.y):
            return step.message
        wanted = tuple(one == place for one in range(len(step.wanted)))
        each = self.ledger.quotient(step.message, step.y, step.y)
        returned = self._back(replace(step, received=(each,), wanted=wanted))[place]
        return None if returned is None else step.draft.node("Mul", x, returned)

    def _prepares(self, step: Step) -> bool:
        return step.y in self.raw

    def _back(self, step: Step) -> Handed:
        name = operator(step.node)
        if name not in self.backward:
            raise Unsupported("")
        return self.backward[name](step)


def passed(step: Step) -> Handed:
    """Relevance as it is: the function has one input, and nothing else took part."""
    step.only(0)
    return [step.message]


def _bias(step: Step) -> Weights | None:
    """The bias of a layer as it broadcasts to its output."""
    name = step.input(2)
    if name is None:
        return None
    bias = step.draft.value(name)
    if bias is None:
        raise Unsupported("its bias is no constant")
    if step.node.op_type == "Gemm":
        return np.asarray(bias * np.asarray(step.attribute("beta", 1.0), bias.dtype))
    return bias.reshape(-1, *[1] * (len(step.draft.shape(step.y)) - 2))
