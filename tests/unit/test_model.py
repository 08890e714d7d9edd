"""Reading models: files in, an admitted model with labels and profile out, or one sentence that says why not."""

import dataclasses
import hashlib

import numpy as np
import onnx
import pytest
from onnx import helper

from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox
from pipeline.model.model import ModelRefused
from pipeline.model.profile import Profile
from pipeline.scene.scene import Scene
from tests.models import (
    COMPACT,
    LABELS,
    NO_CROP,
    S1,
    Network,
    additive,
    conjunction,
    constant,
    custom_vision_onnx,
    custom_vision_zip,
    planted,
    preprocess_properties,
)

FULL = {"size": 32, "crop": "stretch", "color": "bgr", "mean": [1, 2, 3], "scale": [4, 5, 6]}
LEFT, RIGHT = np.arange(32) < 16, np.arange(32) >= 16


def _read(network=None, *, properties=None, **given):
    return read_model(custom_vision_zip(network or Network(), properties=properties), name="poles", **given)


class TestAdmission:
    def test_a_custom_vision_zip_needs_nothing_else(self):
        model = _read()
        assert (model.name, model.labels, model.batch) == ("poles", LABELS, True)
        assert model.sha256 == hashlib.sha256(custom_vision_onnx()).hexdigest()
        assert {key: model.facts[key] for key in ("format", "opset", "ir", "input", "output", "layout", "element")} == {
            "format": "Custom Vision zip",
            "opset": 7,
            "ir": 3,
            "input": "data",
            "output": "loss",
            "layout": "nchw",
            "element": "float32",
        }

    def test_a_plain_file_with_a_zipmap_brings_its_own_labels(self):
        assert read_model(custom_vision_onnx(), name="poles").labels == LABELS

    def test_given_labels_go_before_those_of_the_zip(self):
        assert _read(Network(zipmap=False), labels=["a", "b", "c"]).labels == ("a", "b", "c")

    def test_a_file_fixed_at_batch_one_is_freed(self):
        assert _read(Network(fixed_batch=True)).batch

    def test_a_model_whose_pictures_influence_each_other_is_run_one_at_a_time(self):
        """Such as one that normalises by the statistics of its batch."""
        nodes = [
            helper.make_node("MatMul", ["pixels", "weights"], ["scores"]),
            helper.make_node("ReduceMean", ["scores"], ["mean"], axes=[0]),
            helper.make_node("Add", ["scores", "mean"], ["probs"]),
        ]
        file = planted(nodes, {"weights": np.full((3072, 2), 0.4 / 3072)}, size=32)
        model = read_model(file, name="mixed", labels=["a", "b"], profile={"scale": 255})
        assert not model.batch
        assert "one picture at a time" in model.facts["warnings"][-1]
        three_quarters = _bright(LEFT[:, None] | RIGHT)
        scores = BlackBox(model).scores(three_quarters, np.eye(2, dtype=bool))
        np.testing.assert_allclose(scores, [[0.2, 0.2], [0.6, 0.6]], atol=1e-6)

    def test_a_model_that_breaks_in_batches_is_run_one_at_a_time(self):
        """Here a 1 for the batch hides in a shape that is computed."""
        nodes = [
            helper.make_node("Cast", ["numbers"], ["shape"], to=onnx.TensorProto.INT64),
            helper.make_node("Reshape", ["pixels", "shape"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["probs"]),
        ]
        constants = {"numbers": [1, 3072], "weights": np.full((3072, 2), 0.8 / 3072)}
        model = read_model(planted(nodes, constants, size=32), name="rigid", labels=["a", "b"], profile={"scale": 255})
        assert not model.batch
        scores = BlackBox(model).scores(_bright(LEFT[:, None] | RIGHT), np.eye(2, dtype=bool))
        np.testing.assert_allclose(scores, [[0.2, 0.2], [0.6, 0.6]], atol=1e-6)

    def test_outputs_that_are_no_probabilities_get_the_activation_that_is_given(self):
        logits = _read(Network(logits=True, zipmap=False), profile={"activation": "softmax"})
        assert logits.profile.activation == "softmax"
        scores = BlackBox(logits).scores(_bright(LEFT[:, None] & LEFT), np.eye(2, dtype=bool))
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)

    def test_probabilities_that_do_not_add_up_to_one_are_left_as_they_are(self):
        """A multilabel classifier has a sigmoid for each label."""
        model = read_model(constant([0.9, 0.8, 0.0]), name="multilabel", labels=LABELS)
        assert model.profile.activation == "none"
        np.testing.assert_allclose(
            BlackBox(model).scores(_bright(LEFT[:, None] & LEFT), np.ones((1, 2), bool)), [[0.9, 0.8, 0]]
        )

    def test_a_manifest_for_another_file_is_a_warning(self):
        data = custom_vision_zip(manifest={"ModelFileSHA1": "0" * 40})
        assert "SHA-1 differs" in read_model(data, name="poles").facts["warnings"][0]


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "labels", "reason"),
        [
            (custom_vision_zip(labels="BETONG\nSTAAL"), None, "2 labels for 3 outputs of the model"),
            (custom_vision_zip(labels="a\nb\nc\nd"), None, "4 labels for 3 outputs of the model"),
            (custom_vision_zip(), ["a", "b"], "2 labels for 3 outputs"),
            (
                custom_vision_zip(labels="BETONG\nTRE\nSTAAL"),
                None,
                "label 2 is 'TRE', the model itself calls that output 'STAAL'",
            ),
            (constant(), None, "carries no labels; give a labels file"),
            (constant([np.nan, 0.5]), ["a", "b"], "not finite"),
            (constant().replace(b"MatMul", b"MadMul"), LABELS, "onnxruntime cannot run the model"),
            (custom_vision_zip(Network(free_size=True)), None, "pictures of any size and nothing names one"),
        ],
    )
    def test_a_model_that_cannot_be_explained_is_refused_in_one_sentence(self, data, labels, reason):
        with pytest.raises(ModelRefused, match=reason) as refused:
            read_model(data, name="poles", labels=labels)
        assert "\n" not in str(refused.value)

    def test_a_size_that_the_network_does_not_take_is_refused(self):
        with pytest.raises(ModelRefused, match="size is 64, the model takes exactly 32"):
            _read(profile={"size": 64})

    def test_a_wrong_profile_field_is_named(self):
        with pytest.raises(ValueError, match="unknown field colour"):
            _read(profile={"colour": "rgb"})

    @pytest.mark.parametrize(
        ("key", "text", "remedy"),
        [
            ("Image.BitmapPixelFormat", "Gray8", {"color": "rgb"}),
            ("Image.NominalPixelRange", "Exotic", {"mean": 0, "scale": 1}),
        ],
    )
    def test_metadata_that_is_not_understood_is_refused_until_the_profile_says_it(self, key, text, remedy):
        network = Network(metadata={key: text})
        with pytest.raises(ModelRefused, match=f"{text.lower()}.*give the profile's {' and '.join(remedy)}"):
            _read(network)
        assert _read(network, profile=remedy).facts["profile_sources"]["crop"] == "assumed"


class TestProfile:
    def test_a_complete_profile_is_taken_to_the_letter_whatever_the_file_says(self):
        network = Network(metadata={"Image.BitmapPixelFormat": "Rgb8", "Image.NominalPixelRange": "Normalized_0_1"})
        model = _read(network, properties=preprocess_properties(COMPACT), profile=FULL)
        assert model.profile == Profile.from_json(FULL)
        sources = model.facts["profile_sources"]
        assert {sources[field] for field in FULL} == {"given"}
        assert model.facts["warnings"] == []

    @pytest.mark.parametrize(("text", "color"), [("Rgb8", "rgb"), ("BGR8", "bgr"), ("Bgra8", "bgr"), ("rgba8", "rgb")])
    def test_the_color_order_comes_from_the_metadata_inside_the_model(self, text, color):
        model = _read(Network(metadata={"Image.BitmapPixelFormat": text}))
        assert (model.profile.color, model.facts["profile_sources"]["color"]) == (color, "model metadata")

    @pytest.mark.parametrize(
        ("text", "black", "white"),
        [
            ("NominalRange_0_255", 0, 255),
            ("Normalized_0_1", 0, 1),
            ("normalized_1_1", -1, 1),
            ("NominalRange_16_235", 16, 235),
        ],
    )
    def test_the_range_comes_from_the_metadata_inside_the_model(self, text, black, white):
        model = _read(Network(metadata={"image.nominalpixelrange": text}))
        ends = [model.profile.tensor(np.full((1, 1, 3), value, np.uint8))[0, 0, 0] for value in (0, 255)]
        np.testing.assert_allclose(ends, [black, white], atol=1e-4)
        assert {model.facts["profile_sources"][name] for name in ("mean", "scale")} == {"model metadata"}

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            (COMPACT, {"size": 224, "crop": "shorter-side", "resize": 256}),
            (S1, {"size": 300, "crop": "center"}),
            (NO_CROP, {"size": 300, "crop": "stretch"}),
        ],
    )
    def test_the_geometry_comes_from_the_metadata_of_the_zip(self, fields, expected):
        model = _read(Network(free_size=True), properties=preprocess_properties(fields))
        assert model.profile.geometry() == expected
        assert {model.facts["profile_sources"][name] for name in expected} == {"metadata_properties.json"}

    def test_the_pixel_format_and_range_in_the_zip_are_not_trusted(self):
        """They are wrong for exports that take 0..255 in BGR; those inside the model are right."""
        network = Network(metadata={"Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "NominalRange_0_255"})
        profile = _read(network, properties=preprocess_properties(S1)).profile
        assert (profile.color, profile.scale) == ("bgr", (1, 1, 1))

    def test_a_fixed_input_decides_the_size_and_a_contradiction_is_said(self):
        model = _read(properties=preprocess_properties(S1))
        assert (model.profile.size, model.facts["profile_sources"]["size"]) == (32, "input shape")
        assert "metadata_properties.json names 300 pixels, the model takes 32" in model.facts["warnings"]

    def test_fields_that_nothing_names_are_assumed_and_it_is_said(self):
        model = _read()
        assert model.profile == Profile(size=32, scale=(255, 255, 255))
        sources = model.facts["profile_sources"]
        assumed = dict.fromkeys(("crop", "color", "mean", "scale"), "assumed")
        assert sources == assumed | {"size": "input shape", "activation": "the graph ends in Softmax"}
        assert model.facts["warnings"][-1].endswith("assumed: color, crop, mean, scale")

    def test_a_plain_file_is_assumed_to_take_0_to_255(self):
        assert read_model(custom_vision_onnx(), name="poles").profile == Profile(size=32)

    def test_a_given_field_goes_before_the_file_and_leaves_the_others(self):
        network = Network(free_size=True, metadata={"Image.BitmapPixelFormat": "Bgr8"})
        model = _read(network, properties=preprocess_properties(COMPACT), profile={"size": 64, "scale": 128})
        assert model.profile == Profile(size=64, crop="shorter-side", resize=256, color="bgr", scale=(128, 128, 128))
        assert model.facts["profile_sources"] == {
            "size": "given",
            "crop": "metadata_properties.json",
            "resize": "metadata_properties.json",
            "color": "model metadata",
            "mean": "assumed",
            "scale": "given",
            "activation": "the graph ends in Softmax",
        }

    def test_a_given_crop_leaves_no_resize_of_another_behind(self):
        model = _read(Network(free_size=True), properties=preprocess_properties(COMPACT), profile={"crop": "center"})
        assert model.profile.geometry() == {"size": 224, "crop": "center"}
        assert model.profile.resize is None
        assert "resize" not in model.facts["profile_sources"]

    def test_an_unknown_crop_and_a_normalisation_in_the_zip_are_said(self):
        fields = {"CropMethod": "TenCrops", "ResizeMethod": "Odd", "NormalizeMean": "[0.5, 0.5, 0.5]"}
        warnings = " ".join(_read(properties=preprocess_properties(fields)).facts["warnings"])
        assert "unknown crop TenCrops+Odd" in warnings
        assert "NormalizeMean [0.5, 0.5, 0.5], not applied" in warnings


class TestIdentity:
    def test_the_digest_is_the_same_for_the_same_black_box_under_another_name(self):
        assert read_model(custom_vision_zip(), name="a").digest == read_model(custom_vision_zip(), name="b").digest

    def test_another_network_label_or_profile_is_another_black_box(self):
        plain = Network(zipmap=False)
        models = [
            _read(plain),
            _read(dataclasses.replace(plain, seed=1)),
            _read(plain, labels=["a", "b", "c"]),
            _read(plain, profile={"color": "bgr"}),
        ]
        assert len({model.digest for model in models}) == 4

    def test_the_normalised_file_is_a_valid_onnx_model(self):
        onnx.checker.check_model(onnx.load_from_string(_read(Network(fixed_batch=True)).onnx), full_check=True)


class TestPlantedModels:
    """The models whose answers are known, which other tests lean on, give those answers."""

    def test_the_additive_model_adds_up(self):
        weights = np.where(LEFT[:, None] & LEFT, 0.5, 0.1) / 3072
        box = BlackBox(
            read_model(additive(weights, bias=0.2), name="additive", labels=["yes", "no"], profile={"scale": 255})
        )
        region = LEFT[:, None] & LEFT
        scores = box.scores(_bright(region), np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool))
        on = [3 * weights[~region].sum(), 3 * weights[region].sum()]
        np.testing.assert_allclose(scores[:, 0], 0.2 + np.array([0, on[0], on[1], sum(on)]), atol=1e-6)
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)

    def test_the_conjunction_wants_both_regions(self):
        first, second = np.broadcast_to(LEFT, (32, 32)), np.broadcast_to(RIGHT, (32, 32))
        box = BlackBox(read_model(conjunction(first, second), name="and", labels=["both", "not"]))
        scores = box.scores(_bright(first), np.array([[0, 0], [1, 0], [0, 1], [1, 1]], bool))
        assert scores.tolist() == [[0, 1], [0, 1], [0, 1], [1, 0]]

    def test_the_constant_model_does_not_look(self):
        box = BlackBox(read_model(constant(), name="constant", labels=LABELS))
        scores = box.scores(_bright(LEFT[:, None] & LEFT), np.eye(2, dtype=bool))
        np.testing.assert_array_equal(scores, np.float32([[0.7, 0.2, 0.1]] * 2))


def _bright(region):
    """A white canvas on a black fill; superpixel 1 is the region, 0 the rest."""
    white = np.full((32, 32, 3), 255, np.uint8)
    return Scene(canvas=white, segments=region.astype(np.int32), fill=np.zeros_like(white))
