import warnings

import numpy as np
import pytest
import skimage.data
from PIL import Image

from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.model.profile import Profile
from pipeline.recipes import RECIPES
from pipeline.scene.scene import compose
from pipeline.staging import stage


def classifier(pictures):
    """Three probabilities of uint8 pictures [n, h, w, 3]: softmax of products and thresholds of colour and position."""
    values = np.asarray(pictures, dtype=float) / 255
    h, w = values.shape[1] // 2, values.shape[2] // 2
    warm = values[:, :, :, 0] - values[:, :, :, 2]
    edges = np.abs(np.diff(values, axis=1)).mean(axis=(1, 2, 3))
    logits = np.stack(
        [
            12 * warm[:, :h].mean(axis=(1, 2)) * values[:, h:].mean(axis=(1, 2, 3)),
            np.tanh(40 * edges) + (values[:, :, :w, 1] > 0.45).mean(axis=(1, 2)),
            3 * values[:, :, w:].std(axis=(1, 2, 3)) + 0.4,
        ],
        axis=1,
    )
    powers = np.exp(3 * logits)
    return powers / powers.sum(axis=1, keepdims=True)


def asked_of_lime(canvas, seed, top_labels=3):
    """The lime package's own explanation of so many labels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lime's own, and tqdm's about notebooks
        from lime.lime_image import LimeImageExplainer  # noqa: PLC0415 -- its import warns

        return LimeImageExplainer(random_state=seed).explain_instance(canvas, classifier, top_labels=top_labels)


@pytest.mark.parametrize(
    ("picture", "size", "seed"),
    [("chelsea", 64, 1), ("coffee", 64, 42), ("astronaut", 96, 7), ("rocket", 112, 2**32 - 1)],
)
def test_parity_with_the_lime_package_from_end_to_end(picture, size, seed):
    """Same canvas, model and seed: lime's segments, and for every label its coefficients, intercept and score."""
    canvas = np.asarray(Image.fromarray(getattr(skimage.data, picture)()).resize((size, size)))
    theirs = asked_of_lime(canvas, seed)
    recipe = RECIPES["lime"].override({"seeds": [seed], "labels": "all"})
    scene = stage(canvas, Profile(size), recipe)
    ours = explain(scene, explainer(recipe, "abc"), lambda shown, masks: classifier(compose(shown, masks)))
    assert np.array_equal(scene.segments, theirs.segments)
    assert scene.k > 3
    assert [found.label for found in ours.labels] == ["abc"[label] for label in theirs.top_labels]
    for found, label in zip(ours.labels, theirs.top_labels, strict=True):
        weights = np.array([weight for _, weight in sorted(theirs.local_exp[label])])
        assert np.ptp(weights) > 1e-3
        assert np.abs(found.weights - weights).max() < 1e-6
        assert found.fit.intercept == pytest.approx(theirs.intercept[label], abs=1e-6)
    assert ours.labels[0].fit.r2 == pytest.approx(theirs.score, abs=1e-6)  # lime keeps the top label's only


@pytest.mark.parametrize("seed", [3, 4])
def test_parity_with_the_lime_package_on_the_top_label(seed):
    """Left to choose, both explain the most probable label, with the same score and order of superpixels."""
    canvas = np.asarray(Image.fromarray(skimage.data.astronaut()).resize((64, 64)))
    theirs = asked_of_lime(canvas, seed, top_labels=1)
    recipe = RECIPES["lime"].override({"seeds": [seed]})
    scene = stage(canvas, Profile(64), recipe)
    (ours,) = explain(scene, explainer(recipe, "abc"), lambda s, masks: classifier(compose(s, masks))).labels
    (label,) = theirs.top_labels
    assert ours.label == "abc"[label]
    assert np.argsort(-np.abs(ours.weights)).tolist() == [superpixel for superpixel, _ in theirs.local_exp[label]]
    assert ours.fit.r2 == pytest.approx(theirs.score, abs=1e-6)
