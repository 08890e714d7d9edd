"""The inputs that real exports have: each is shown the very picture that its own tool would show it."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.model.model import ModelRefused
from pipeline.model.session import open_session
from pipeline.model.stamp import newest
from pipeline.scene.scene import Scene, compose
from tests.models import custom_vision_onnx, node, pooled

LABELS = ("a", "b", "c")
SOFTMAX = node("Softmax", "logits", "scores", axis=1)
INPUTS = {
    "uint8 NHWC": (TensorProto.UINT8, ["N", 32, 32, 3]),
    "uint8 NCHW": (TensorProto.UINT8, ["N", 3, 32, 32]),
    "int32": (TensorProto.INT32, [1, 3, 32, 32]),
    "double": (TensorProto.DOUBLE, ["N", 3, 32, 32]),
    "float16": (TensorProto.FLOAT16, ["N", 3, 32, 32]),
    "wide": (TensorProto.FLOAT, ["N", 3, 24, 40]),
    "high NHWC": (TensorProto.FLOAT, ["N", 40, 24, 3]),
    "grey": (TensorProto.FLOAT, ["N", 1, 28, 28]),
    "grey NHWC": (TensorProto.FLOAT, ["N", 28, 28, 1]),
    "grey uint8": (TensorProto.UINT8, [1, 28, 28, 1]),
}


@pytest.mark.parametrize(("element", "shape"), INPUTS.values(), ids=INPUTS.keys())
def test_scores_are_those_of_the_file_for_the_composed_pictures(element, shape):
    """Made by hand with NumPy and Pillow, in the file's own layout and numbers."""
    channels = 1 if 1 in shape[1:] else 3
    file = pooled(SOFTMAX, element=element, shape=shape, weights=np.float32([[0.02, 0, -0.02]] * channels))
    model = read_model(file, name="net", labels=LABELS)
    height, width = shape[1:3] if shape[3] in (1, 3) else shape[2:4]  # type: ignore[misc]
    assert (model.profile.height, model.profile.width) == (height, width)
    rng = np.random.default_rng(0)
    canvas, fill = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    fill //= 3
    cells = (np.arange(height)[:, None] * 3 // height * 3 + np.arange(width) * 3 // width).astype(np.int32)
    scene, masks = Scene(canvas, cells, fill), rng.random((5, 9)) < 0.5
    pictures = compose(scene, masks)
    if channels == 1:
        pictures = np.stack([np.asarray(Image.fromarray(one).convert("L"))[..., None] for one in pictures])
    ordered = pictures if shape[3] in (1, 3) else pictures.transpose(0, 3, 1, 2)
    session = open_session(file)
    numbers = ordered.astype(helper.tensor_dtype_to_np_dtype(element))
    expected = [session.run(None, {"x": one[None]})[0][0] for one in numbers]
    np.testing.assert_allclose(BlackBox(model, batch=2).scores(scene, masks), expected, rtol=0, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3


def test_whole_numbers_are_the_photographs_own_whatever_is_given():
    with pytest.raises(
        ModelRefused, match=r"takes whole numbers .uint8. and scales them itself.*leave mean and scale out"
    ):
        file = pooled(SOFTMAX, element=TensorProto.UINT8)
        read_model(file, name="net", labels=LABELS, profile={"scale": 255})


def test_a_rectangle_shows_the_largest_centred_part_of_its_shape():
    """And says its size as two numbers, height first."""
    model = read_model(pooled(SOFTMAX, shape=["N", 3, 24, 40]), name="net", labels=LABELS)
    assert model.profile.to_json()["size"] == [24, 40]
    photograph = np.random.default_rng(0).integers(0, 256, (90, 100, 3), dtype=np.uint8)
    expected = Image.fromarray(photograph[15:75]).resize((40, 24), Image.Resampling.BILINEAR)
    assert np.array_equal(model.profile.canvas(photograph), np.asarray(expected))
    place = model.profile.placement(100, 90)
    assert (place.left, place.top, place.right, place.bottom) == (0, 15, 100, 75)
    with pytest.raises(ModelRefused, match=r"size is 32, the model takes exactly \[24, 40\]"):
        read_model(pooled(SOFTMAX, shape=["N", 3, 24, 40]), name="net", labels=LABELS, profile={"size": 32})


NAMED = ["batch_size", "num_channels", "height", "width"]


@pytest.mark.parametrize(
    ("shape", "transposed", "layout"),
    [
        (NAMED, False, "nchw"),
        (["", "", "", ""], False, "nchw"),
        ([1, "c", 32, 32], False, "nchw"),
        (["", "", "", ""], True, "nhwc"),
    ],
)
def test_where_the_shape_is_silent_the_first_convolution_tells_the_channels(shape, transposed, layout):
    kernel = numpy_helper.from_array(np.random.default_rng(0).normal(size=(3, 3, 4, 4)).astype(np.float32) / 99, "k")
    file = onnx.load_from_string(pooled(SOFTMAX, shape=["N", 32, 32, 3] if transposed else ["N", 3, 32, 32]))
    graph = file.graph
    graph.node.insert(2, helper.make_node("Conv", ["laid", "k"], ["seen"], strides=[4, 4]))
    graph.node[3].input[0] = "seen"
    graph.initializer.append(kernel)
    graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, shape))
    model = read_model(file.SerializeToString(), name="net", labels=LABELS, profile={"size": 32})
    assert model.facts["layout"] == layout
    inside = Inside(model).facts()
    assert (inside["layer"], inside["no_gradient"]) == ("seen", None)


def test_where_nothing_tells_the_channels_the_shape_is_named():
    with pytest.raises(ModelRefused, match=r"the shape \[n, a, b, c\], expected .*with its channels fixed"):
        read_model(pooled(SOFTMAX, shape=["n", "a", "b", "c"]), name="net", labels=LABELS)


class TestStamps:
    @pytest.mark.parametrize(
        ("opset", "ir"),
        [(onnx.defs.onnx_opset_version(), onnx.IR_VERSION), (17, onnx.IR_VERSION), (newest()[1] + 1, 8)],
    )
    def test_a_stamp_ahead_of_onnxruntime_is_lowered(self, opset, ir):
        """None of these operators has changed since: the file means the same."""
        old, new = (pooled(SOFTMAX, opset=a, ir=b) for a, b in ((17, 8), (opset, ir)))
        models = [read_model(file, name="net", labels=LABELS) for file in (old, new)]
        assert models[1].facts["ir"] == ir
        scene = Scene(*_noise())
        np.testing.assert_array_equal(*(BlackBox(model).scores(scene, np.eye(4, dtype=bool)) for model in models))

    def test_an_opset_that_changes_an_operator_is_not_lowered(self):
        file = onnx.load_from_string(pooled(SOFTMAX, opset=99))
        with pytest.raises(ModelRefused, match="onnxruntime cannot run the model"):
            read_model(file.SerializeToString(), name="net", labels=LABELS)


def test_operators_that_onnxruntime_brings_along_are_run():
    """Such as its quantisation writes: QLinearAdd of com.microsoft."""
    ends = [node("Softmax", "logits", "p", axis=1), node("QuantizeLinear", "p scale zero", "q")]
    file = onnx.load_from_string(
        pooled(*ends, scale=np.float32(1 / 255), zero=np.uint8(0), nothing=np.uint8([0, 0, 0]))
    )
    add = helper.make_node(
        "QLinearAdd", ["q", "scale", "zero", "nothing", "scale", "zero", "scale", "zero"], ["r"], domain="com.microsoft"
    )
    file.graph.node.extend([add, helper.make_node("DequantizeLinear", ["r", "scale", "zero"], ["scores"])])
    file.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model = read_model(file.SerializeToString(), name="net", labels=LABELS)
    assert BlackBox(model).scores(Scene(*_noise()), np.eye(4, dtype=bool)).shape == (4, 3)


def test_functions_of_the_models_own_are_put_in_where_they_are_called():
    """As PyTorch's exporter writes them."""
    file = onnx.load_from_string(pooled(helper.make_node("Last", ["logits"], ["scores"], domain="own")))
    imports = [helper.make_opsetid("", 13)]
    body = [node("Softmax", "a", "b", axis=1)]
    file.functions.append(helper.make_function("own", "Last", ["a"], ["b"], body, imports))
    file.opset_import.append(helper.make_opsetid("own", 1))
    model = read_model(file.SerializeToString(), name="net", labels=LABELS)
    assert model.facts["profile_sources"]["activation"] == "the graph ends in Softmax"


@pytest.mark.parametrize("operator", ["RandomUniformLike", "RandomNormalLike", "Bernoulli"])
def test_a_file_that_answers_one_picture_in_two_ways_is_refused_by_what_draws(operator):
    ends = [node(operator, "half", "u"), node("Mul", "logits u", "z"), node("Softmax", "z", "scores", axis=1)]
    file = pooled(*ends, opset=15, half=np.full((1, 3), 0.5, np.float32))
    with pytest.raises(
        ModelRefused, match=f"answers one picture in two ways .it has {operator}.*export it for inference"
    ):
        read_model(file, name="net", labels=LABELS)


def test_float16_inside_is_allowed_the_rounding_of_float16():
    ends = [node("Cast", "logits", "h", to=TensorProto.FLOAT16), node("Softmax", "h", "s", axis=1)]
    file = pooled(*ends, node("Cast", "s", "scores", to=TensorProto.FLOAT))
    assert read_model(file, name="net", labels=LABELS).batch


class TestMetadata:
    def _read(self, properties, **network):
        return read_model(custom_vision_onnx(metadata=properties, zipmap=False, **network), name="best")

    @pytest.mark.parametrize(
        "names",
        ["{0: 'betong', 1: 'stål', 2: 'tre'}", '{"0": "betong", "1": "stål", "2": "tre"}', '["betong", "stål", "tre"]'],
    )
    def test_ultralytics_classifier_brings_names_size_and_range(self, names):
        properties = {"task": "classify", "stride": "1", "imgsz": "[64, 64]", "names": names}
        model = self._read(properties, free_size=True)
        assert model.labels == ("betong", "stål", "tre")
        assert model.profile.to_json() == {
            "size": 64,
            "crop": "center",
            "color": "rgb",
            "mean": [0.0] * 3,
            "scale": [255.0] * 3,
        }
        assert not [told for told in model.facts["warnings"] if "assumed" in told]

    def test_a_size_that_contradicts_the_input_is_said(self):
        model = self._read({"task": "classify", "stride": "1", "imgsz": "64", "names": '["a", "b", "c"]'})
        assert "Ultralytics metadata names 64 pixels, the model takes 32" in model.facts["warnings"]

    @pytest.mark.parametrize("task", ["detect", "segment", "pose"])
    def test_another_task_of_ultralytics_is_refused_by_its_name(self, task):
        with pytest.raises(ModelRefused, match=f"names the task '{task}'; polelens explains classifiers only"):
            self._read({"task": task, "stride": "32", "names": "{0: 'a'}"})

    @pytest.mark.parametrize("names", ["{0: 'a', 2: 'b', 3: 'c'}", "[1, 2, 3]", "__import__('os')", "", "{" * 9999])
    def test_names_that_are_none_are_no_names(self, names):
        with pytest.raises(ModelRefused, match="carries no labels"):
            self._read({"names": names})


class TestLabels:
    def test_labels_alike_are_told_apart_by_their_number(self):
        model = read_model(custom_vision_onnx(zipmap=False), name="birds", labels=["crane", "owl", "crane"])
        assert model.labels == ("crane (0)", "owl", "crane (2)")
        assert any(
            "told apart by their output's number, from 0: crane (0), crane (2)" in w for w in model.facts["warnings"]
        )

    def test_the_number_takes_no_other_labels_name(self):
        labels = read_model(custom_vision_onnx(zipmap=False), name="b", labels=["a", "a (0)", "a"]).labels
        assert labels == ("a (0)'", "a (0)", "a (2)")

    def test_one_label_too_few_is_told_of_the_background(self):
        with pytest.raises(ModelRefused, match=r"2 labels for 3 outputs.*first one is of the background"):
            read_model(custom_vision_onnx(zipmap=False), name="b", labels=["a", "b"])


def _noise():
    canvas = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return canvas, (np.arange(32)[:, None] // 16 * 2 + np.arange(32) // 16).astype(np.int32), np.zeros_like(canvas)
