"""Normalising a network's graph: what is left of it, that it answers as the file does, and what is refused."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.model.model import ModelRefused
from pipeline.model.normalised import SCORES, normalise, with_activation, with_free_batch
from pipeline.model.session import open_session
from tests.models import LABELS, Network, constant, custom_vision_onnx, planted

PICTURES = np.random.default_rng(0).random((5, 3, 32, 32), np.float32)
VARIANTS = {
    "opset 7, IR 3, ZipMap": Network(),
    "opset 9": Network(opset=9),
    "opset 11, IR 6": Network(opset=11, ir=6),
    "opset 13": Network(opset=13, ir=8),
    "opset 17, no ZipMap": Network(opset=17, ir=8, zipmap=False),
    "fixed batch": Network(fixed_batch=True),
    "fixed batch in a Constant node": Network(fixed_batch=True, constant_node=True, opset=9),
    "[N, c, 1, 1]": Network(zipmap=False, flat=False),
    "NHWC": Network(nhwc=True),
    "float16": Network(half=True, zipmap=False, fixed_batch=True),
    "any size": Network(free_size=True),
}


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def variant(request):
    return request.param


def test_batches_of_the_normalised_file_give_what_the_file_gives_for_single_pictures(variant):
    file, pictures = custom_vision_onnx(variant), _pictures(variant)
    scores = _run(with_free_batch(normalise(file).model), pictures)
    np.testing.assert_allclose(scores, _singles(file, pictures), atol=1e-3 if variant.half else 1e-6)
    assert scores.shape == (5, 3)
    assert np.ptp(scores, axis=0).min() > 1e-3, "the pictures must be told apart for this to mean anything"


def test_only_the_picture_goes_in_and_only_the_scores_come_out(variant):
    inferred = onnx.shape_inference.infer_shapes(onnx.load_from_string(custom_vision_onnx(variant)))
    assert inferred.graph.value_info
    network = normalise(inferred.SerializeToString())
    graph = network.model.graph
    assert [value.name for value in graph.input] == ["data"]
    assert [value.name for value in graph.output] == [SCORES]
    assert {node.op_type for node in graph.node}.isdisjoint({"ZipMap", "ArgMax", "ArrayFeatureExtractor"})
    assert {entry.domain for entry in network.model.opset_import} == {""}
    assert network.model.ir_version >= 4
    assert not graph.value_info


def test_the_normalised_file_passes_the_checker(variant):
    network = normalise(custom_vision_onnx(variant))
    for model in (network.model, with_free_batch(network.model), with_activation(network.model, "Softmax")):
        onnx.checker.check_model(model, full_check=True)


def test_initialisers_of_the_label_head_go_with_it():
    model = onnx.load_from_string(custom_vision_onnx())
    model.graph.initializer.append(numpy_helper.from_array(np.ones(3, np.float32), "stray"))
    left = normalise(model.SerializeToString()).model.graph
    assert {tensor.name for tensor in left.initializer} == {"conv1_w", "conv1_b", "conv2_w", "fc_w", "fc_b", "flat"}


def test_a_reshape_of_weights_keeps_its_shape_when_the_batch_is_freed():
    """Only what depends on the picture has a batch axis: the same constant may also shape a weight."""
    model = onnx.load_from_string(custom_vision_onnx(fixed_batch=True))
    nodes = model.graph.node
    nodes.insert(0, helper.make_node("Reshape", ["spread", "flat"], ["scaled"]))
    model.graph.initializer.append(numpy_helper.from_array(np.full((16, 1), 2, np.float32), "spread"))
    model.graph.input.append(helper.make_tensor_value_info("spread", TensorProto.FLOAT, [16, 1]))
    place = next(index for index, node in enumerate(nodes) if node.op_type == "MatMul")
    nodes.insert(place, helper.make_node("Mul", ["features", "scaled"], ["doubled"]))
    nodes[place + 1].input[0] = "doubled"
    file = model.SerializeToString()
    scores = _run(with_free_batch(normalise(file).model), PICTURES)
    np.testing.assert_allclose(scores, _singles(file, PICTURES), atol=1e-6)


def test_a_reshape_that_works_its_shape_out_is_left_alone():
    nodes = [
        helper.make_node("Shape", ["pixels"], ["shape"]),
        helper.make_node("Reshape", ["pixels", "shape"], ["same"]),
        helper.make_node("MatMul", ["same", "weights"], ["probs"]),
    ]
    file = planted(nodes, {"weights": np.full((3072, 2), 1e-4)}, size=32)
    scores = _run(with_free_batch(normalise(file).model), PICTURES)
    np.testing.assert_allclose(scores, _singles(file, PICTURES), atol=1e-6)


def test_the_graph_given_is_not_changed_by_its_variants():
    model = normalise(custom_vision_onnx(fixed_batch=True)).model
    before = model.SerializeToString()
    with_free_batch(model), with_activation(model, "Sigmoid")
    assert model.SerializeToString() == before


def test_normalising_the_same_file_twice_gives_the_same_bytes():
    file = custom_vision_onnx()
    first, second = (normalise(file).model.SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_what_was_read_from_the_file_is_kept():
    network = normalise(custom_vision_onnx(metadata={"Image.BitmapPixelFormat": "Bgr8"}, nhwc=True, fixed_batch=True))
    assert (network.opset, network.ir, network.output.name, network.output.classes) == (7, 3, "loss", LABELS)
    assert network.properties == {"Image.BitmapPixelFormat": "Bgr8"}
    assert (network.input.name, network.input.layout) == ("data", "nhwc")
    assert (network.input.height, network.input.width, network.input.channels) == (32, 32, 3)
    assert (network.input.element, network.input.batch) == (TensorProto.FLOAT, 1)


def test_a_body_inside_an_operator_keeps_what_it_takes_from_outside():
    """The branches of If name tensors of the graph around them; pruning must see those."""
    model = onnx.load_from_string(custom_vision_onnx(zipmap=False, opset=11, ir=8))
    branch = helper.make_graph([helper.make_node("Identity", ["fc_b"], ["b"])], "branch", [], [_float("b", None)])
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    add = next(node for node in model.graph.node if node.op_type == "Add")
    add.input[1] = "bias"
    model.graph.node.insert(0, helper.make_node("If", ["yes"], ["bias"], then_branch=branch, else_branch=branch))
    file = model.SerializeToString()
    scores = _run(with_free_batch(normalise(file).model), PICTURES)
    np.testing.assert_allclose(scores, _singles(file, PICTURES), atol=1e-6)


def test_among_several_outputs_the_softmax_is_the_scores():
    model = onnx.load_from_string(custom_vision_onnx(zipmap=False))
    model.graph.output.insert(0, helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 16]))
    assert normalise(model.SerializeToString()).output.name == "model_output"


def _external(model):
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="../../etc/passwd")


def _external_in_a_constant(model):
    tensor = numpy_helper.from_array(np.zeros(1, np.float32), "t")
    tensor.external_data.add(key="location", value="weights.bin")
    model.graph.node.append(helper.make_node("Constant", [], ["t"], value=tensor))


def _external_in_a_branch(model):
    tensor = numpy_helper.from_array(np.zeros(1, np.float32), "t")
    tensor.data_location = TensorProto.EXTERNAL
    body = helper.make_graph([], "body", [], [_float("t", [1])], [tensor])
    model.graph.node.append(helper.make_node("If", ["c"], ["r"], then_branch=body, else_branch=body))


def _custom_operator(model):
    model.graph.node[0].domain = "com.example"


def _custom_operator_in_a_branch(model):
    inner = helper.make_graph([helper.make_node("Boom", [], ["t"], domain="evil")], "inner", [], [_float("t", [1])])
    again = helper.make_node("If", ["c"], ["t"], then_branch=inner, else_branch=inner)
    body = helper.make_graph([again], "body", [], [_float("t", [1])])
    model.graph.node.append(helper.make_node("If", ["c"], ["r"], then_branch=body, else_branch=body))


def _old(model):
    model.opset_import[0].version = 6


def _text_input(model):
    _picture(model).elem_type = TensorProto.STRING


def _four_channels(model):
    _picture(model).shape.dim[1].dim_value = 4


def _elsewhere(model):
    model.graph.node[0].domain, model.graph.node[0].op_type = "com.microsoft", "EPContext"


def _flat_input(model):
    del _picture(model).shape.dim[2:]


def _second_input(model):
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))


def _no_input(model):
    del model.graph.input[:]


def _two_outputs(model):
    for name in ("mm", "logits"):
        model.graph.output.append(_float(name, ["N", 3]))
    del model.graph.output[:2]


def _labels_only(model):
    del model.graph.output[1]


def _detector(model):
    model.graph.output[1].name = "model_outputs0"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_external, r"keeps its weights \('conv1_w'\) in another file"),
        (_external_in_a_constant, "in another file"),
        (_external_in_a_branch, "in another file"),
        (_custom_operator, "'Identity' of the domain 'com.example'"),
        (_custom_operator_in_a_branch, "'Boom' of the domain 'evil'"),
        (_elsewhere, "'EPContext' of the domain 'com.microsoft'"),
        (_old, "opset 6, the oldest supported is 7"),
        (_text_input, "'data' is STRING, no numbers of a picture"),
        (_four_channels, r"'data' has the shape \[N, 4, 32, 32\], expected \[n, 3, h, w\]"),
        (_flat_input, "has the shape"),
        (_second_input, r"2 inputs \('data', 'mask'\), expected one picture"),
        (_no_input, "0 inputs"),
        (_two_outputs, r"2 outputs that can be its scores \('mm' \[N, 3\], 'logits' \[N, 3\]\); .*--output"),
        (_labels_only, r"none of the model's outputs \('classLabel'\) has numbers"),
        (_detector, "object detector"),
    ],
)
def test_a_graph_that_cannot_or_must_not_be_run_is_refused_with_its_reason(change, reason):
    model = onnx.load_from_string(custom_vision_onnx())
    change(model)
    with pytest.raises(ModelRefused, match=reason):
        normalise(model.SerializeToString())


@pytest.mark.parametrize("data", [b"", b"hello", b"\x08\x03", constant()[:-7], b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_bytes_that_are_no_onnx_model_are_refused(data):
    with pytest.raises(ModelRefused, match="not an ONNX model"):
        normalise(data)


def test_names_that_are_not_text_are_refused():
    with pytest.raises(ModelRefused, match="names are not text"):
        normalise(custom_vision_onnx().replace(b"loss_tensor", b"loss_tens\xff\xff"))


def _picture(model):
    return model.graph.input[0].type.tensor_type


def _float(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _pictures(variant):
    pictures = PICTURES.transpose(0, 2, 3, 1) if variant.nhwc else PICTURES
    return pictures.astype(np.float16) if variant.half else pictures


def _run(model, pictures):
    return open_session(model.SerializeToString()).run(None, {"data": pictures})[0]


def _singles(file, pictures):
    """The file as given, one picture at a time, whatever form its scores have."""
    session = open_session(file)
    answers = [session.run(None, {"data": picture[None]})[-1] for picture in pictures]
    rows = [list(answer[0].values()) if isinstance(answer, list) else answer.ravel() for answer in answers]
    return np.array(rows, np.float32)


def test_the_variants_are_what_they_say():
    """The rules above mean nothing unless the files differ as their names do."""
    file = onnx.load_from_string(custom_vision_onnx(VARIANTS["fixed batch"]))
    assert file.ir_version == 3
    assert len(file.graph.input) > 1
    onnx.checker.check_model(file)
    with pytest.raises(Exception, match="Got: 5 Expected: 1"):
        open_session(file.SerializeToString()).run(None, {"data": PICTURES})
    assert len({custom_vision_onnx(variant) for variant in VARIANTS.values()}) == len(VARIANTS)
