"""The rules of linear operators: each is the adjoint of its operator, ⟨Ax, s⟩ = ⟨x, Aᵀs⟩, to rounding."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model.backward import backward
from tests.gradients import disagreement_with_adjoint
from tests.linear_cases import LINEAR, strided_conv


@pytest.mark.parametrize("operator", sorted(LINEAR))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_the_rule_of_a_linear_operator_is_its_adjoint(operator: str, data: st.DataObject) -> None:
    """⟨Ax, s⟩ = ⟨x, Aᵀs⟩ whatever the shapes, pads, strides, groups and opset."""
    case = data.draw(LINEAR[operator])
    rng = np.random.Generator(np.random.Philox(data.draw(st.integers(0, 1000))))
    assert disagreement_with_adjoint(case, rng) < 1e-5


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_rule_of_a_depthwise_convolution_with_strides_is_its_adjoint(data: st.DataObject) -> None:
    """Whatever the shapes, pads, dilations and opset."""
    rng = np.random.Generator(np.random.Philox(data.draw(st.integers(0, 1000))))
    assert disagreement_with_adjoint(data.draw(strided_conv(depthwise=True)), rng) < 1e-5


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_rule_of_a_dense_convolution_with_strides_is_its_adjoint(data: st.DataObject) -> None:
    """Whatever the shapes, pads, dilations and opset; by a convolution again where the windows leave no pixel out."""
    case = data.draw(strided_conv(depthwise=False))
    rng = np.random.Generator(np.random.Philox(data.draw(st.integers(0, 1000))))
    assert disagreement_with_adjoint(case, rng) < 1e-5
    operators = {node.op_type for node in onnx.load_from_string(backward(case.file(), "y", ["x"])).graph.node}
    told = {attribute.name: attribute.ints for attribute in case.nodes[0].attribute}
    assert ("DepthToSpace" in operators) == (
        1 < max(told["strides"]) == min(told["strides"]) <= min(told["kernel_shape"])
    )
