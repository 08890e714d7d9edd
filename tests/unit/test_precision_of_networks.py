"""What a network is computed in: part of a recipe, never silent, and measured beside the error of the weights."""

import json

import numpy as np
import pytest

from pipeline.methods import check
from pipeline.model.blackbox import BlackBox
from pipeline.model.graft import CANVAS, FILL, MASK, SEGMENTS, graft
from pipeline.model.half import in_float16
from pipeline.model.precision import CPU, CUDA, OPENVINO, Unprovided, options
from pipeline.model.session import open_session
from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES, called, recipe
from pipeline.rounding import Rounding, rounding
from pipeline.scene.scene import Scene
from polelens import explain, side_by_side
from polelens.cli.recipes import Asked
from tests import models
from tests.insides import read, scene

FEW = recipe("default").override({"samples": 64, "seeds": [1, 11, 21]})


def test_a_precision_below_float32_makes_a_recipe_another() -> None:
    """It is in its digest, its JSON and its name; float32 is in none of them, as before there was a choice."""
    lower = FEW.override({"precision": "bf16"})
    assert lower.digest != FEW.digest
    assert lower.to_json()["precision"] == "bf16"
    assert "precision" not in FEW.to_json()
    assert "precision=bf16" in called(lower)
    assert Recipe.from_json(lower.to_json()) == lower
    with pytest.raises(ValueError, match="precision is 'bf8', expected one of f32, bf16, f16"):
        FEW.override({"precision": "bf8"})


def test_what_reads_the_inside_is_read_in_float32() -> None:
    """A gradient below it would be noise, so the recipe is refused as a whole."""
    for one in ("cam", "integrated-gradients", "lrp"):
        with pytest.raises(ValueError, match=f"precision is bf16, and method {one} reads the network's inside"):
            check(recipe(one).override({"precision": "bf16"}), ["a"])


def test_the_setting_is_for_recipes_that_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And ask for scores alone; a command line, or the audit that is refitted, goes before it."""
    monkeypatch.setenv("POLELENS_PRECISION", "bf16")
    asked = Asked("default,grad-cam", None, None, (), ())
    assert [one.precision for one in asked.recipes()] == ["bf16", "f32"]
    assert Asked("default", None, None, ("precision=f16",), ()).recipe().precision == "f16"
    assert Asked("", None, None, (), ()).recipe(RECIPES["default"]).precision == "f32"
    monkeypatch.delenv("POLELENS_PRECISION")
    assert Asked("default", None, None, (), ()).recipe() == RECIPES["default"]


def test_a_provider_that_cannot_is_an_error() -> None:
    """With those that can: nothing is computed otherwise than it is said to be."""
    model = read(models.uneven(), "a", "b")
    for precision in ("bf16", "f16"):
        with pytest.raises(Unprovided, match=f"{CPU} does not compute in {precision}; set POLELENS_PROVIDERS to Open"):
            BlackBox(model, precision=precision)
    with pytest.raises(Unprovided, match=f"{CPU} does not compute in bf16"):
        explain(scene().canvas, model, recipe=FEW.override({"precision": "bf16"}))


def test_a_function_has_no_precision_of_ours() -> None:
    """Nor have recipes of several side by side: what one is told serves the other."""
    lower, picture = FEW.override({"precision": "bf16"}), np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match="precision is for model files"):
        explain(picture, lambda shown: np.ones((len(shown), 1)), recipe=lower, size=32)
    with pytest.raises(ValueError, match="computed in bf16 and f32; side by side they share answers"):
        side_by_side(picture, read(models.uneven(), "a", "b"), [FEW, lower])


def test_float32_is_asked_for_by_name() -> None:
    """Where a provider would round of itself: OpenVINO to bf16, CUDA to TensorFloat-32."""
    assert options(CUDA, 1, "f32") == options(CUDA, 1, "f16") == {"use_tf32": "0"}
    told = json.loads(options(OPENVINO, 3, "f32")["load_config"])["CPU"]
    assert (told["INFERENCE_PRECISION_HINT"], told["INFERENCE_NUM_THREADS"]) == ("f32", "3")
    assert options(CPU, 1, "f32") == {}


def test_a_network_in_float16_answers_nearly_the_same_and_takes_the_same() -> None:
    """Its inputs and outputs stay; its scores differ, by what eleven bits lose."""
    model, shown = read(models.uneven(), "a", "b"), scene()
    picture = {"data": model.profile.tensor(shown.canvas)[None]}
    whole, half = (open_session(one).run(None, picture)[0] for one in (model.onnx, in_float16(model.onnx)))
    assert half.dtype == np.float32
    assert 0 < np.abs(whole - half).max() < 2e-3


def test_in_float16_the_graft_of_bits_shows_the_same_pictures() -> None:
    """As a device has it: what was converted is masks, choice and network in one."""
    model, shown = read(models.uneven(), "a", "b"), scene()
    masks = np.random.default_rng(0).random((8, shown.k)) < 0.5
    fed = {
        MASK: masks,
        SEGMENTS: shown.segments.astype(np.int64),
        CANVAS: model.profile.tensor(shown.canvas)[None],
        FILL: model.profile.tensor(shown.fill)[None],
    }
    (half,) = open_session(in_float16(graft(model.onnx, "bits"))).run(None, fed)
    np.testing.assert_allclose(half, BlackBox(model).scores(shown, masks), atol=2e-3)


class TestRounding:
    """Held against weights that are known."""

    LABELS = ("left", "rest")

    def scores(self, masks: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Additive in the superpixels, and so LIME's weights are these, nearly."""
        share = 0.5 + masks @ weights
        return np.stack([share, 1 - share], axis=1).astype(np.float32)

    def found(self, factor: np.ndarray, name: str = "default") -> Rounding:
        """What is said where each weight comes out so many times as large."""
        shown, weights = scene(), np.linspace(-0.02, 0.04, 16)

        def exact(one: Scene, masks: np.ndarray) -> np.ndarray:
            return self.scores(masks, weights[: one.k])

        def rounded(one: Scene, masks: np.ndarray) -> np.ndarray:
            return self.scores(masks, (weights * factor)[: one.k])

        made = recipe(name).override({"precision": "bf16", "surrogate.alpha": 1e-9} if name == "default" else {})
        return rounding([shown, shown], made, self.LABELS, (exact, rounded))

    def test_the_largest_change_is_over_the_largest_weight(self) -> None:
        """A tenth of the largest weight is a change of a tenth; the order stays."""
        found = self.found(np.where(np.arange(16) == 15, 1.1, 1))
        assert found.largest == pytest.approx(0.1, abs=1e-3)
        assert found.spearman == pytest.approx(1)
        assert found.photographs == 2
        assert "on 2 photographs, at worst" in found.sentence

    def test_a_turned_order_shows(self) -> None:
        """Weights of the other sign have the rank correlation -1, and twice the largest is the change."""
        found = self.found(np.full(16, -1.0))
        assert found.spearman == pytest.approx(-1)
        assert found.largest == pytest.approx(2, abs=1e-3)

    def test_where_no_error_is_known_that_is_said(self) -> None:
        """Occlusion has none: null in JSON, and in words."""
        found = self.found(np.full(16, 1.5), "occlusion")
        assert found.to_json()["beside_error"] is None
        assert "knows no standard error" in found.sentence
