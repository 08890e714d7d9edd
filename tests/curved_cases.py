"""Random graphs of one operator each that is not linear, away from its kinks."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import helper

from tests.gradients import OLDEST, Case
from tests.linear_cases import Draw, any_opset, reduction, whole

KINKS = (-3.0, -1.0, 0.0, 1.0, 3.0, 6.0)
SINCE = {"Gelu": 20, "Mish": 18, "HardSwish": 14, "LayerNormalization": 17, "Erf": 9, "ThresholdedRelu": 10}


def _numbers(draw: Draw, *shape: int, positive: bool = False) -> NDArray[np.float64]:
    """Numbers within -4..8, none of them near another or a kink."""
    rng = np.random.Generator(np.random.Philox(draw(st.integers(0, 1000))))
    count = int(np.prod(shape))
    places = np.linspace(0.1 if positive else -4, 4 if positive else 8, 4 * count + 1)[1:]
    far = places[np.abs(places[:, None] - KINKS).min(axis=1) > 0.02]
    return rng.choice(far, count, replace=False).reshape(shape)


def function(
    operator: str, *, positive: bool = False, attributes: tuple[dict[str, Any], ...] = ({},)
) -> st.SearchStrategy[Case]:
    """A function of each number by itself, with one of these sets of attributes."""

    @st.composite
    def strategy(draw: Draw) -> Case:
        node = helper.make_node(operator, ["x"], ["y"], **draw(st.sampled_from(attributes)))
        x = _numbers(draw, 2, 3, 2, positive=positive)
        return Case([node], {"x": x}, {}, any_opset(draw, since=SINCE.get(operator, OLDEST)), draw(st.booleans()))

    return strategy()


@st.composite
def clip(draw: Draw) -> Case:
    """With both bounds or one; attributes before opset 11."""
    opset = any_opset(draw)
    bounds = draw(st.sampled_from([{"min": 0.0, "max": 6.0}, {"min": -1.0}, {"max": 3.0}, {}]))
    x = _numbers(draw, 2, 3, 2)
    if opset < 11:
        return Case([helper.make_node("Clip", ["x"], ["y"], **bounds)], {"x": x}, {}, opset)
    names = [name if name in bounds else "" for name in ("min", "max")]
    return Case(
        [helper.make_node("Clip", ["x", *names], ["y"])],
        {"x": x},
        {name: np.array(value) for name, value in bounds.items()},
        opset,
    )


@st.composite
def prelu(draw: Draw) -> Case:
    slope = _numbers(draw, *draw(st.sampled_from([(3, 1), (1,), (3, 2)])))
    node = helper.make_node("PRelu", ["x", "slope"], ["y"])
    return Case([node], {"x": _numbers(draw, 2, 3, 2)}, {"slope": slope}, any_opset(draw))


@st.composite
def power(draw: Draw) -> Case:
    exponent = np.array(draw(st.sampled_from([2.0, 3.0, 0.5, -1.5, [2.0, 0.3]])))
    node = helper.make_node("Pow", ["x", "p"], ["y"])
    return Case([node], {"x": _numbers(draw, 2, 3, 2, positive=True)}, {"p": exponent}, any_opset(draw))


def of_two(operator: str) -> st.SearchStrategy[Case]:
    """Of two tensors, by both, of shapes that are stretched to each other; and of one with itself."""

    @st.composite
    def strategy(draw: Draw) -> Case:
        shapes = draw(st.sampled_from([[(2, 3, 2), (3, 1)], [(2, 3), (2, 3)], [(2, 1, 2), (2, 3, 1)]]))
        both = _numbers(draw, *[sum(int(np.prod(shape)) for shape in shapes)])
        first = int(np.prod(shapes[0]))
        values = {"a": both[:first].reshape(shapes[0]), "b": both[first:].reshape(shapes[1])}
        opset = any_opset(draw, since=8)
        if operator != "MatMul":
            inputs = draw(st.sampled_from([["a", "b"], ["b", "a"]]))
            return Case([helper.make_node(operator, inputs, ["y"])], values, {}, opset, open_batch=False)
        values = {"a": _numbers(draw, 2, 2, 3), "b": _numbers(draw, 2, 3, 2)}
        return Case([helper.make_node("MatMul", ["a", "b"], ["y"])], values, {}, opset, open_batch=False)

    return strategy()


@st.composite
def square(draw: Draw) -> Case:
    """One tensor that is read twice by the same node."""
    node = helper.make_node("Mul", ["x", "x"], ["y"])
    return Case([node], {"x": _numbers(draw, 2, 3)}, {}, any_opset(draw))


def softmax(operator: str) -> st.SearchStrategy[Case]:
    """Along one axis from opset 13 on, over all axes from one on before."""

    @st.composite
    def strategy(draw: Draw) -> Case:
        attributes = draw(st.sampled_from([{}, {"axis": 1}, {"axis": 2}]))
        node = helper.make_node(operator, ["x"], ["y"], **attributes)
        return Case([node], {"x": _numbers(draw, 2, 3, 2) / 2}, {}, any_opset(draw))

    return strategy()


def reduced(operator: str) -> st.SearchStrategy[Case]:
    """Over some axes, or all."""

    @st.composite
    def strategy(draw: Draw) -> Case:
        opset = any_opset(draw)
        nodes, constants = reduction(draw, operator, opset)
        x = _numbers(draw, 2, 3, 4, positive=operator == "ReduceLogSum")
        return Case(nodes, {"x": x}, constants, opset, open_batch=False)

    return strategy()


@st.composite
def layer_normalization(draw: Draw) -> Case:
    """With a bias or without one, over one axis or two."""
    axis = draw(st.sampled_from([-1, 1, 2]))
    shape = (3, 4) if axis == 1 else (4,)
    inputs = ["x", "scale", "bias"][: draw(st.integers(2, 3))]
    node = helper.make_node("LayerNormalization", inputs, ["y"], axis=axis, epsilon=1e-3)
    constants = {name: _numbers(draw, *shape) for name in inputs[1:]}
    return Case([node], {"x": _numbers(draw, 2, 3, 4)}, constants, any_opset(draw, since=17))


@st.composite
def instance_normalization(draw: Draw) -> Case:
    node = helper.make_node("InstanceNormalization", ["x", "scale", "bias"], ["y"], epsilon=1e-3)
    constants = {name: _numbers(draw, 3) for name in ("scale", "bias")}
    return Case([node], {"x": _numbers(draw, 2, 3, 2, 3)}, constants, any_opset(draw))


@st.composite
def lp_normalization(draw: Draw) -> Case:
    node = helper.make_node("LpNormalization", ["x"], ["y"], axis=draw(st.sampled_from([1, -1])))
    return Case([node], {"x": _numbers(draw, 2, 3, 2)}, {}, any_opset(draw))


@st.composite
def lrn(draw: Draw) -> Case:
    """Of odd sizes: onnxruntime takes no others."""
    node = helper.make_node(
        "LRN", ["x"], ["y"], size=draw(st.sampled_from([1, 3, 5, 7])), alpha=0.4, beta=0.6, bias=1.5
    )
    return Case([node], {"x": _numbers(draw, 2, 5, 2, 1)}, {}, any_opset(draw))


@st.composite
def max_pool(draw: Draw) -> Case:
    """Overlapping windows, uneven pads, ceil_mode, dilations; of few numbers, so that windows have several maxima."""
    opset, rank = any_opset(draw, since=8), draw(st.integers(1, 3))
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    options: dict[str, Any] = {"kernel_shape": kernel}
    auto = draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER"]))
    if auto == "NOTSET":
        options["pads"] = [draw(st.integers(0, kernel[axis % rank] - 1)) for axis in range(2 * rank)]
        options["strides"] = [draw(st.integers(1, 3)) for _ in kernel]
        if opset >= 10:
            options["ceil_mode"], options["dilations"] = (
                draw(st.integers(0, 1)),
                [draw(st.integers(1, 2)) for _ in kernel],
            )
    else:
        options["auto_pad"], options["strides"] = auto, [draw(st.integers(1, k)) for k in kernel]
    size = [draw(st.integers(max(3, 2 * k - 1), 7)) for k in kernel]
    return Case(
        [helper.make_node("MaxPool", ["x"], ["y", "places"], **options)], {"x": whole(draw, 2, 2, *size)}, {}, opset
    )


@st.composite
def global_max_pool(draw: Draw) -> Case:
    node = helper.make_node("GlobalMaxPool", ["x"], ["y"])
    return Case([node], {"x": _numbers(draw, 2, 3, 2, 3)}, {}, any_opset(draw))


CURVED: dict[str, st.SearchStrategy[Case]] = {
    **{
        name: function(name)
        for name in ("Abs", "Cos", "Erf", "HardSwish", "Mish", "Relu", "Sigmoid", "Sin", "Softplus", "Tanh")
    },
    **{name: function(name, positive=True) for name in ("Exp", "Log", "Reciprocal", "Sqrt")},
    **{name: function(name, attributes=({}, {"alpha": 0.3})) for name in ("Elu", "LeakyRelu", "Selu")},
    "ThresholdedRelu": function("ThresholdedRelu", attributes=({}, {"alpha": 3.0})),
    "Gelu": function("Gelu", attributes=({}, {"approximate": "tanh"})),
    "HardSigmoid": function("HardSigmoid", attributes=({"alpha": 1 / 6, "beta": 0.5}, {"alpha": 0.25, "beta": 0.25})),
    **{name: of_two(name) for name in ("Div", "MatMul", "Max", "Min")},
    **{name: reduced(name) for name in ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax")},
    **{name: reduced(name) for name in ("ReduceMin", "ReduceSumSquare")},
    **{name: softmax(name) for name in ("LogSoftmax", "Softmax")},
    "Clip": clip(),
    "GlobalMaxPool": global_max_pool(),
    "InstanceNormalization": instance_normalization(),
    "LRN": lrn(),
    "LayerNormalization": layer_normalization(),
    "LpNormalization": lp_normalization(),
    "Mul": square(),
    "PRelu": prelu(),
    "Pow": power(),
}
