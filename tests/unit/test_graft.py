"""The grafted perturbation: it must show the network exactly the pictures that masks describe."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.conversation.designs import scattered
from pipeline.model.graft import ACROSS, CANVAS, CELLS, COLUMNS, DOWN, FILL, MASK, ROWS, SEGMENTS, graft
from pipeline.model.normalised import normalise, with_free_batch
from pipeline.model.profile import Profile
from pipeline.model.session import open_session
from pipeline.scene.lattice import Lattice
from pipeline.scene.scene import Scene, compose
from tests.models import Network, custom_vision_onnx, means

PROFILE = Profile(size=32, color="bgr", mean=(120.0, 110.0, 100.0), scale=(58.0, 57.0, 56.0))
SCENE = Scene(
    canvas=np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8),
    segments=(np.arange(32)[:, None] // 8 * 3 + np.arange(32) // 11).astype(np.int32),
    fill=np.random.default_rng(2).integers(0, 256, (32, 32, 3), np.uint8),
)
MASKS = np.random.default_rng(3).random((7, SCENE.k)) < 0.5
KINDS = ("shares", "bits", "cells")
NETWORKS = {
    **{f"opset {opset}": Network(opset=opset, ir=8, zipmap=False) for opset in (7, 9, 11, 13, 17)},
    "opset 12 with its constants as inputs": Network(opset=12, ir=3),
    "NHWC": Network(nhwc=True),
    "float16": Network(half=True, zipmap=False),
    "NHWC float16, opset 13": Network(half=True, nhwc=True, zipmap=False, opset=13),
    "any size": Network(free_size=True),
}


@pytest.mark.parametrize("masks", ["shares", "bits"])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_the_grafted_network_answers_as_the_network_does_for_composed_pictures(network, masks):
    model = _normalised(custom_vision_onnx(network))
    pictures = np.stack([PROFILE.tensor(picture) for picture in compose(SCENE, MASKS)])
    pictures = pictures.transpose(0, 2, 3, 1) if network.nhwc else pictures
    expected = open_session(model).run(None, {"data": pictures.astype(np.float16 if network.half else np.float32)})[0]
    scores = _run(graft(model, masks), MASKS if masks == "bits" else MASKS.astype(np.float32))
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-3 if network.half else 1e-6)
    assert np.ptp(expected, axis=0).min() > 1e-3, "the masks must be told apart for this to mean anything"


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_the_network_behind_a_lattice_answers_as_it_does_for_pictures_blended_by_hand(network):
    """Cells stretched and shifted inside the graph, whatever its opset, layout and numbers."""
    model, lattice, rows = _normalised(custom_vision_onnx(network)), Lattice(4), scattered(16, 7, 3, 0.5)
    share = lattice.shares(rows, (32, 32))[:, None]
    pictures = share * PROFILE.tensor(SCENE.canvas) + (1 - share) * PROFILE.tensor(SCENE.fill)
    pictures = pictures.transpose(0, 2, 3, 1) if network.nhwc else pictures
    expected = open_session(model).run(None, {"data": pictures.astype(np.float16 if network.half else np.float32)})[0]
    down, across = lattice.shifts(rows, (32, 32))
    tables = {ROWS: lattice.stretches(32), COLUMNS: lattice.stretches(32).swapaxes(1, 2)}
    feeds = {CELLS: lattice.grids(rows), DOWN: down, ACROSS: across} | tables | _feeds()
    scores = open_session(graft(model, "cells")).run(None, feeds)[0]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-3 if network.half else 1e-6)
    assert np.ptp(expected, axis=0).min() > 1e-3, "the masks must be told apart for this to mean anything"


@pytest.mark.parametrize("masks", KINDS)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_the_grafted_file_passes_the_checker(network, masks):
    file = graft(_normalised(custom_vision_onnx(network)), masks)
    onnx.checker.check_model(onnx.load_from_string(file), full_check=True)


@pytest.mark.parametrize("masks", KINDS)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_onnxruntime_has_nothing_to_warn_of_in_the_grafted_file(network, masks, capfd):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 2  # warnings
    file = graft(_normalised(custom_vision_onnx(network)), masks)
    onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    assert capfd.readouterr().err == ""


def test_a_batch_that_cannot_be_freed_stays_one():
    file = normalise(custom_vision_onnx(fixed_batch=True)).model.SerializeToString()
    for masks, names in (("shares", [MASK]), ("bits", [MASK]), ("cells", [CELLS, DOWN, ACROSS])):
        inputs = {value.name: value for value in onnx.load_from_string(graft(file, masks)).graph.input}
        assert all(inputs[name].type.tensor_type.shape.dim[0].dim_value == 1 for name in names)


@given(mask=arrays.arrays(np.bool_, (2, SCENE.k)))
def test_bits_give_exactly_the_values_of_canvas_and_fill(mask):
    """Not one rounding: f + m · (c - f) would be off by one ulp."""
    expected = _tensors(compose(SCENE, mask))
    np.testing.assert_array_equal(_pixels(mask.astype(np.float32)), expected)
    np.testing.assert_array_equal(_pixels(mask, CHOICE), expected)


@given(mask=arrays.arrays(np.float32, (2, SCENE.k), elements=st.floats(0, 1, width=32)))
def test_values_between_blend_canvas_and_fill(mask):
    share = mask[:, SCENE.segments][:, None]
    blended = share * PROFILE.tensor(SCENE.canvas) + (1 - share) * PROFILE.tensor(SCENE.fill)
    np.testing.assert_allclose(_pixels(mask), blended, rtol=0, atol=1e-6)


def test_each_superpixel_is_switched_by_its_own_column_the_first_and_the_last_too():
    regions = SCENE.segments == np.arange(SCENE.k)[:, None, None]
    recorder = graft(_normalised(means(regions)))
    pictures = {CANVAS: np.ones((1, 3, 32, 32), np.float32), FILL: np.zeros((1, 3, 32, 32), np.float32)}
    seen = _run(recorder, np.eye(SCENE.k, dtype=np.float32), pictures)
    np.testing.assert_allclose(seen, np.eye(SCENE.k), atol=1e-6)


def test_bits_are_chosen_by_in_one_pass_over_the_pictures():
    """A device writes each picture once; below opset 9 there is no Where, and bits become shares."""
    names = {
        version: [node.op_type for node in onnx.load_from_string(graft(_opset(version), "bits")).graph.node[:4]]
        for version in (7, 9)
    }
    assert names[9][:3] == ["Gather", "Unsqueeze", "Where"]
    assert names[7][0] == "Cast"


def test_a_segment_without_a_column_is_an_error():
    with pytest.raises(Exception, match="out of data bounds"):
        _run(graft(_normalised(custom_vision_onnx())), np.ones((1, SCENE.k - 1), np.float32))


def _opset(version):
    return _normalised(custom_vision_onnx(Network(opset=version, ir=8, zipmap=False)))


def _normalised(file):
    return with_free_batch(normalise(file).model).SerializeToString()


def _tensors(pictures):
    return np.stack([PROFILE.tensor(picture) for picture in pictures])


def _feeds():
    return {CANVAS: _tensors([SCENE.canvas]), FILL: _tensors([SCENE.fill])}


def _run(grafted, mask, pictures=None):
    feeds = {MASK: mask, SEGMENTS: SCENE.segments.astype(np.int64)} | (pictures or _feeds())
    return open_session(grafted).run(None, feeds)[0]


def _identity():
    """A network that answers with the very picture it is shown."""
    shape = ["N", 3, 32, 32]
    data, probs = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in ("data", "probs")
    )
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["data"], ["probs"])], "identity", [data], [probs]
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 12)], ir_version=8)


IDENTITY, CHOICE = (open_session(graft(_identity().SerializeToString(), masks)) for masks in ("shares", "bits"))


def _pixels(mask, network=IDENTITY):
    return network.run(None, {MASK: mask, SEGMENTS: SCENE.segments.astype(np.int64)} | _feeds())[0]
