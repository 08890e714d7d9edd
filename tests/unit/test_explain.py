import numpy as np
import pytest

from pipeline.conversation.probe import Evidence, Listed, Probe
from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.recipe import Recipe
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid


def scene(n=9, size=24):
    canvas, fill = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    return Scene(canvas, grid(canvas, n), fill)


class Recording:
    """A model that keeps what it was shown, and answers with the mean brightness of the picture."""

    def __init__(self):
        self.masks = []

    def __call__(self, shown, masks):
        self.masks.append(masks)
        bright = compose(shown, masks).mean(axis=(1, 2, 3)) / 255
        return np.stack([bright, 1 - bright], axis=1).astype(np.float32)


def test_the_model_is_shown_the_whole_the_bare_fill_and_every_seed_s_masks():
    """A recording model sees, in this order and nothing else: all on, all off, the design's rows seed by seed."""
    recipe, model, shown = Recipe("x", seeds=(3, 1), samples=16, design="paired", judge=False), Recording(), scene()
    lime = explainer(recipe, ("light", "dark"))
    attribution = explain(shown, lime, model)
    (masks,) = model.masks
    assert masks[0].all()
    assert not masks[1].any()
    assert np.array_equal(masks, lime.open(shown).masks())
    assert attribution.evaluations == len(masks) == 2 + 2 * 16


def test_the_masked_batch_is_what_a_loop_over_superpixels_paints():
    """Each picture the model judges is the canvas with exactly the off superpixels painted over, one by one."""
    model, shown = Recording(), scene()
    explain(shown, explainer(Recipe("x", seeds=(1,), samples=8, judge=False), ("light", "dark")), model)
    (masks,) = model.masks
    for mask, picture in zip(masks, compose(shown, masks), strict=True):
        expected = shown.canvas.copy()
        for superpixel in np.flatnonzero(~mask):
            expected[shown.segments == superpixel] = shown.fill[shown.segments == superpixel]
        assert np.array_equal(picture, expected)


@pytest.mark.parametrize("design", ["coin", "paired", "hadamard"])
def test_every_superpixel_is_switched_under_every_seed(design):
    """The first and the last superpixel too are seen on and off, by every seed: none is explained unseen."""
    model, shown = Recording(), scene(49)
    explain(shown, explainer(Recipe("x", design=design), ("light", "dark")), model)
    for replicate in np.split(model.masks[0][2:], 9):
        assert replicate.any(axis=0).all()
        assert not replicate.all(axis=0).any()


def test_probabilities_are_those_of_the_whole_and_of_the_bare_fill():
    """The attribution says what the model thinks of the photograph, and of the fill alone, label by label."""
    model, shown = Recording(), scene()
    attribution = explain(shown, explainer(Recipe("x", seeds=(1,)), ("light", "dark")), model)
    light, bare = shown.canvas.mean() / 255, shown.fill.mean() / 255
    assert attribution.probabilities == pytest.approx({"light": light, "dark": 1 - light}, abs=1e-6)
    assert attribution.fill_probabilities == pytest.approx({"light": bare, "dark": 1 - bare}, abs=1e-6)


def test_an_explainer_may_ask_again():
    """The loop shows one probe after another, each with all the evidence before it, until the explainer answers."""

    class Bisecting:
        """Asks with one superpixel less each time, until the first label's score falls below half of the start."""

        def open(self, shown):
            return Probe(shown.k, (Listed.of(np.ones((1, shown.k), bool)),))

        def proceed(self, shown, evidence):
            if evidence[-1].scores[0, 0] < 0.5:
                return tuple(evidence)
            off = np.arange(shown.k) >= len(evidence)
            return Probe(shown.k, (Listed.of(off[None]),))

    def predict(_, masks):
        return masks.mean(axis=1, keepdims=True).astype(np.float32)

    evidence = explain(scene(), Bisecting(), predict)
    assert [round(float(each.scores[0, 0]) * 9) for each in evidence] == [9, 8, 7, 6, 5, 4]
    assert all(isinstance(each, Evidence) for each in evidence)


def test_a_model_that_answers_too_few_rows_is_refused():
    """Scores that do not belong to the masks row by row are refused, not fitted."""
    with pytest.raises(ValueError, match="rows of scores for a probe of"):
        explain(scene(), explainer(Recipe("x"), ("a",)), lambda _, masks: np.zeros((len(masks) - 1, 1), np.float32))
