"""The backward pass of whole networks, what is done to a network before it, and what a network can be asked."""

import io
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from pipeline.model.anatomy import anatomy
from pipeline.model.backward import SEED, NoRule, backward, gradient_of, without_rule
from pipeline.model.graft import CANVAS, FILL, MASK, SEGMENTS, graft
from pipeline.model.normalised import normalise
from pipeline.model.session import open_session
from pipeline.model.simplified import simplified
from pipeline.model.tap import tap
from tests.models import custom_vision_onnx, node, pooled

PICTURE = "polelens/picture"
SHUFFLED = Path("demo/tensorflow_exports/compact.onnx")


def _demo(version: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(Path(f"demo/poles-v{version}.zip").read_bytes())) as archive:
        return archive.read("model.onnx")


def _small(data: bytes) -> bytes:
    return simplified(normalise(data).model.SerializeToString())


def _seed(rows: int, columns: int, label: int) -> NDArray[np.float32]:
    seed = np.zeros((rows, columns), np.float32)
    seed[:, label] = 1
    return seed


@pytest.mark.parametrize("data", [_demo(1), _demo(2), SHUFFLED.read_bytes()], ids=["poles-v1", "poles-v2", "shuffled"])
def test_the_gradient_is_the_slope_along_itself(data: bytes) -> None:
    """A small step along its own gradient changes a logit by the gradient's length, times the step."""
    small = _small(data)
    logit, (picture,) = anatomy(small).logit, onnx.load_from_string(small).graph.input
    session = open_session(backward(small, logit, [picture.name], beside=[logit]))
    x = np.random.Generator(np.random.Philox(0)).uniform(0, 255, (2, 3, 224, 224)).astype(np.float32)

    def ask(pictures: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return list(session.run([logit, gradient_of(picture.name)], {picture.name: pictures, SEED: _seed(2, 3, 1)}))

    gradient = ask(x)[1]
    length = np.sqrt((gradient**2).sum(axis=(1, 2, 3)))
    step = 0.03 * gradient / length[:, None, None, None]
    slope = (ask(x + step)[0] - ask(x - step)[0])[:, 1] / 0.06
    np.testing.assert_allclose(slope, length, rtol=0.01)  # float32, and the kinks of Relu


@pytest.mark.parametrize(
    "network",
    [{}, {"nhwc": True}, {"fixed_batch": True, "logits": True}, {"opset": 12, "ir": 8, "flat": False}, {"half": True}],
    ids=str,
)
def test_the_gradient_by_the_mask_is_that_by_the_picture_summed(network: dict[str, bool]) -> None:
    """∂/∂mask of a superpixel = Σ over its pixels and channels of ∂/∂picture · (canvas - fill)."""
    small = _small(custom_vision_onnx(**network, zipmap=False))
    rows = 1 if network.get("fixed_batch") else 3
    logit = anatomy(small).logit
    session = open_session(backward(graft(small), logit, [MASK, PICTURE]))
    rng = np.random.Generator(np.random.Philox(1))
    shape = tuple(length if isinstance(length, int) else rows for length in session.get_inputs()[-1].shape)
    segments = rng.integers(0, 7, (32, 32))
    canvas, fill = rng.normal(size=(2, 1, 3, 32, 32)).astype(np.float32)
    mask, seed = rng.random((rows, 7)).astype(np.float32), rng.normal(size=shape).astype(np.float32)
    fed = {MASK: mask, SEGMENTS: segments, CANVAS: canvas, FILL: fill, SEED: seed}
    by_mask, by_picture = session.run([gradient_of(MASK), gradient_of(PICTURE)], fed)
    flat = (by_picture * (canvas - fill)).sum(axis=1).reshape(rows, -1)
    expected = np.stack([np.bincount(segments.ravel(), row, 7) for row in flat])
    np.testing.assert_allclose(by_mask, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert np.abs(by_mask).max() > 0


def test_what_no_gradient_needs_is_left_out() -> None:
    """A logit's gradient needs neither logits nor scores: they are no outputs, unless one is asked for beside it."""
    small = _small(_demo(1))
    alone, beside = (
        onnx.load_from_string(backward(small, "logits", ["data"], beside=names)).graph for names in ([], ["logits"])
    )
    made = {name for node in alone.node for name in node.output}
    assert [value.name for value in alone.output] == [gradient_of("data")]
    assert [value.name for value in beside.output] == [gradient_of("data"), "logits"]
    assert not made & {"logits", onnx.load_from_string(small).graph.output[0].name}


def test_rows_of_a_batch_do_not_mix() -> None:
    """A picture's gradient is the same alone and among others."""
    small = _small(_demo(1))
    session = open_session(backward(small, "logits", ["data"]))
    x = np.random.Generator(np.random.Philox(2)).uniform(0, 255, (3, 3, 224, 224)).astype(np.float32)
    (together,) = session.run([gradient_of("data")], {"data": x, SEED: _seed(3, 3, 0)})
    (alone,) = session.run([gradient_of("data")], {"data": x[1:2], SEED: _seed(1, 3, 0)})
    np.testing.assert_allclose(together[1:2], alone, rtol=1e-4, atol=1e-6 * np.abs(alone).max())


def test_by_a_layer_inside_and_by_what_comes_before_it() -> None:
    """A layer's gradient is a class activation map's weights where it is pooled; the picture's goes on from there."""
    small = _small(_demo(1))
    found = anatomy(small)
    assert found.layer is not None
    session = open_session(backward(small, found.logit, [found.layer, "data"]))
    x = np.random.Generator(np.random.Philox(3)).uniform(0, 255, (1, 3, 224, 224)).astype(np.float32)
    by_layer, by_picture = session.run(
        [gradient_of(found.layer), gradient_of("data")], {"data": x, SEED: _seed(1, 3, 2)}
    )
    weight = next(t for t in onnx.load_from_string(small).graph.initializer if list(t.dims) == [128, 3])
    each_pixel = onnx.numpy_helper.to_array(weight)[:, 2] / by_layer[0, 0].size
    np.testing.assert_allclose(by_layer[0], np.broadcast_to(each_pixel[:, None, None], by_layer[0].shape), rtol=1e-5)
    assert by_picture.shape == x.shape
    assert by_picture.any()


def test_rounding_to_bytes_on_the_way_in_is_no_step() -> None:
    """A network that takes bytes has the gradient of one that takes the same numbers unrounded."""
    small = _small(pooled(node("Softmax", "logits", "scores", axis=1), element=TensorProto.UINT8))
    session = open_session(backward(graft(small), "logits", [PICTURE]))
    canvas = np.full((1, 3, 32, 32), 100, np.float32)
    fed = {MASK: np.ones((1, 1), np.float32), SEGMENTS: np.zeros((32, 32), np.int64), CANVAS: canvas, FILL: canvas}
    (gradient,) = session.run([gradient_of(PICTURE)], fed | {SEED: _seed(1, 3, 1)})
    expected = np.zeros((1, 3, 32, 32))
    expected[:, 1] = 0.1 / 32**2
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)


def test_what_nothing_leads_to_has_a_gradient_of_zeros() -> None:
    """What is computed later changes nothing that came before it."""
    data = _small(pooled(node("Softmax", "logits", "scores", axis=1)))
    session = open_session(backward(data, "flat", ["logits"]))
    fed = {"x": np.ones((2, 3, 32, 32), np.float32), SEED: np.ones((2, 3), np.float32)}
    np.testing.assert_array_equal(session.run([gradient_of("logits")], fed)[0], np.zeros((2, 3)))


def test_what_answers_in_steps_alone_has_no_gradient() -> None:
    """Through a comparison nothing changes a little: a map of zeros would be no answer, and is refused by name."""
    ends = [node("Greater", "logits zero", "bright"), node("Cast", "bright", "scores", to=TensorProto.FLOAT)]
    small = _small(pooled(*ends, zero=np.zeros(1, np.float32)))
    assert without_rule(small, "polelens/scores", ["x"]) == ("Greater (it answers in steps)",)
    beside = [*ends[:1], node("Cast", "bright", "steps", to=TensorProto.FLOAT), node("Add", "logits steps", "scores")]
    assert without_rule(_small(pooled(*beside, zero=np.zeros(1, np.float32))), "polelens/scores", ["x"]) == ()


def test_what_an_inner_graph_reads_is_not_passed_over() -> None:
    """The branch of an If takes the logits from outside: it has no rule, and nothing of it is taken for a constant."""
    branches = {
        f"{name}_branch": helper.make_graph(
            [node(operator, "logits", name)], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)]
        )
        for name, operator in (("then", "Identity"), ("else", "Neg"))
    }
    ends = [node("ReduceMax", "logits", "most", keepdims=0), node("Greater", "most zero", "bright")]
    small = _small(pooled(*ends, node("If", "bright", "scores", **branches), zero=np.float32(0)))
    assert without_rule(small, "polelens/scores", ["x"]) == ("If",)


def test_an_operator_without_a_rule_is_named_with_what_remains() -> None:
    """One sentence: the operators, in any number, and the methods that need no gradient."""
    ends = [node("Hardmax", "logits", "h", axis=1), node("Tan", "h", "t"), node("Softmax", "t", "scores", axis=1)]
    small = _small(pooled(*ends))
    with pytest.raises(NoRule) as refused:
        backward(small, "t", ["x"])
    assert str(refused.value) == (
        "the model's Tan and Hardmax cannot be differentiated; take a method that needs no gradient: "
        "lime, shap, occlusion, rise, anchors and recipro-cam"
    )
    assert without_rule(small, "t", ["x"]) == ("Tan", "Hardmax")
    assert anatomy(small).without_rule == ("Tan", "Hardmax")


@pytest.mark.parametrize("ask", [lambda file: backward(file, "nowhere", ["data"]), lambda file: tap(file, ["nowhere"])])
def test_a_tensor_that_is_not_there_is_named(ask: object) -> None:
    """The name that was given stands in the sentence."""
    with pytest.raises(ValueError, match="the network has no tensor 'nowhere'"):
        ask(_small(_demo(1)))  # type: ignore[operator]


@pytest.mark.parametrize("opset", [7, 9, 12, 17, 20])
def test_a_simplified_network_answers_as_before(opset: int) -> None:
    """Constants and BatchNormalization are folded, shapes are written out, and the scores are the same."""
    network = normalise(custom_vision_onnx(opset=opset, ir=4, zipmap=False)).model
    small = simplified(network.SerializeToString())
    x = np.random.Generator(np.random.Philox(4)).normal(size=(2, 3, 32, 32)).astype(np.float32)
    before, after = (open_session(file).run(None, {"data": x})[0] for file in (network.SerializeToString(), small))
    np.testing.assert_allclose(after, before, rtol=1e-5)
    graph = onnx.load_from_string(small).graph
    assert {value.name for value in (*graph.value_info, *graph.output)} == {n for one in graph.node for n in one.output}


def test_batch_normalization_goes_into_the_convolution_before_it() -> None:
    """One of the picture itself has nothing before it, and stays."""
    names = "scale bias mean variance"
    constants = {name: np.linspace(0.5, 2, 3).astype(np.float32) for name in names.split()}
    ends = [
        node("Conv", "mean w", "c"),
        node("BatchNormalization", f"c {names.replace('mean', 'average')}", "b"),
        node("Flatten", "b", "scores"),
    ]
    constants["average"] = constants.pop("mean")
    data = pooled(*ends, w=np.ones((3, 3, 1, 1), np.float32), **constants)
    operators = {one.op_type for one in onnx.load_from_string(_small(data)).graph.node}
    assert "BatchNormalization" not in operators
    assert "BatchNormalization" in {one.op_type for one in onnx.load_from_string(_small(_demo(1))).graph.node}


def test_what_is_computed_from_shapes_alone_becomes_constant() -> None:
    """As exporters that leave the batch open write it: the cut in the middle of a row, found by Shape, is known."""
    ends = [
        node("Shape", "flat", "shape"),
        node("Gather", "shape one", "columns"),
        node("Sub", "columns one", "end"),
        node("Slice", "flat zero end one", "scores"),
    ]
    small = _small(pooled(*ends, zero=np.zeros(1, np.int64), one=np.ones(1, np.int64)))
    assert "Shape" not in {one.op_type for one in onnx.load_from_string(small).graph.node}
    session = open_session(backward(small, "scores", ["x"]))
    fed = {"x": np.ones((2, 3, 32, 32), np.float32), SEED: np.ones((2, 2), np.float32)}
    expected = np.broadcast_to(np.array([1, 1, 0])[:, None, None] / 32**2, (2, 3, 32, 32))
    np.testing.assert_allclose(session.run([gradient_of("x")], fed)[0], expected)


def test_a_network_of_any_size_needs_to_be_told_its_size() -> None:
    """A gradient goes through a stride only where it is known how many pixels there were."""
    network = normalise(custom_vision_onnx(free_size=True, zipmap=False)).model.SerializeToString()
    small = simplified(network, (32, 48))
    session = open_session(backward(small, anatomy(small).logit, ["data"]))
    fed = {"data": np.ones((2, 3, 32, 48), np.float32), SEED: np.ones((2, 3), np.float32)}
    assert session.run([gradient_of("data")], fed)[0].shape == (2, 3, 32, 48)


def test_the_anatomy_of_the_demos_network() -> None:
    """Its logits, its last convolution's output, and that a class activation map of it is exact."""
    found = anatomy(_small(_demo(1)))
    assert (found.logit, found.layer, found.exact_cam, found.without_rule) == ("logits", "conv5_relu", True, ())


def test_a_network_without_a_picture_inside_has_no_layer() -> None:
    """Where the picture is flattened at once there is no place left in what follows."""
    ends = [helper.make_node("Relu", ["logits"], ["r"]), helper.make_node("Softmax", ["r"], ["scores"], axis=1)]
    found = anatomy(_small(pooled(*ends)))
    assert (found.logit, found.exact_cam) == ("r", False)
