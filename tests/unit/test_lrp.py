"""Relevance: by definition, unit by unit, and none of it lost from sight."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from pipeline.model.admission import read_model
from pipeline.model.anatomy import anatomy
from pipeline.model.backward import SEED, NoRule
from pipeline.model.graft import CANVAS, FILL, MASK, SEGMENTS, graft
from pipeline.model.lrp import LEDGER, RELEVANCE, lrp
from pipeline.model.relevance.composite import COMPOSITES, Composite
from pipeline.model.relevance.layer import alpha2_beta1, box, epsilon, flat, gamma, plus
from pipeline.model.relevance.ledger import EPSILON
from pipeline.model.session import open_session
from pipeline.model.simplified import simplified
from tests.models import Network, custom_vision_zip

BOUNDS = (np.float32(-1), np.float32(2))
PICTURE, SMALL = "float[n,3,8,8] x", "float[n,3,4,4] x"


def file(body, picture=PICTURE, made="float[n,4] y", opset=13, seed=0, **shapes):
    """A network of these nodes, which makes y of x, with weights of these shapes."""
    rng = np.random.default_rng(seed)
    text = f'<ir_version: 8, opset_import: ["" : {opset}]> g ({picture}) => ({made}) {{ {body} }}'
    model = onnx.parser.parse_model(text)
    for name, shape in shapes.items():
        value = shape if isinstance(shape, np.ndarray) else rng.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return model.SerializeToString()


def pictures(n=2, seed=1, size=(3, 8, 8)):
    return np.random.default_rng(seed).uniform(*BOUNDS, (n, *size)).astype(np.float32)


def asked(network, composite, x, label=1, bounds=BOUNDS, of="y"):
    """Relevance and ledger of a label, for pictures."""
    network = simplified(network)
    session = open_session(lrp(network, of, "x", composite, bounds))
    seed = np.zeros(open_session(network).run([of], {"x": x})[0].shape, np.float32)
    seed[:, label] = 1
    return session.run([RELEVANCE, LEDGER], {"x": x, SEED: seed})


# By definition: a layer as a matrix, relevance from every input to every output.

MAPS = "float[n,6,h,v] y"
LAYERS = {
    "dense": file("f = Flatten(x) y = Gemm(f, w, b)", SMALL, w=(48, 4), b=(4,)),
    "turned": file("f = Flatten(x) y = Gemm <transB=1, alpha=-0.5, beta=2.0> (f, w, b)", SMALL, w=(4, 48), b=(4,)),
    "matmul": file("f = Flatten(x) y = MatMul(f, w)", SMALL, w=(48, 4)),
    "conv": file("y = Conv <pads=[1,0,0,1], strides=[2,1]> (x, w, b)", made=MAPS, w=(6, 3, 3, 3), b=(6,)),
    "grouped": file("y = Conv <group=3, dilations=[2,2]> (x, w, b)", made=MAPS, w=(6, 1, 2, 2), b=(6,)),
    "depthwise": file('y = Conv <group=3, auto_pad="SAME_UPPER", strides=[2,2]> (x, w)', made=MAPS, w=(6, 1, 3, 3)),
}


def matrix(network, x):
    """The layer's weights as a matrix [outputs, inputs], and its bias [outputs]."""
    session = open_session(network)
    apply = lambda pictures: session.run(None, {"x": pictures})[0].reshape(len(pictures), -1).astype(float)  # noqa: E731
    bias = apply(np.zeros_like(x[:1]))[0]
    return (apply(np.eye(x[0].size, dtype=np.float32).reshape(-1, *x.shape[1:])) - bias).T, bias


def shared(parts, received, bias):
    """Relevance by the parts [outputs, inputs] that inputs have in the outputs."""
    z = parts.sum(axis=1) + bias
    return (parts / (z + np.where(z < 0, -EPSILON, EPSILON))[:, None] * received[:, None]).sum(axis=0)


def by_definition(rule, weights, bias, x, received):
    """What each input takes, from the rule's formula."""
    each = weights * x
    up, down = np.maximum(each, 0), np.minimum(each, 0)
    plus_bias, minus_bias = np.maximum(bias, 0), np.minimum(bias, 0)
    on = each.sum(axis=1) + bias > 0
    low, high = (bound * part for bound, part in zip(BOUNDS, (weights.clip(0), weights.clip(None, 0)), strict=True))
    return {
        epsilon: lambda: shared(each, received, bias),
        plus: lambda: shared(up, received, plus_bias),
        alpha2_beta1: lambda: 2 * shared(up, received, plus_bias) - shared(down, received, minus_bias),
        gamma: lambda: (
            shared(each + 0.25 * up, received * on, bias + 0.25 * plus_bias)
            + shared(each + 0.25 * down, received * ~on, bias + 0.25 * minus_bias)
        ),
        box: lambda: shared(each - low - high, received, 0),
        flat: lambda: shared((weights != 0).astype(float), received, 0),
    }[rule]()


@pytest.mark.parametrize("rule", [epsilon, plus, alpha2_beta1, gamma, box, flat])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_shares_by_the_formula(layer, rule, monkeypatch):
    """Each rule, for inputs and weights of both signs, whatever the layer: as with the layer as a matrix."""
    monkeypatch.setitem(COMPOSITES, "planted", Composite(rule, rule, rule))
    network = LAYERS[layer]
    x = pictures(1, size=(3, 4, 4) if "Flatten" in str(network) else (3, 8, 8))
    weights, bias = matrix(network, x)
    relevance, _ = asked(network, "planted", x)
    received = open_session(network).run(None, {"x": x})[0].astype(float)
    received[:, [place for place in range(received.shape[1]) if place != 1]] = 0
    expected = by_definition(rule, weights, bias, x.ravel().astype(float), received.ravel())
    np.testing.assert_allclose(relevance.ravel(), expected, rtol=1e-3, atol=2e-4 * np.abs(expected).max())


# Nothing is lost from sight.

HEAD = "m = GlobalAveragePool(h) f = Flatten(m) y = Gemm(f, v, c)"
TRUNKS = {
    "residual": "a = Conv <pads = [1,1,1,1]> (x, w, b) r = Relu(a) d = Conv <pads = [1,1,1,1]> (r, u) h = Add(r, d)",
    "pools": (
        "a = Conv(x, w, b) r = Relu(a) p = MaxPool <kernel_shape = [3,3], strides = [2,2], pads = [1,1,1,1]> (r)"
        "h = AveragePool <kernel_shape = [2,2], pads = [1,0,0,1]> (p)"
    ),
    "gate": ("a = Conv(x, w, b) r = Relu(a) q = GlobalAveragePool(r) s = Conv(q, g) t = Sigmoid(s) h = Mul(t, r)"),
    "swish": "a = Conv(x, w, b) s = Sigmoid(a) h = Mul(a, s)",
    "hard swish": "a = Conv(x, w, b) p = Add(a, three) q = Clip(p, nought, six) r = Mul(a, q) h = Div(r, six)",
    "gelu": "a = Conv(x, w, b) e = Erf(a) o = Add(e, one) d = Mul(a, o) h = Mul(d, half)",
    "square": "a = Conv(x, w, b) h = Mul(a, a)",
    "joined": "a = Conv(x, w, b) r = Relu(a) s, t = Split <axis = 1> (r) n = Neg(s) h = Concat <axis = 1> (t, n)",
    "padded": "a = Conv(x, w, b) p = Pad(a, around, one) r = LeakyRelu(p) h = Conv(r, u)",
    "norm first": (
        "a = Conv(x, w, b) r = Relu(a) n = BatchNormalization(r, scale, shift, mean, variance) s = Relu(n)"
        "h = Conv <pads = [1,1,1,1]> (s, u)"
    ),
    "standardised": "p = Sub(x, three) q = Div(p, six) a = Conv(q, w, b) h = Relu(a)",
}
SHAPES = {
    "w": (6, 3, 3, 3), "b": (6,), "u": (6, 6, 3, 3), "g": (6, 6, 1, 1), "v": (6, 4), "c": (4,),
    **{name: np.array(value, np.float32) for name, value in
       {"nought": 0, "half": 0.5, "one": 1, "three": 3, "six": 6}.items()},
    "around": np.array([0, 0, 1, 2, 0, 0, 0, 1]),
    "scale": (6,), "shift": (6,), "mean": (6,), "variance": np.linspace(0.5, 2, 6, dtype=np.float32),
}  # fmt: skip


def trunk(name, opset=13):
    return simplified(file(TRUNKS[name] + HEAD, opset=opset, **SHAPES))


@pytest.mark.parametrize("composite", COMPOSITES)
@pytest.mark.parametrize("name", TRUNKS)
def test_the_ledger_adds_up(name, composite):
    """The score is the picture's, the biases' and the stabilisers' relevance, whatever is in the network."""
    relevance, ledger = asked(trunk(name), composite, pictures(1))
    scale = float(max(abs(ledger[0]), np.abs(relevance).sum()))
    assert ledger[0] == pytest.approx(open_session(trunk(name)).run(None, {"x": pictures(1)})[0][0, 1], rel=1e-5)
    assert ledger[1:].sum() == pytest.approx(ledger[0], abs=1e-4 * scale)
    assert ledger[1] == pytest.approx(relevance.sum(), abs=1e-4 * scale)
    assert np.isfinite(relevance).all()


def test_without_biases_all_goes_to_the_picture():
    """A network of convolutions and rectifiers alone: the picture's relevance is the score."""
    network = file("a = Conv(x, w) r = Relu(a) h = Conv(r, u) m = GlobalAveragePool(h) f = Flatten(m) y = MatMul(f, v)",
                   w=(6, 3, 3, 3), u=(6, 6, 3, 3), v=(6, 4))  # fmt: skip
    relevance, ledger = asked(network, "epsilon", pictures(1))
    np.testing.assert_allclose(ledger, [relevance.sum(), relevance.sum(), 0, 0], atol=1e-4 * np.abs(relevance).sum())


def test_where_nothing_supports_a_unit_the_stabiliser_has_it(monkeypatch):
    """All weights below zero and all pixels above: the plus rule finds no cause, and says so."""
    network = file("f = Flatten(x) y = Gemm(f, w, b)", w=-np.ones((192, 4), np.float32), b=np.zeros(4, np.float32))
    monkeypatch.setitem(COMPOSITES, "planted", Composite(plus, plus, plus))
    relevance, ledger = asked(network, "planted", np.abs(pictures(1)))
    assert not relevance.any()
    assert ledger[3] == pytest.approx(ledger[0])


# What each kind of node does.


def test_the_signal_takes_all_and_the_gate_nothing():
    """Of a product with a sigmoid, stretched or not, relevance goes to the other factor alone."""
    body = "a = Conv(x, w) q = GlobalAveragePool(a) s = Conv(q, g) t = Sigmoid(s) h = Mul(t, a)"
    gated = file(body + HEAD, **{name: SHAPES[name] for name in "wgvc"})
    x = pictures(1)
    t, a = (open_session(tapped(gated, name)).run([name], {"x": x})[0] for name in "ta")
    frozen = file("a = Conv(x, w) h = Mul(t, a)" + HEAD, t=t, **{name: SHAPES[name] for name in "wgvc"})
    assert a.shape[2:] != t.shape[2:]
    np.testing.assert_allclose(
        asked(gated, "epsilon", x)[0], asked(frozen_weights(frozen, gated), "epsilon", x)[0], rtol=1e-3, atol=1e-5
    )


def tapped(network, name):
    """The network with this tensor as its output."""
    model = onnx.ModelProto.FromString(network)
    del model.graph.output[:]
    model.graph.output.append(onnx.ValueInfoProto(name=name))
    return model.SerializeToString()


def frozen_weights(network, like):
    """The network with the weights of another where names are alike."""
    model, other = onnx.ModelProto.FromString(network), onnx.ModelProto.FromString(like)
    others = {tensor.name: tensor for tensor in other.graph.initializer}
    for tensor in model.graph.initializer:
        if tensor.name in others:
            tensor.CopyFrom(others[tensor.name])
    return model.SerializeToString()


def test_attention_is_a_gate():
    """Of attention the values take all: queries and keys get nothing."""
    body = (
        "r = Reshape(x, rows) q = MatMul(r, wq) k = MatMul(r, wk) l = MatMul(r, wv) kt = Transpose <perm = [0,2,1]> (k)"
        "s = MatMul(q, kt) p = Softmax(s) o = MatMul(p, l) m = ReduceMean <axes = [1], keepdims = 0> (o)"
        "y = MatMul(m, v)"
    )
    shapes = {"rows": np.array([0, 3, 64]), "wq": (64, 5), "wk": (64, 5), "wv": (64, 6), "v": (6, 4)}
    network, x = file(body, **shapes), pictures(1) / 8
    (p,) = open_session(tapped(network, "p")).run(["p"], {"x": x})
    frozen = frozen_weights(
        file("r = Reshape(x, rows) l = MatMul(r, wv) o = MatMul(p, l) m = ReduceMean <axes = [1], keepdims = 0> (o)"
             "y = MatMul(m, v)", p=p, **shapes), network)  # fmt: skip
    relevance, ledger = asked(network, "epsilon", x)
    np.testing.assert_allclose(relevance, asked(frozen, "epsilon", x)[0], rtol=1e-3, atol=1e-6)
    assert ledger[1:].sum() == pytest.approx(ledger[0], rel=1e-4)


def test_preparation_passes_and_the_box_goes_along():
    """A mean and a scale before the first layer change nothing: the same relevance as of the prepared picture."""
    mean, scale = np.array([[[0.5]], [[0.1]], [[-0.2]]], np.float32), np.array([[[2]], [[-1]], [[0.5]]], np.float32)
    layers = "a = Conv <pads = [1,1,1,1]> (z, w, b) h = Relu(a)" + HEAD
    weights = {name: SHAPES[name] for name in "wbvc"}
    prepared = file("d = Sub(x, mean) z = Mul(d, scale)" + layers, mean=mean, scale=scale, **weights)
    bare = frozen_weights(file("z = Identity(x)" + layers, **weights), prepared)
    x = pictures(1)
    ends = [(bound - mean) * scale for bound in BOUNDS]
    for composite in COMPOSITES:
        found, _ = asked(prepared, composite, x)
        expected, _ = asked(bare, composite, (x - mean) * scale, bounds=(np.minimum(*ends), np.maximum(*ends)))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_pictures_of_a_batch_do_not_mix():
    """The relevance of two pictures together is that of each alone."""
    x = pictures(2)
    together, _ = asked(trunk("pools"), "epsilon-alpha2-beta1", x)
    alone = [asked(trunk("pools"), "epsilon-alpha2-beta1", one[None])[0][0] for one in x]
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("composite", COMPOSITES)
@pytest.mark.parametrize("changes", [{}, {"nhwc": True}, {"opset": 13, "ir": 8}, {"fixed_batch": True}])
def test_custom_vision_files_hand_relevance_back_through_the_graft(changes, composite):
    """Old opsets and other layouts, behind a graft: the picture's relevance adds up with the ledger to the logit."""
    model = read_model(custom_vision_zip(Network(**changes)), name="planted")
    network = graft(simplified(model.onnx))
    logit = anatomy(simplified(model.onnx)).logit
    box_ = tuple(model.profile.tensor(np.full((32, 32, 3), value, np.uint8)) for value in (0, 255))
    session = open_session(lrp(network, logit, "polelens/picture", composite, box_))
    canvas = model.profile.tensor(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))[None]
    fed = {
        MASK: np.ones((1, 1), np.float32), SEGMENTS: np.zeros((32, 32), np.int64), CANVAS: canvas,
        FILL: np.zeros_like(canvas), SEED: np.eye(3, dtype=np.float32)[[0]],
    }  # fmt: skip
    relevance, ledger = session.run([RELEVANCE, LEDGER], fed)
    assert relevance.shape == canvas.shape
    assert ledger[1:].sum() == pytest.approx(ledger[0], rel=1e-3, abs=1e-4 * float(np.abs(relevance).sum()))


def test_an_operator_without_a_rule_is_named():
    """No relevance goes through what nobody knows, and the message says what that is."""
    network = file("a = Conv(x, w, b) t, i = TopK <axis = 1> (a, two) h = Det(t) y = Flatten(h)",
                   two=np.array([2]), **{name: SHAPES[name] for name in "wb"})  # fmt: skip
    with pytest.raises(NoRule, match="Det"):
        lrp(network, "y", "x", "epsilon")


def test_a_composite_that_does_not_exist_is_refused():
    """The message lists those that do."""
    with pytest.raises(ValueError, match="composite is 'zplus', expected one of epsilon, epsilon-plus"):
        lrp(LAYERS["conv"], "y", "x", "zplus")
