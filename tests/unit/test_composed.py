"""Composed: pictures made outside the network are those that the graft makes inside."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from pipeline.model.composed import Composed
from pipeline.model.graft import CANVAS, FILL, MASK, SEGMENTS, graft
from pipeline.model.image_input import ImageInput
from pipeline.model.profile import Profile
from pipeline.model.session import open_session
from pipeline.scene.scene import Scene

KINDS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.UINT8, TensorProto.INT32)
PROFILES = {True: ((0, 0, 0), (1, 1, 1)), False: ((123.7, 116.3, 103.5), (58.4, 57.1, 57.4))}  # mean, scale


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Scene, np.ndarray]:
    """A scene of one stripe, or of several, and masks of its regions, some of them more than a number has bits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    k, size, n = draw(st.integers(1, 9)), draw(st.sampled_from([8, 11, 150])), draw(st.sampled_from([1, 5, 8, 9, 33]))
    canvas, fill = rng.integers(0, 256, (2, size, size, 3), np.uint8)
    return Scene(canvas, rng.integers(0, k, (size, size)).astype(np.int32), fill), rng.random((n, k)) < 0.5


@pytest.mark.parametrize("element", KINDS)
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@settings(max_examples=8)
@given(case=scenes())
def test_the_network_reads_what_the_graft_would_make(case, layout, element):
    """Number for number, in either layout and in each kind of numbers."""
    scene, masks = case
    size = len(scene.canvas)
    shape = [None, 3, size, size] if layout == "nchw" else [None, size, size, 3]
    entry = ImageInput("picture", layout, 3, size, size, element, None)
    mean, scale = PROFILES[entry.integral]
    profile = Profile(size, mean=mean, scale=scale)
    made = Composed.of(scene, profile, entry)
    found = made.pictures(masks, made.room(len(masks) + 2))
    fed = {
        MASK: masks.astype(np.float32),
        SEGMENTS: scene.segments.astype(np.int64),
        CANVAS: profile.tensor(scene.canvas)[None],
        FILL: profile.tensor(scene.fill)[None],
    }
    [expected] = open_session(graft(_echo(shape, element))).run(None, fed)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def _echo(shape, element):
    """A network that answers with the picture it is shown."""
    entry, answer = (helper.make_tensor_value_info(name, element, shape) for name in ("picture", "answer"))
    graph = helper.make_graph([helper.make_node("Identity", ["picture"], ["answer"])], "echo", [entry], [answer])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
