"""Random graphs of one linear operator each; those of several inputs are linear in one at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tests.gradients import NEWEST, OLDEST, Case

Draw = Callable[[st.SearchStrategy[Any]], Any]
OPSETS = (OLDEST, 9, 11, 13, 16, 18, 21, NEWEST)


def whole(draw: Draw, *shape: int) -> NDArray[np.float32]:
    """Small whole numbers, of which products and sums are exact."""
    rng = np.random.Generator(np.random.Philox(draw(st.integers(0, 1000))))
    return rng.integers(-4, 5, shape).astype(np.float32)


def any_opset(draw: Draw, *, since: int = OLDEST) -> int:
    """An opset, the operator's first or a later one in which something changed."""
    return int(draw(st.sampled_from([version for version in OPSETS if version >= since] or [NEWEST])))


def _each(draw: Draw, rank: int, low: int, high: int) -> list[int]:
    return [int(draw(st.integers(low, high))) for _ in range(rank)]


def _windows(
    draw: Draw, rank: int, *, dilated: bool, strides: list[int] | None = None
) -> tuple[list[int], dict[str, Any]]:
    """The size of a picture, and how windows slide over it: pads, uneven or told by auto_pad, strides, dilations."""
    kernel, strides = _each(draw, rank, 1, 4), strides or _each(draw, rank, 1, 3)
    dilations = _each(draw, rank, 1, 2) if dilated else [1] * rank
    size = _each(draw, rank, 1, 9)
    autos = ["NOTSET", "NOTSET", "VALID", *(["SAME_UPPER", "SAME_LOWER"] if set(dilations) == {1} else [])]
    auto = draw(st.sampled_from(autos))  # onnxruntime takes SAME with no dilations
    if auto.startswith("SAME"):  # and AveragePool with no steps beyond the kernel
        strides = [min(s, k) for s, k in zip(strides, kernel, strict=True)]
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides}
    if dilated:
        attributes["dilations"] = dilations
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = [0] * 2 * rank
    if auto == "NOTSET":
        pads = _each(draw, 2 * rank, 0, 3)
        attributes["pads"] = pads
    else:
        attributes["auto_pad"] = auto
    if not auto.startswith("SAME"):
        assume(all(n + pads[i] + pads[rank + i] >= span for i, (n, span) in enumerate(zip(size, spans, strict=True))))
    return size, attributes


@st.composite
def conv(draw: Draw) -> Case:
    """Any groups, depthwise too."""
    group, inside, outside = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return _conv(draw, draw(st.integers(1, 3)), group, (inside, outside))


@st.composite
def strided_conv(draw: Draw, *, depthwise: bool) -> Case:
    """Of pictures, in steps as long down as across: of every channel by itself, or of all together."""
    group, each = (draw(st.integers(2, 3)), (1, 1)) if depthwise else (1, (draw(st.integers(1, 3)), 2))
    return _conv(draw, 2, group, each, strides=[draw(st.integers(2, 3))] * 2)


def _conv(draw: Draw, rank: int, group: int, each: tuple[int, int], strides: list[int] | None = None) -> Case:
    """Of so many groups, each of so many channels in and out."""
    size, attributes = _windows(draw, rank, dilated=True, strides=strides)
    inside, outside = each
    weight = whole(draw, group * outside, inside, *attributes["kernel_shape"])
    biased = draw(st.booleans())
    node = helper.make_node("Conv", ["x", "w", "b"][: 2 + biased], ["y"], group=group, **attributes)
    x = whole(draw, 2, group * inside, *size)
    constants = {"w": weight, "b": whole(draw, group * outside)}
    return Case([node], {"x": x}, {name: constants[name] for name in node.input[1:]}, any_opset(draw))


@st.composite
def conv_transpose(draw: Draw) -> Case:
    rank = draw(st.integers(1, 2))
    group, inside, outside = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    kernel, strides, dilations = _each(draw, rank, 1, 4), _each(draw, rank, 1, 3), _each(draw, rank, 1, 2)
    size, pads = _each(draw, rank, 2, 5), _each(draw, 2 * rank, 0, 2)
    more = [draw(st.integers(0, s - 1)) for s in strides]  # onnxruntime takes no more
    for axis in range(rank):
        full = (size[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1 + more[axis]
        assume(full > pads[axis] + pads[rank + axis] + more[axis])
    options = {"strides": strides, "dilations": dilations, "pads": pads, "output_padding": more, "group": group}
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], **options)
    weight = whole(draw, group * inside, outside, *kernel)
    return Case([node], {"x": whole(draw, 2, group * inside, *size)}, {"w": weight}, any_opset(draw, since=11))


@st.composite
def average_pool(draw: Draw) -> Case:
    """With ceil_mode, count_include_pad and, from opset 19 on, dilations."""
    opset = any_opset(draw)
    size, attributes = _windows(draw, draw(st.integers(1, 3)), dilated=opset >= 19)
    kernel, pads = attributes["kernel_shape"], attributes.get("pads", [])
    assume(all(pad < kernel[i % len(kernel)] for i, pad in enumerate(pads)))  # onnxruntime wants less than the kernel
    if opset >= 10 and "pads" in attributes:
        attributes["ceil_mode"] = draw(st.integers(0, 1))
        rank, steps = len(size), attributes["strides"]
        for axis, dilation in enumerate(attributes.get("dilations", [1] * rank)):
            room = size[axis] + pads[axis] + pads[rank + axis] - (kernel[axis] - 1) * dilation - 1
            assume(-(-room // steps[axis]) * steps[axis] < size[axis] + pads[axis])  # the last window is in the picture
    attributes["count_include_pad"] = draw(st.integers(0, 1))
    node = helper.make_node("AveragePool", ["x"], ["y"], **attributes)
    return Case([node], {"x": whole(draw, 2, draw(st.integers(1, 3)), *size)}, {}, opset)


@st.composite
def global_average_pool(draw: Draw) -> Case:
    x = whole(draw, 2, 3, *_each(draw, draw(st.integers(1, 3)), 1, 5))
    return Case([helper.make_node("GlobalAveragePool", ["x"], ["y"])], {"x": x}, {}, any_opset(draw))


@st.composite
def batch_normalization(draw: Draw) -> Case:
    x = whole(draw, 2, 3, *_each(draw, draw(st.integers(0, 3)), 1, 4))
    spread = {name: np.abs(whole(draw, 3)) + 0.5 for name in ("scale", "variance")}
    constants = {**spread, "bias": whole(draw, 3), "mean": whole(draw, 3)}
    node = helper.make_node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], ["y"], epsilon=1e-3)
    return Case([node], {"x": x}, constants, any_opset(draw))


@st.composite
def gemm(draw: Draw) -> Case:
    """By A and C, or by B and C: of both at once it is not linear."""
    m, k, n = _each(draw, 3, 1, 4)
    turned = {"transA": draw(st.integers(0, 1)), "transB": draw(st.integers(0, 1))}
    a = whole(draw, *((k, m) if turned["transA"] else (m, k)))
    b = whole(draw, *((n, k) if turned["transB"] else (k, n)))
    c = whole(draw, *draw(st.sampled_from([(n,), (m, n), (1, n), (m, 1), (1,)])))
    node = helper.make_node("Gemm", ["a", "b", "c"], ["y"], alpha=0.5, beta=2.0, **turned)
    varied = {"a": a, "c": c} if draw(st.booleans()) else {"b": b, "c": c}
    fixed = {name: one for name, one in (("a", a), ("b", b)) if name not in varied}
    return Case([node], varied, fixed, any_opset(draw), open_batch=False)


@st.composite
def matmul(draw: Draw) -> Case:
    """Vectors, matrices and stacks of them."""
    k = draw(st.integers(1, 4))
    a = draw(st.sampled_from([(k,), (3, k), (2, 3, k), (2, 1, 3, k), (1, 2, 3, k)]))
    b = draw(st.sampled_from([(k,), (k, 2), (2, k, 2), (2, 2, k, 3), (2, 1, k, 1)]))
    values = {"a": whole(draw, *a), "b": whole(draw, *b)}
    assume(len(a) > 1 or len(b) > 1)
    varied = draw(st.sampled_from(["a", "b"]))
    fixed = {name: value for name, value in values.items() if name != varied}
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    return Case([node], {varied: values[varied]}, fixed, any_opset(draw), open_batch=False)


@st.composite
def einsum(draw: Draw) -> Case:
    equation = draw(st.sampled_from(["bij,bjk->bik", "bhid,bhjd->bhij", "ij,jk->ki", "bhwc,hkc->bhwk", "bc,bc->b"]))
    terms = equation.partition("->")[0].split(",")
    lengths = dict(zip("bhwijkdc", (2, 3, 2, 3, 2, 4, 2, 3), strict=True))
    values = {name: whole(draw, *(lengths[one] for one in term)) for name, term in zip("ab", terms, strict=True)}
    varied = draw(st.sampled_from(["a", "b"]))
    node = helper.make_node("Einsum", ["a", "b"], ["y"], equation=equation)
    fixed = {name: value for name, value in values.items() if name != varied}
    return Case([node], {varied: values[varied]}, fixed, any_opset(draw, since=13), open_batch=False)


def elementwise(operator: str, inputs: int, since: int = OLDEST) -> st.SearchStrategy[Case]:
    """Of shapes that are stretched to each other; Mul and Div linear in the first."""

    @st.composite
    def strategy(draw: Draw) -> Case:
        shapes = draw(st.sampled_from([[(2, 3, 4), (3, 1)], [(2, 3), (2, 3)], [(3,), (2, 3)], [(2, 1, 4), (2, 3, 1)]]))
        values = {name: whole(draw, *shape) for name, shape in zip("ab"[:inputs], shapes[:inputs], strict=True)}
        node = helper.make_node(operator, list(values), ["y"])
        varied = {"a": values["a"]} if operator in ("Mul", "Div") else values
        fixed = {name: np.abs(value) + 1 for name, value in values.items() if name not in varied}
        return Case([node], varied, fixed, any_opset(draw, since=since), open_batch=False)

    return strategy()


@st.composite
def where(draw: Draw) -> Case:
    shapes = draw(st.sampled_from([[(2, 3), (2, 3), (2, 3)], [(3,), (2, 3), (1,)], [(2, 3), (3,), (2, 1)]]))
    values = {name: whole(draw, *shape) for name, shape in zip("ab", shapes[1:], strict=True)}
    node = helper.make_node("Where", ["c", "a", "b"], ["y"])
    return Case([node], values, {"c": whole(draw, *shapes[0]) > 0}, any_opset(draw, since=9), open_batch=False)


def moved(operator: str) -> st.SearchStrategy[Case]:
    """Reshape, Flatten, Squeeze, Unsqueeze, Transpose and what changes nothing."""

    @st.composite
    def strategy(draw: Draw) -> Case:
        opset = any_opset(draw)
        inputs: dict[str, NDArray[Any]] = {}
        shape, attributes = (2, 3, 4), {}
        if operator == "Reshape":
            inputs = {"s": np.array(draw(st.sampled_from([[0, -1], [-1, 4], [2, 2, 3, 2], [0, 0, 2, 2]])), np.int64)}
        elif operator == "Flatten":
            attributes = {"axis": draw(st.integers(0, 3))}
        elif operator in ("Squeeze", "Unsqueeze"):
            shape, axes = (2, 1, 4, 1), draw(st.sampled_from([[1], [3], [1, 3]]))
            inputs = {"s": np.array(axes, np.int64)} if opset >= 13 else {}
            attributes = {} if opset >= 13 else {"axes": axes}
        elif operator == "Transpose":
            attributes = {"perm": draw(st.permutations(range(3)))} if draw(st.booleans()) else {}
        elif operator == "Cast":
            attributes = {"to": TensorProto.DOUBLE}
        node = helper.make_node(operator, ["x", *inputs], ["y" if operator != "Cast" else "c"], **attributes)
        nodes = [node, *([helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT)] if operator == "Cast" else [])]
        return Case(nodes, {"x": whole(draw, *shape)}, inputs, opset, draw(st.booleans()))

    return strategy()


@st.composite
def expand(draw: Draw) -> Case:
    shape, to = draw(st.sampled_from([((2, 1, 3), [2, 4, 3]), ((3,), [2, 3]), ((1, 1), [2, 3]), ((2, 3), [1, 3])]))
    node = helper.make_node("Expand", ["x", "s"], ["y"])
    return Case([node], {"x": whole(draw, *shape)}, {"s": np.array(to, np.int64)}, any_opset(draw, since=9), False)


@st.composite
def concat(draw: Draw) -> Case:
    opset = any_opset(draw)
    axis = draw(st.sampled_from([1, 2, -1, -2] if opset >= 11 else [1, 2]))
    shapes = [[2, 3, 4] for _ in range(3)]
    for shape in shapes:
        shape[axis] = draw(st.integers(1, 3))
    values = {name: whole(draw, *shape) for name, shape in zip("abc", shapes, strict=True)}
    return Case([helper.make_node("Concat", ["a", "b", "c", "a"], ["y"], axis=axis)], values, {}, opset)


@st.composite
def split(draw: Draw) -> Case:
    """Of which one output leads nowhere."""
    opset, sizes = any_opset(draw), [1, 3, 2]
    given: dict[str, NDArray[Any]] = {"s": np.array(sizes, np.int64)} if opset >= 13 else {}
    node = helper.make_node("Split", ["x", *given], ["p", "q", "r"], axis=1, **({} if given else {"split": sizes}))
    nodes = [node, helper.make_node("Concat", ["r", "p"], ["y"], axis=1)]
    return Case(nodes, {"x": whole(draw, 2, 6, 2)}, given, opset)


@st.composite
def slice_(draw: Draw) -> Case:
    """With steps, backwards too."""
    opset, shape = any_opset(draw), (2, 5, 6)
    axes = draw(st.sampled_from([[1], [2], [-1, 1], [1, 2]]))
    steps = [draw(st.sampled_from([1, 2, 3, -1, -2])) if opset >= 10 else 1 for _ in axes]
    starts = [draw(st.integers(0, 2)) if step > 0 else draw(st.integers(3, 9)) for step in steps]
    ends = [
        draw(st.sampled_from([3, 4, -1, 2**62])) if step > 0 else draw(st.sampled_from([0, -6, -9])) for step in steps
    ]
    if opset < 10:  # onnx's own inference, by which the case is checked, wants the axes in their order there
        told = sorted(zip((axis % 3 for axis in axes), starts, ends, strict=True))
        axes, starts, ends = (list(one) for one in zip(*told, strict=True))
        node = helper.make_node("Slice", ["x"], ["y"], axes=axes, starts=starts, ends=ends)
        return Case([node], {"x": whole(draw, *shape)}, {}, opset)
    bounds = {name: np.array(one, np.int64) for name, one in zip("sead", (starts, ends, axes, steps), strict=True)}
    node = helper.make_node("Slice", ["x", "s", "e", "a", "d"], ["y"])
    return Case([node], {"x": whole(draw, *shape)}, bounds, opset)


@st.composite
def gather(draw: Draw) -> Case:
    """Places taken once, several times, more than sixteen times, and never; some told from behind."""
    opset = any_opset(draw)
    axis = draw(st.sampled_from([1, 2, -1] if opset >= 11 else [1, 2]))
    shape = draw(st.sampled_from([(), (4,), (40,), (2, 3)]))
    rng = np.random.Generator(np.random.Philox(draw(st.integers(0, 1000))))
    indices = np.asarray(rng.integers(-3 if opset >= 11 else 0, 3, shape))
    return Case(
        [helper.make_node("Gather", ["x", "i"], ["y"], axis=axis)],
        {"x": whole(draw, 2, 3, 4)},
        {"i": indices},
        any_opset(draw),
    )


@st.composite
def tile(draw: Draw) -> Case:
    repeats = np.array(draw(st.sampled_from([[1, 2, 3], [1, 1, 20], [1, 1, 1]])), np.int64)
    return Case(
        [helper.make_node("Tile", ["x", "r"], ["y"])], {"x": whole(draw, 2, 3, 2)}, {"r": repeats}, any_opset(draw)
    )


@st.composite
def pad(draw: Draw) -> Case:
    opset = any_opset(draw)
    mode = draw(st.sampled_from(["constant", "constant", "reflect", "edge"]))
    least = -1 if mode == "constant" else 0
    pads = [0, *(draw(st.integers(least, 2)) for _ in range(2)), 0, *(draw(st.integers(least, 2)) for _ in range(2))]
    x = whole(draw, 2, 3, 4)
    if opset < 11:
        return Case([helper.make_node("Pad", ["x"], ["y"], pads=pads, mode=mode)], {"x": x}, {}, opset)
    return Case(
        [helper.make_node("Pad", ["x", "p"], ["y"], mode=mode)], {"x": x}, {"p": np.array(pads, np.int64)}, opset
    )


def blocks(operator: str) -> st.SearchStrategy[Case]:
    """DepthToSpace, in both modes, and SpaceToDepth."""

    @st.composite
    def strategy(draw: Draw) -> Case:
        opset = any_opset(draw, since=11)
        mode = {"mode": draw(st.sampled_from(["DCR", "CRD"]))} if operator == "DepthToSpace" else {}
        shape = (2, 8, 2, 3) if operator == "DepthToSpace" else (2, 2, 4, 6)
        return Case(
            [helper.make_node(operator, ["x"], ["y"], blocksize=2, **mode)], {"x": whole(draw, *shape)}, {}, opset
        )

    return strategy()


def reduced(operator: str) -> st.SearchStrategy[Case]:
    """Over some axes, or all."""

    @st.composite
    def strategy(draw: Draw) -> Case:
        opset = any_opset(draw)
        nodes, constants = reduction(draw, operator, opset)
        return Case(nodes, {"x": whole(draw, 2, 3, 4)}, constants, opset, open_batch=False)

    return strategy()


def reduction(draw: Draw, operator: str, opset: int) -> tuple[list[Any], dict[str, NDArray[Any]]]:
    """The node of a reduction, its axes an attribute or an input, and its constants."""
    axes = draw(st.sampled_from([[1], [2], [1, 2], None, *([[-1], [0, -2]] if opset >= 11 else [])]))
    by_input = opset >= (13 if operator == "ReduceSum" else 18)
    constants = {"axes": np.array(axes, np.int64)} if by_input and axes else {}
    attributes = {"axes": axes} if axes and not by_input else {}
    return [
        helper.make_node(operator, ["x", *constants], ["y"], keepdims=draw(st.integers(0, 1)), **attributes)
    ], constants


@st.composite
def resize(draw: Draw) -> Case:
    """Nearest, linear and cubic, larger and smaller, by scales and by sizes."""
    opset = any_opset(draw, since=11)
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    places = draw(st.sampled_from(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]))
    size, out = _each(draw, 2, 2, 6), _each(draw, 2, 1, 9)
    constants: dict[str, NDArray[Any]] = {"roi": np.zeros(0, np.float32), "scales": np.zeros(0, np.float32)}
    if draw(st.booleans()):
        constants["scales"] = np.array([1, 1, draw(st.sampled_from([0.6, 1.7, 2, 3])), 2], np.float32)
    else:
        constants["sizes"] = np.array([2, 2, *out], np.int64)
    node = helper.make_node("Resize", ["x", *constants], ["y"], mode=mode, coordinate_transformation_mode=places)
    return Case([node], {"x": whole(draw, 2, 2, *size)}, constants, opset, open_batch=False)


LINEAR: dict[str, st.SearchStrategy[Case]] = {
    "Add": elementwise("Add", 2),
    "AveragePool": average_pool(),
    "BatchNormalization": batch_normalization(),
    "Concat": concat(),
    "Conv": conv(),
    "ConvTranspose": conv_transpose(),
    "Div": elementwise("Div", 2),
    "Einsum": einsum(),
    "Expand": expand(),
    "Gather": gather(),
    "Gemm": gemm(),
    "GlobalAveragePool": global_average_pool(),
    "MatMul": matmul(),
    "Mean": elementwise("Mean", 2, since=8),
    "Mul": elementwise("Mul", 2),
    "Neg": elementwise("Neg", 1),
    "Pad": pad(),
    "Resize": resize(),
    "Slice": slice_(),
    "Split": split(),
    "Sub": elementwise("Sub", 2),
    "Sum": elementwise("Sum", 2, since=8),
    "Tile": tile(),
    "Where": where(),
    **{name: moved(name) for name in ("Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose")},
    "Unsqueeze": moved("Unsqueeze"),
    **{name: blocks(name) for name in ("DepthToSpace", "SpaceToDepth")},
    **{name: reduced(name) for name in ("ReduceMean", "ReduceSum")},
}
