"""Networks as people bring them, looked into: what they are made of must not change what is read of them."""

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto

from pipeline.answer.attribution import Attribution
from pipeline.methods import looked_into
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.model.model import Model
from pipeline.recipes import recipe
from tests import models
from tests.insides import explained, read, scene
from tests.models import node, pooled

SHOWN = scene()
ORDER = np.array([2, 0, 1])
# Scores that no softmax or sigmoid ends: its logits are out of reach, or in another order than the labels.
AFTER_THE_SOFTMAX: dict[str, list[NodeProto]] = {
    "limited": [node("Softmax", "logits", "p", axis=1), node("Clip", "p low high", "scores")],
    "in another order": [node("Softmax", "logits", "p", axis=1), node("Gather", "p order", "scores", axis=1)],
    "written out": [
        node("Exp", "logits", "powers"),
        node("ReduceSum", "powers axes", "sum", keepdims=1),
        node("Div", "powers sum", "scores"),
    ],
}


def of_scores(*ends: NodeProto, labels: tuple[str, ...] = ("a", "b", "c"), **changes: object) -> Model:
    """A classifier of the means of colours, scaled so that no answer is near 0 or 1."""
    weights = np.random.Generator(np.random.Philox(2)).normal(0, 0.01, (3, len(labels) - (len(labels) == 2)))
    return read(pooled(*ends, weights=weights, **changes), *labels)  # type: ignore[arg-type]


def probabilities(model: Model) -> NDArray[np.float64]:
    """What it says of the canvas."""
    return BlackBox(model).scores(SHOWN, np.ones((1, SHOWN.k), bool))[0].astype(float)


def sums(found: Attribution, model: Model) -> NDArray[np.float64]:
    """The sum of each label's map, in the order of the labels."""
    by_label = {one.label: float(one.heat.sum()) for one in found.labels if one.heat is not None}
    return np.array([by_label[label] for label in model.labels])


@pytest.mark.parametrize("element", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_a_network_of_other_numbers_has_its_logits_layer_and_relevance(element: int) -> None:
    """float16 and float64 are looked into as float32: the same maps, of the logit, and a ledger that adds up."""
    half = element == TensorProto.FLOAT16
    whole = read(models.custom_vision_onnx(zipmap=False), *models.LABELS) if half else in_double("Identity")
    other = read(models.custom_vision_onnx(zipmap=False, half=True), *models.LABELS) if half else in_double("Cast")
    for name in ("cam", "grad-cam", "gradient-x-input", "lrp"):
        expected, found = (explained(one, SHOWN, name, labels="all") for one in (whole, other))
        assert found.inside is not None
        assert found.inside["of"] == "logit"
        for label, like in zip(found.labels, expected.labels, strict=True):
            assert label.heat is not None
            assert like.heat is not None
            np.testing.assert_allclose(label.heat, like.heat, atol=2e-2 * np.abs(like.heat).max() + 1e-7)
    ledger = explained(other, SHOWN, "lrp", labels="all").inside["ledger"]  # type: ignore[index]
    for entries in ledger.values():
        parts = entries["photograph"] + entries["biases"] + entries["stabilisers"]
        assert parts == pytest.approx(entries["logit"], rel=1e-3, abs=1e-3)


def in_double(operator: str) -> Model:
    """A classifier that computes its softmax in float64, by a Cast; and in float32, by an Identity."""
    to = [{"to": kind} if operator == "Cast" else {} for kind in (TensorProto.DOUBLE, TensorProto.FLOAT)]
    ends = [node(operator, "logits", "wide", **to[0]), node("Softmax", "wide", "p", axis=1)]
    return of_scores(*ends, node(operator, "p", "scores", **to[1]))


@pytest.mark.parametrize("name", ["cam", "gradient-x-input", "lrp"])
def test_of_one_score_for_two_labels_the_logit_is_that_of_each(name: str) -> None:
    """A sigmoid that stands for presence: absence has the logit's negative, and neither is called a probability."""
    model = of_scores(node("Sigmoid", "logits", "scores"), labels=("no", "yes"))
    found = explained(model, SHOWN, name, labels="all")
    assert found.inside is not None
    assert found.inside["of"] == "logit"
    no, yes = sums(found, model)
    assert no == pytest.approx(-yes, rel=1e-5)
    p = probabilities(model)[1]
    told = {"cam": yes, "lrp": found.inside.get("ledger", {}).get("yes", {}).get("logit")}
    if name in told:
        assert told[name] == pytest.approx(np.log(p / (1 - p)), rel=1e-4)


def test_of_a_softmax_of_logarithms_the_logit_is_behind_both() -> None:
    """PyTorch's log_softmax, and the softmax that is put after it: the map's mean is what the linear layer gives."""
    model = of_scores(node("LogSoftmax", "logits", "scores", axis=1))
    found = explained(model, SHOWN, "cam", labels="all")
    p = probabilities(model)
    maps = sums(found, model)
    np.testing.assert_allclose(maps[0] - maps[1:], np.log(p[0] / p[1:]), rtol=1e-3)


@pytest.mark.parametrize("ends", AFTER_THE_SOFTMAX.values(), ids=AFTER_THE_SOFTMAX)
@pytest.mark.parametrize("name", ["grad-cam", "gradient-x-input", "lrp"])
def test_where_no_logits_are_shown_the_answer_says_that_it_is_of_the_probability(
    ends: list[NodeProto], name: str
) -> None:
    """What is read is the same whichever is asked for, and is called by what it is."""
    constants = {"low": np.float32(0), "high": np.float32(1), "order": ORDER, "axes": np.array([1])}
    read_by = {one for end in ends for one in end.input}
    model = of_scores(*ends, **{key: value for key, value in constants.items() if key in read_by})
    plain, asked = (explained(model, SHOWN, name, **given) for given in ({}, {"options.of": "probability"}))
    assert plain.inside is not None
    assert plain.inside["of"] == "probability"
    np.testing.assert_array_equal(plain.labels[0].heat, asked.labels[0].heat)


def test_cam_adds_up_to_logits_alone() -> None:
    """Of a probability it is refused, with the remedy."""
    model = of_scores(node("Softmax", "logits", "scores", axis=1))
    with pytest.raises(ValueError, match=r"adds? to the logit, and to no probability; take options\.of=logit"):
        looked_into(recipe("cam").override({"options.of": "probability"}), Inside(model))


def test_a_squeeze_of_the_batch_alone_takes_nothing_away() -> None:
    """A file exported for one picture: asked for several it keeps its axes, and can be looked into."""
    ends = [node("Softmax", "logits", "p", axis=1), node("Squeeze", "p", "scores")]
    model = of_scores(*ends, shape=(1, 3, 32, 32))
    facts = Inside(model).facts()
    assert facts["no_gradient"] is None
    assert facts["exact_cam"]


def test_of_a_score_of_zero_the_ledger_has_nothing_to_share() -> None:
    """It is said in words, without a figure that is no number."""
    model = read(pooled(node("Softmax", "logits", "scores", axis=1), weights=np.zeros((3, 3))), "a", "b", "c")
    [label] = explained(model, SHOWN, "lrp").labels
    [claim] = label.claims
    assert np.isnan(claim.value)
    assert claim.sentence == "The network's score for this label is zero: there is nothing to share out."


def test_what_is_rounded_behind_the_layer_is_no_exact_map() -> None:
    """A quantised network's places do not add up to its logit: cam is refused."""
    grid = {"scale": np.float32(0.5), "zero": np.int8(0)}
    ends = [node("QuantizeLinear", "logits scale zero", "q"), node("DequantizeLinear", "q scale zero", "d")]
    quantised = Inside(of_scores(*ends, node("Softmax", "d", "scores", axis=1), **grid))
    assert not quantised.facts()["exact_cam"]
    with pytest.raises(ValueError, match="cam needs a network that ends in pooling and one linear layer"):
        looked_into(recipe("cam"), quantised)
    with pytest.raises(ValueError, match=r"the recipe takes the gradient .* QuantizeLinear.*; take lime, .* recipro"):
        looked_into(recipe("smoothgrad"), quantised)


def test_no_remedy_is_one_that_the_network_has_not() -> None:
    """Without a gradient and without a layer there are the recipes of scores alone."""
    ends = [node("MatMul", "pixels weights", "l"), node("Tan", "l", "t"), node("Softmax", "t", "probs", axis=1)]
    data = models.planted(ends, {"weights": np.zeros((3072, 3), np.float32)}, size=32)
    inside = Inside(read(data, "a", "b", "c"))
    for name in ("grad-cam", "recipro-cam", "smoothgrad"):
        with pytest.raises(ValueError, match="; take a recipe of scores alone, such as lime or shap"):
            looked_into(recipe(name), inside)
