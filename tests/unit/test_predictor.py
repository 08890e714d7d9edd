"""Predictors: functions of pictures are asked as models are, and what they give is not taken on trust."""

from collections.abc import Iterable

import numpy as np
import pytest
from PIL import ExifTags, Image
from sklearn.linear_model import LogisticRegression

from pipeline.scene.scene import Scene, compose
from polelens import explain, recipe
from polelens.predictor import MOST_BYTES, Predictor

FEW = recipe("default").override({"samples": 64, "seeds": [1, 11], "segmenter": {"name": "grid", "n_segments": 16}})
LABELS = ("yes", "no")


def left(shown: np.ndarray) -> np.ndarray:
    """How bright the left half of each picture is."""
    share = shown[:, :, :16].mean(axis=(1, 2, 3)) / 255
    return np.stack([share, 1 - share], axis=1)


def test_a_function_is_explained_as_a_model_is() -> None:
    """The left half of a picture carries all the evidence of a model that looks at nothing else."""
    found = explain(
        np.full((32, 32, 3), 255, np.uint8), left, recipe=FEW.override({"fill": "black"}), labels=LABELS, size=32
    )
    weights = found.attribution.labels[0].weights.reshape(4, 4)
    np.testing.assert_allclose(weights[:, :2], 1 / 8, atol=1e-3)
    np.testing.assert_allclose(weights[:, 2:], 0, atol=1e-3)
    assert found.attribution.probabilities == pytest.approx({"yes": 1, "no": 0})
    assert found.document()["model"] == {
        "name": "left", "version": None, "sha256": None, "warnings": [],
        "profile": found.document()["model"]["profile"], "profile_sources": {"size": "the caller"},
    }  # fmt: skip


def test_it_is_shown_what_the_masks_say_a_bounded_number_at_once() -> None:
    """Pictures are composed as the reference composes them, in batches of 32 MB at most."""
    generator = np.random.default_rng(3)
    canvas, fill = generator.integers(0, 256, (2, 600, 600, 3), dtype=np.uint8)
    scene = Scene(canvas, (np.arange(360_000, dtype=np.int32) // 90_000).reshape(600, 600), fill)
    masks, seen = generator.random((70, 4)) < 0.5, []

    def function(shown: np.ndarray) -> np.ndarray:
        seen.append(shown.copy())
        return left(shown)

    scores = Predictor.of_function(function, LABELS, {"size": 600}).scores(scene, masks)
    assert max(one.nbytes for one in seen) <= MOST_BYTES
    assert len(seen) > 1
    np.testing.assert_array_equal(np.concatenate(seen), compose(scene, masks))
    np.testing.assert_allclose(scores, left(compose(scene, masks)), atol=1e-6)


def test_a_classifier_of_scikit_learn_and_a_picture_of_pillow() -> None:
    """The red of the middle decides, so the middle weighs more than the edge; EXIF turns the picture upright."""
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (400, 8, 8, 3), dtype=np.uint8)
    y = x[:, 2:6, 2:6, 0].mean(axis=(1, 2)) > 127
    classifier = LogisticRegression(C=1e-4, max_iter=1000).fit(x.reshape(400, -1) / 255.0, y)

    def predict(shown: np.ndarray) -> np.ndarray:
        return classifier.predict_proba(shown.reshape(len(shown), -1) / 255.0)

    pixels = np.zeros((48, 96, 3), np.uint8)
    pixels[12:36, 36:60, 0] = 255
    picture = Image.fromarray(pixels)
    picture.getexif()[ExifTags.Base.Orientation] = 6
    made = FEW.override({"fill": "black"})
    found = explain(picture, predict, recipe=made, labels=["dull", "red"], size=8)
    assert found.photograph.shape == (96, 48, 3)
    assert found.attribution.predicted == "red"
    weights = found.attribution.labels[0].weights.reshape(4, 4)
    assert weights[1:3, 1:3].sum() > 10 * np.abs(weights[0]).sum()


def test_without_labels_columns_have_numbers_and_that_is_said() -> None:
    """Guessed is printed."""
    found = explain(np.zeros((32, 32, 3), np.uint8), left, recipe=FEW, size=32)
    assert set(found.attribution.probabilities) == {"0", "1"}
    assert "nobody named the labels: they are the numbers of the function's columns" in found.notes


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            lambda shown: left(shown)[:1],
            r"gives \[1, 2\] for \d+ pictures, expected \[\d+, 2\]: one row a picture",
        ),
        (lambda shown: left(shown)[:, :1], r"gives \[\d+, 1\] for \d+ pictures, expected \[\d+, 2\]"),
        (lambda shown: left(shown)[:, 0], r"gives \[\d+\] for \d+ pictures, expected"),
        (
            lambda shown: 3 * left(shown) + 1,
            r"gives 'yes' \d\S* for a perturbed picture, which is no probability",
        ),
        (lambda shown: left(shown) * np.nan, "gives 'yes' nan for a perturbed picture, which is no number"),
        (lambda shown: left(shown) + 0j, "gives a ndarray that is no array of real numbers, expected probabilities"),
        (lambda shown: [["a", "b"]] * len(shown), r"gives a list that is no array of real numbers \(could not convert"),
        (lambda shown: [[1], [1, 0]], r"gives a list that is no array of real numbers \(setting an array element"),
        (lambda shown: None, "gives a NoneType that is no array of real numbers"),
    ],
)
def test_what_a_function_gives_is_checked(function, words) -> None:  # type: ignore[no-untyped-def]
    """Rows, columns and probabilities, each in one sentence that says what was given."""
    with pytest.raises(ValueError, match=words):
        explain(np.full((32, 32, 3), 200, np.uint8), function, recipe=FEW, labels=LABELS, size=32)


def test_labels_that_stand_there_twice_are_told_apart() -> None:
    """As a model file's are: no answer is of two columns at once, and it is said which is which."""
    found = explain(np.zeros((32, 32, 3), np.uint8), left, recipe=FEW, labels=["pole", "pole"], size=32)
    assert found.attribution.probabilities == pytest.approx({"pole (0)": 0, "pole (1)": 1})
    assert any("pole (0), pole (1)" in note for note in found.notes)


@pytest.mark.parametrize("held", [np.array(LABELS), iter(LABELS), {"yes": 0, "no": 1}])
def test_labels_are_held_in_anything(held: Iterable[str]) -> None:
    """An array of numpy, a generator, a dictionary's keys."""
    found = explain(np.zeros((32, 32, 3), np.uint8), left, recipe=FEW, labels=held, size=32)  # type: ignore[arg-type]
    assert tuple(found.attribution.probabilities) == LABELS


@pytest.mark.parametrize("labels", ["ab", [0, 1], ["yes", None]])
def test_what_are_no_labels_is_refused(labels) -> None:  # type: ignore[no-untyped-def]
    """A text is no list of its letters, and a number no text."""
    with pytest.raises(ValueError, match=r"labels is .*, expected a list of texts, one for each output of the model"):
        explain(np.zeros((32, 32, 3), np.uint8), left, recipe=FEW, labels=labels, size=32)


def test_a_function_without_columns_is_refused() -> None:
    """There is nothing to explain of no label."""
    with pytest.raises(ValueError, match=r"gives \[1, 0\] for 1 pictures, expected \[1, c\]"):
        explain(np.zeros((32, 32, 3), np.uint8), lambda shown: np.zeros((len(shown), 0)), recipe=FEW, size=32)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, r"size is missing: a function is shown pictures of one size; give size=224"),
        ({"size": 32, "profile": {"mean": 127}}, "profile: mean is for model files; a function is shown uint8 RGB"),
        ({"size": 32, "output": "scores"}, "output and input_name are for model files"),
        ({"size": 2}, "profile: size is 2, expected 8..4096 pixels"),
    ],
)
def test_what_is_said_of_a_function(options, words) -> None:  # type: ignore[no-untyped-def]
    """It needs a size, and does the rest itself."""
    with pytest.raises(ValueError, match=words):
        explain(np.zeros((32, 32, 3), np.uint8), left, recipe=FEW, labels=LABELS, **options)


def test_what_is_no_model_is_refused() -> None:
    """Neither a file nor a name nor a function."""
    with pytest.raises(ValueError, match="model is 3, expected a file, a registered name, a model or a function"):
        explain(np.zeros((32, 32, 3), np.uint8), 3, recipe=FEW)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"there is no model file 'none.onnx'"):
        explain(np.zeros((32, 32, 3), np.uint8), "none.onnx", recipe=FEW)


def test_a_function_s_own_error_is_its_own() -> None:
    """Nobody knows better what went wrong."""

    def broken(shown: np.ndarray) -> np.ndarray:
        raise RuntimeError(f"no weights for {shown.shape[1]} pixels")

    with pytest.raises(RuntimeError, match="no weights for 32 pixels"):
        explain(np.zeros((32, 32, 3), np.uint8), broken, recipe=FEW, labels=LABELS, size=32)
