"""OpenVINO's ONNX Runtime, really run: `make openvino` runs these."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from benchmarks.subjects import demo_model, natural
from pipeline.conversation.looks import Whole
from pipeline.conversation.reading import Reading
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.model.model import Model
from pipeline.model.pace import ON_CPU, find_pace
from pipeline.model.precision import CPU, OPENVINO, Precision, Unprovided
from pipeline.model.tried_provider import opened
from pipeline.recipes import recipe
from pipeline.rounding import rounding
from pipeline.scene.scene import Scene
from pipeline.staging import stage
from polelens import explain
from tests import models
from tests.insides import read

pytestmark = pytest.mark.skipif(
    OPENVINO not in onnxruntime.get_available_providers(),
    reason="OpenVINO is not installed: `make openvino` runs this",
)
PROVIDERS = (OPENVINO,)
FEW = recipe("default").override({"samples": 128, "seeds": [1, 11, 21], "judge": False})


@pytest.fixture(scope="module")
def model() -> Model:
    """The demo's network, a MobileNet."""
    return demo_model()


@pytest.fixture(scope="module")
def shown(model: Model) -> Scene:
    """A photograph as it sees it."""
    return stage(natural("coffee"), model.profile, FEW)


def _masks(n: int, k: int) -> np.ndarray:
    return np.random.default_rng(n).random((n, k)) < 0.5


def _lower(model: Model, precision: Precision) -> BlackBox:
    try:
        return opened(model, 1, PROVIDERS, precision)
    except Unprovided as reason:
        pytest.skip(str(reason))


def test_in_float32_the_scores_are_those_of_the_other_kernels(model: Model, shown: Scene) -> None:
    """To rounding, though the processor may have bf16, which OpenVINO itself would take; whatever the batch."""
    masks = _masks(21, shown.k)
    expected = BlackBox(model).scores(shown, masks)
    for batch in (1, 4, 8):
        found = BlackBox(model, providers=PROVIDERS, batch=batch).scores(shown, masks)
        np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(("precision", "error"), [("bf16", 0.1), ("f16", 0.02)])
def test_a_lower_precision_is_really_computed_in(
    model: Model, shown: Scene, precision: Precision, error: float
) -> None:
    """The scores differ, by about what its bits lose."""
    masks = _masks(32, shown.k)
    difference = np.abs(_lower(model, precision).scores(shown, masks) - BlackBox(model).scores(shown, masks)).max()
    assert 1e-6 < difference < error


def test_a_precision_that_changes_nothing_is_refused() -> None:
    """As of a model that says always the same: so does a processor that has no other."""
    with pytest.raises(Unprovided, match="computes this model in f32 here though bf16 was asked for"):
        opened(read(models.constant(), "a", "b", "c"), 1, PROVIDERS, "bf16")


def test_a_network_that_it_takes_for_another_is_refused() -> None:
    """It takes a HardSigmoid's beta of 0 for 0.5; what computes something else than the model is no provider of it."""
    nodes = [
        helper.make_node("ReduceMean", ["data"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("HardSigmoid", ["mean"], ["probs"], alpha=0.001, beta=0.0),
    ]
    picture = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["n", 3, 32, 32])
    answer = helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "hard", [picture], [answer])
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()
    with pytest.raises(Unprovided, match="computes something else than this model: its scores"):
        opened(read(file, "a", "b", "c"), 1, PROVIDERS)


def test_what_is_read_of_the_inside_is_exact(model: Model, shown: Scene) -> None:
    """A gradient is read by ONNX Runtime's own kernels: OpenVINO takes a beta of 0 for 0.5, and its steps go wrong."""
    reading = Reading("gradient", (0,), "logit")
    found, expected = (
        Inside(model, providers=one).read(shown, reading, Whole().rows(0, 1)) for one in (PROVIDERS, (CPU,))
    )
    np.testing.assert_array_equal(found, expected)


def test_it_is_a_processor(model: Model) -> None:
    """Small batches are tried, and none is padded."""
    box = BlackBox(model, providers=PROVIDERS)
    assert find_pace(model, box).batch in (1, *ON_CPU)


def test_what_bf16_does_to_weights_is_measured(model: Model, shown: Scene) -> None:
    """Less than other seeds do, and more than nothing."""
    made = FEW.override({"precision": "bf16"})
    both = BlackBox(model, providers=PROVIDERS).scores, _lower(model, "bf16").scores
    found = rounding([shown], made, model.labels, both)
    assert 0 < found.largest < 0.5
    assert 0 < found.beside_error < 5


def test_an_explanation_says_what_it_was_computed_in(model: Model) -> None:
    """In its document; and the same photograph in float32 has another digest and other weights."""
    _lower(model, "bf16")
    lower, plain = (
        explain(natural("coffee"), model, recipe=FEW.override(changes), providers=PROVIDERS).document()
        for changes in ({"precision": "bf16"}, {})
    )
    assert lower["recipe"]["precision"] == "bf16"
    assert "precision" not in plain["recipe"]
    assert lower["recipe"]["digest"] != plain["recipe"]["digest"]
    assert lower["labels"] != plain["labels"]
