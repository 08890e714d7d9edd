"""The rules of operators that are not linear, and that there is a test of every rule."""

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import helper

from pipeline.model.backward import SEED, backward, gradient_of, without_rule
from pipeline.model.tap import tap
from pipeline.model.vjp import RULES
from tests.curved_cases import CURVED, max_pool
from tests.gradients import Case, disagreement_with_quotient, in_onnxruntime
from tests.linear_cases import LINEAR


@pytest.mark.parametrize("operator", sorted(CURVED))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_the_rule_is_the_slope(operator: str, data: st.DataObject) -> None:
    """Along any direction the gradient is the central difference, in float64; in float32 it is the same to rounding."""
    case = data.draw(CURVED[operator])
    rng = np.random.Generator(np.random.Philox(data.draw(st.integers(0, 1000))))
    from_quotient, from_float32 = disagreement_with_quotient(case, rng)
    assert from_quotient < 1e-6
    assert from_float32 < 1e-4


@pytest.mark.parametrize(("top", "steps"), [(6.0, 1), (1.0, 1), (0.375, 1), (0.1, 2)])
def test_feature_maps_clipped_to_0_and_a_number_let_through_what_is_between(top: float, steps: int) -> None:
    """To the last bit at both ends, whether that takes one step or two: in one where the bound has few bits."""
    ends = np.nextafter(np.float32(top), np.float32([0, 9]))
    near = np.float32(top) * 2.0 ** np.arange(-44, 1, dtype=np.float32)
    x = np.concatenate([near, ends, [-1, -1e-30, 0, top, top + 1]]).astype(np.float32).reshape(1, 2, 2, -1)
    bounds = {"low": np.float32(0), "high": np.float32(top)}
    case = Case([helper.make_node("Clip", ["x", *bounds], ["y"])], {"x": x}, bounds, 13)
    file = backward(case.file(), "y", ["x"])
    answers = in_onnxruntime(file, {"x": x, SEED: np.full_like(x, 3)})
    np.testing.assert_array_equal(answers[gradient_of("x")], np.where((x > 0) & (x < np.float32(top)), 3, 0))
    assert [node.op_type for node in onnx.load_from_string(file).graph.node].count("HardSigmoid") == steps


@settings(max_examples=25, deadline=None)
@given(case=max_pool(), seed=st.integers(0, 1000))
def test_of_several_maxima_the_first_of_a_window_has_its_gradient(case: Case, seed: int) -> None:
    """MaxPool's gradient goes where ONNX Runtime says that it took the maximum, and nowhere else."""
    rng, x = np.random.Generator(np.random.Philox(seed)), case.values["x"]
    assume(not without_rule(case.file(), "y", ["x"]))  # where onnxruntime contradicts itself about the size
    places = in_onnxruntime(tap(case.file(), ["places"]), case.values)["places"]
    arriving = rng.integers(-3, 4, places.shape).astype(np.float32)
    expected = np.zeros(x.size, np.float32)
    np.add.at(expected, places.ravel(), arriving.ravel())
    answers = in_onnxruntime(backward(case.file(), "y", ["x"]), {**case.values, SEED: arriving})
    np.testing.assert_array_equal(answers[gradient_of("x")].ravel(), expected)


@pytest.mark.parametrize("operator", ["Clip", "Gelu", "HardSwish", "LayerNormalization", "MatMul", "Softmax"])
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_in_float16_the_rule_is_the_same(operator: str, data: st.DataObject) -> None:
    """A network of float16 has a gradient of float16, near that of float32."""
    case = data.draw(CURVED[operator])
    names = [gradient_of(name) for name in case.values]
    y = in_onnxruntime(case.file(), case.values)["y"]
    fed = {**case.values, SEED: np.ones_like(y)}
    half, single = (
        in_onnxruntime(backward(case.file(kind), "y", list(case.values)), fed, kind)
        for kind in (np.float16, np.float32)
    )
    for name in names:
        assert half[name].dtype == np.float16
        np.testing.assert_allclose(half[name], single[name], atol=0.03 * max(1, np.abs(single[name]).max()))


@pytest.mark.parametrize("operator", ["AveragePool", "MaxPool"])
def test_a_pool_whose_size_onnxruntime_contradicts_is_refused(operator: str) -> None:
    """A last window beyond the picture is counted when shapes are checked, and left out when they are computed."""
    options = {"kernel_shape": [1], "strides": [2], "pads": [0, 0], "ceil_mode": 1}
    case = Case([helper.make_node(operator, ["x"], ["y"], **options)], {"x": np.ones((1, 1, 4))}, {}, 13)
    assert without_rule(case.file(), "y", ["x"]) == (f"{operator} (ceil_mode with a window beyond the picture)",)


def test_every_rule_is_tested() -> None:
    """An operator with a rule is among the linear or the curved ones."""
    assert set(RULES) == LINEAR.keys() | CURVED.keys() | {"MaxPool"}
