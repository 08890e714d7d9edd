"""Class activation maps are the papers' formulas at the layer, and where they are known to agree they do."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from pipeline.methods.activation_maps import COSTS, stretched
from pipeline.model import class_maps
from pipeline.model.inside import Inside
from pipeline.recipes import RECIPES
from tests import models
from tests.insides import explained, read, scene, tensors

MODEL = read(models.custom_vision_onnx())
SHOWN = scene()
[FEATURES], [LOGITS] = tensors(MODEL, SHOWN, "r2", "logits")
WEIGHTS = {one.name: numpy_helper.to_array(one) for one in onnx.ModelProto.FromString(MODEL.onnx).graph.initializer}
LINEAR = np.tensordot(WEIGHTS["fc_w"].T, FEATURES, axes=1)  # Zhou et al. 2016, equation 2, [labels, h, w]


def maps(name: str, **changes: object) -> np.ndarray:
    """The heat maps of all labels, in the order of the model's, each times the pixels of the canvas."""
    found = explained(MODEL, SHOWN, name, labels="all", **changes)
    by_label = {one.label: one.heat for one in found.labels}
    return np.stack([by_label[name] for name in MODEL.labels]) * SHOWN.canvas[..., 0].size


def upsampled(one: np.ndarray) -> np.ndarray:
    """A map over the canvas, each pixel's value by hand between the four places around it."""
    size, (h, w) = SHOWN.canvas.shape[:2], one.shape
    down, across = ((np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(size, (h, w), strict=True))
    down, across = down.clip(0, h - 1), across.clip(0, w - 1)
    top, left = np.minimum(down.astype(int), h - 2), np.minimum(across.astype(int), w - 2)
    v, u = (down - top)[:, None], (across - left)[None]
    rows = one[top] * (1 - v) + one[top + 1] * v
    return rows[:, left] * (1 - u) + rows[:, left + 1] * u


def test_cam_is_the_weighted_sum_and_adds_up_to_the_logit() -> None:
    """Where the network ends in pooling and a linear layer: each place's share; their mean and bias are the logit."""
    found = maps("cam")
    for mine, expected in zip(found, LINEAR, strict=True):
        np.testing.assert_allclose(mine, upsampled(expected), rtol=1e-3, atol=1e-3 * np.abs(LINEAR).max())
    np.testing.assert_allclose(LINEAR.mean(axis=(1, 2)) + WEIGHTS["fc_b"], LOGITS, rtol=1e-4)


def test_grad_cam_of_such_a_network_is_what_is_positive_of_cam() -> None:
    """Selvaraju et al. 2017, section 3: its weights are those of CAM, divided by the places."""
    places = FEATURES[0].size
    for mine, expected in zip(maps("grad-cam"), np.maximum(LINEAR, 0) / places, strict=True):
        np.testing.assert_allclose(mine, upsampled(expected), rtol=1e-3, atol=1e-5 * np.abs(LINEAR).max())


def test_recipro_cam_of_such_a_network_is_cam() -> None:
    """A place alone adds to the logit what CAM says, divided by the places."""
    np.testing.assert_allclose(maps("recipro-cam") * FEATURES[0].size, maps("cam"), rtol=1e-4, atol=1e-2)


def test_ablation_cam_weighs_a_channel_by_what_is_lost_without_it() -> None:
    """In such a network that is its weight times its mean."""
    weights = WEIGHTS["fc_w"].T * FEATURES.mean(axis=(1, 2))
    expected = np.maximum(np.tensordot(weights, FEATURES, axes=1), 0)
    for mine, one in zip(maps("ablation-cam"), expected, strict=True):
        np.testing.assert_allclose(mine, upsampled(one), rtol=1e-3, atol=1e-3 * expected.max())


def test_grad_cam_plus_plus_is_the_paper_s_formula() -> None:
    """Equation 19, place by place: g^2 / (2 g^2 + sum A g^3), times what is positive of g; 0 where there is none."""
    features, gradient = np.random.Generator(np.random.Philox(1)).normal(size=(2, 5, 3, 4)).astype(np.float32)
    features, gradient[2] = np.maximum(features, 0), 0
    weights = np.zeros(5)
    for k in range(5):
        for g in gradient[k].ravel():
            below = 2 * g**2 + features[k].sum() * g**3
            weights[k] += g**2 / below * max(g, 0) if below else 0
    expected = np.maximum(np.tensordot(weights, features, axes=1), 0)
    np.testing.assert_allclose(class_maps.grad_cam_plus_plus(features, gradient[None])[0], expected, rtol=1e-4)
    assert maps("grad-cam++").max() > 0


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize(
    "changes",
    [{"nhwc": True}, {"fixed_batch": True}, {"free_size": True}, {"opset": 12, "constant_node": True, "flat": False}],
    ids=str,
)
def test_the_form_of_the_file_changes_no_map(name: str, changes: dict[str, object]) -> None:
    """Neither its layout nor its batch axis, its open size nor its age."""
    other = read(models.custom_vision_onnx(**(changes | {"zipmap": changes.get("flat", True)})), *models.LABELS)
    found = explained(other, SHOWN, name, labels="all")
    expected = explained(MODEL, SHOWN, name, labels="all")
    for mine, one in zip(found.labels, expected.labels, strict=True):
        assert mine.label == one.label
        np.testing.assert_allclose(mine.heat, one.heat, rtol=1e-3, atol=1e-6 * np.abs(one.heat).max() + 1e-7)


def test_a_half_precision_network_has_the_same_maps_to_its_precision() -> None:
    """float16 keeps 11 bits."""
    half = read(models.custom_vision_onnx(half=True, zipmap=False), *models.LABELS)
    for name in ("grad-cam", "grad-cam++", "recipro-cam", "ablation-cam"):
        mine, expected = (explained(one, SHOWN, name, labels="all") for one in (half, MODEL))
        for label, other in zip(mine.labels, expected.labels, strict=True):
            np.testing.assert_allclose(label.heat, other.heat, atol=1e-2 * np.abs(other.heat).max() + 1e-7)


def test_a_map_is_told_where_it_was_read() -> None:
    """The layer found, or named; the answer says which, of what, and how many places it has."""
    found = explained(MODEL, SHOWN, "grad-cam")
    assert found.inside == {"read": "grad-cam", "of": "logit", "layer": "r2", "map": [8, 8]}
    assert found.to_json()["inside"] == found.inside
    assert found.evaluations == 2 + COSTS["grad-cam"]
    earlier = explained(MODEL, SHOWN, "recipro-cam", **{"options.layer": "r1", "options.of": "probability"})
    assert earlier.inside == {"read": "recipro-cam", "of": "probability", "layer": "r1", "map": [16, 16]}
    assert earlier.labels[0].weights == pytest.approx(
        np.bincount(SHOWN.segments.ravel(), earlier.labels[0].heat.ravel()), rel=1e-5
    )


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "grad-cam",
            {"options.layer": "nowhere"},
            "layer is 'nowhere', which is no tensor .*; the last that are: ",
        ),
        ("grad-cam", {"options.layer": "R2"}, r"with a height and a width \(did you mean r2\?\)"),
        ("ablation-cam", {"options.layer": "gap"}, "layer is 'gap', which is no tensor of the network with a height"),
        ("recipro-cam", {"options.layer": "features"}, "layer is 'features', which is no tensor of the network with a"),
        ("cam", {"options.layer": "r1"}, "cam needs a network that ends in pooling and one linear layer right after"),
        ("cam", {"options.of": "score"}, "of is 'score', expected probability or logit"),
        ("cam", {"options.layer": 3}, "layer is 3, expected the name of a tensor"),
    ],
)
def test_a_layer_that_cannot_be_mapped_is_refused(name: str, changes: dict[str, object], message: str) -> None:
    """Before any photograph, in one sentence."""
    with pytest.raises(ValueError, match=message):
        explained(MODEL, SHOWN, name, **changes)


def test_what_has_no_places_has_no_map() -> None:
    """A network of pixels and one linear layer is no map's; its gradient is there."""
    flat = read(models.uneven(), "yes", "no")
    assert Inside(flat).facts() == {"layer": None, "exact_cam": False, "no_gradient": None, "no_relevance": None}
    for name in COSTS:
        with pytest.raises(ValueError, match="is a map of a layer, and the network has none with a height and a width"):
            explained(flat, SHOWN, name)


def test_a_network_that_looks_past_the_layer_has_no_tail_there() -> None:
    """Where the picture reaches the answer by another way, masking the layer would not mask the picture."""
    nodes = [
        models.node("Relu", "data", "layer"),
        models.node("GlobalAveragePool", "layer", "one"),
        models.node("GlobalAveragePool", "data", "other"),
        models.node("Add", "one other", "sum"),
        models.node("Flatten", "sum", "flat"),
        models.node("Softmax", "flat", "probs", axis=1),
    ]
    past = read(models.planted(nodes, {}, size=32), "r", "g", "b", scale=255)
    with pytest.raises(ValueError, match="which the picture also reaches the answer past; take a later one"):
        explained(past, SHOWN, "recipro-cam", **{"options.layer": "layer"})


def test_a_map_is_stretched_as_it_is() -> None:
    """Between the middles of its places in proportion to their distance, and the same beyond the outermost."""
    one = np.random.Generator(np.random.Philox(2)).normal(size=(3, 5)).astype(np.float32)
    np.testing.assert_allclose(stretched(one, (32, 32)) * 32 * 32, upsampled(one), atol=1e-5)


def test_named_recipes_ask_twice() -> None:
    """The labels first, then their maps; so none can be thorough."""
    for name in COSTS:
        with pytest.raises(ValueError, match="asks again, so it cannot be thorough"):
            explained(MODEL, SHOWN, name, judge=True, thorough=True)
        assert RECIPES[name].method == name
