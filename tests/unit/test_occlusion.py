"""Occlusion: what one part alone hides or shows, against enumeration and against pictures painted by hand."""

import itertools
import math

import numpy as np
import pytest

from pipeline.answer.attribution import Claim
from pipeline.explain import explain
from pipeline.methods import METHODS, check, explainer
from pipeline.methods.occlusion import Options, windows
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid
from tests.planted import LABELS, planted, striped

ALONE = recipe("occlusion").override({"judge": False, "labels": ["yes"]})


def explained(score, k, made=ALONE):
    """What occlusion finds for the first label of a planted model."""
    attribution = explain(striped(k), explainer(made, LABELS), planted(score))
    return attribution.labels[0], attribution


@pytest.mark.parametrize("k", [1, 2, 30, 49])
def test_an_additive_model_gives_its_weights_back(k):
    """To the last digit of float32 scores, in 2k + 2 evaluations, fewer where masks repeat; and they add up."""
    weights = np.random.default_rng(k).normal(size=k) * 0.3 / k**0.5
    found, attribution = explained(lambda masks: 0.4 + masks @ weights, k)
    np.testing.assert_allclose(found.weights, weights, atol=1e-6)
    assert attribution.evaluations == {1: 2, 2: 4}.get(k, 2 * k + 2)
    [claim] = found.claims
    assert (claim.figure, claim.value) == ("completeness", pytest.approx(1, abs=1e-4))


def test_of_pairs_that_act_together_each_has_its_shapley_value():
    """Where no more than two superpixels act together, as in an AND, the weights are Shapley's by enumeration."""
    generator = np.random.default_rng(3)
    alone, together = generator.normal(size=6) * 0.05, generator.normal(size=(6, 6)) * 0.02

    def score(masks):
        on = masks.astype(float)
        return 0.4 + on @ alone + np.einsum("ni,ij,nj->n", on, together, on)

    np.testing.assert_allclose(explained(score, 6)[0].weights, shapley(score, 6), atol=1e-6)
    both = explained(lambda masks: 0.9 * masks[:, [1, 4]].all(axis=1), 6)[0]
    np.testing.assert_allclose(both.weights, [0, 0.45, 0, 0, 0.45, 0], atol=1e-6)


def shapley(score, k):
    """The mean over all orders of what each superpixel adds when it is shown."""
    total = np.zeros(k)
    for order in itertools.permutations(range(k)):
        masks = np.tri(k + 1, k, -1, dtype=bool)[:, np.argsort(order)]
        total[list(order)] += np.diff(score(masks))
    return total / math.factorial(k)


@pytest.mark.parametrize(("together", "enough"), [(1, True), (2, True), (3, True), (4, False), (8, False)])
def test_parts_that_work_together_are_said_not_to_add_up(together, enough):
    """An AND of many falls by all of it with each of them: the claim sees that, and the explanation is doubtful."""
    made = recipe("occlusion").override({"labels": ["yes"]})
    found, _ = explained(lambda masks: 0.1 + 0.8 * masks[:, :together].all(axis=1), 30, made)
    [claim] = found.claims
    expected = 1 - abs(together / 2 - 1) * (together > 1)
    told = "Parts that are hidden one at a time do not add up to the answer: they work together."
    assert claim == Claim("completeness", pytest.approx(expected), 0.5, told)
    assert (claim.value >= claim.least - 1e-6) == enough
    reason = found.judgement.soundness.reason
    assert (reason, found.judgement.soundness.figure) == ("unfaithful", "completeness") or enough


def test_there_is_no_error_where_nothing_is_drawn():
    """Errors, fit and stability are absent; of a constant model all weights are zero and the claim is unknown."""
    found, _ = explained(lambda masks: np.full(len(masks), 0.3), 9)
    assert (found.errors, found.fit, found.stability) == (None, None, None)
    assert not found.weights.any()
    assert math.isnan(found.claims[0].value)


SHAPES = [(7, 3), (8, 4), (5, 5), (6, 1), (31, 20), (1, 1)]


@pytest.mark.parametrize(("window", "stride"), SHAPES)
def test_a_window_slides_as_by_hand(window, stride):
    """Each pixel's heat is the mean fall over the windows that cover it, painted pixel by pixel."""
    generator = np.random.default_rng(1)
    canvas, fill = generator.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    scene, weights = Scene(canvas, grid(canvas, 16), fill), generator.random((32, 32, 3))

    def score(picture):
        return float(np.tanh((picture * weights).sum() / weights.sum() / 128))

    def predict(shown, masks):
        yes = np.array([score(picture) for picture in compose(shown, masks)], dtype=np.float32)
        return np.stack([yes, 1 - yes], axis=1)

    made = ALONE.override({"options.window": window, "options.stride": stride})
    attribution = explain(scene, explainer(made, LABELS), predict)
    fall, times = np.zeros((2, 32, 32))
    starts = [stride * i for i in range(32) if i == 0 or stride * (i - 1) + window < 32]
    for place in itertools.product(starts, starts):
        at = tuple(slice(start, start + window) for start in place)
        picture = canvas.copy()
        picture[at] = fill[at]
        fall[at] += score(canvas) - score(picture)
        times[at] += 1
    assert times.min() >= 1
    [found] = attribution.labels
    np.testing.assert_allclose(found.heat, fall / times, atol=1e-6)
    assert found.weights == pytest.approx([found.heat[scene.segments == i].sum(dtype=float) for i in range(16)])
    assert found.heat.dtype == np.float32
    assert attribution.evaluations == len(starts) ** 2 + 2
    assert found.claims == ()


@pytest.mark.parametrize("size", [(224, 224), (100, 37)])
@pytest.mark.parametrize(("window", "stride"), [(32, 16), (15, 15), (48, 36), (300, 150)])
def test_every_pixel_is_hidden_by_some_window(size, window, stride):
    """However window, stride and canvas fit together."""
    assert windows(size, Options(window, stride)).any(axis=0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "window is 0, expected a whole number of pixels"),
        ({"window": 2.5}, "window is 2.5"),
        ({"window": True}, "window is True"),
        ({"stride": 8}, "stride is 8, expected at most the window"),
        ({"window": 8, "stride": 9}, "stride is 9, expected at most the window"),
        ({"n": 8}, "method occlusion has no option 'n'; there are window, stride"),
    ],
)
def test_a_window_that_cannot_be_is_refused(options, message):
    """By its option, before the model is asked."""
    with pytest.raises(ValueError, match=message):
        check(ALONE.override({"options": options}), LABELS)


def test_a_window_of_too_many_squares_is_refused():
    """Of 3 pixels a 224x224 canvas has 5,625: the sentence says what to do."""
    canvas = np.zeros((224, 224, 3), dtype=np.uint8)
    scene = Scene(canvas, grid(canvas, 16), canvas)
    with pytest.raises(ValueError, match="squares of 3 pixels cut the canvas into 5,625, at most 1,024 go"):
        explainer(ALONE.override({"options.window": 3, "options.stride": 3}), LABELS).open(scene)


@pytest.mark.parametrize(("window", "refused"), [(31, False), (32, True), (4096, True)])
def test_a_window_that_hides_all_at_once_is_refused(window, refused):
    """Every pixel would weigh alike, and a superpixel as much as it is large, which says nothing of the model."""
    canvas = np.zeros((16, 32, 3), np.uint8)
    scene = Scene(canvas, grid(canvas, n_segments=8), canvas)
    asked = explainer(ALONE.override({"options.window": window}), LABELS)
    if not refused:
        assert asked.open(scene).n == 2 + 2  # from side to side; it is higher than the canvas
        return
    with pytest.raises(ValueError, match=f"window is {window}, and hides all of the canvas of 32x16 pixels at once"):
        asked.open(scene)


@pytest.mark.parametrize("options", [{}, {"window": 8}])
def test_it_is_thorough_and_denoised_as_any_method(options):
    """The same again under other superpixels, fill and noise, and without what speaks against the label."""
    canvas = np.random.default_rng(2).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    scene, slope = Scene(canvas, grid(canvas, 16), np.full_like(canvas, 128)), np.linspace(-1, 1, 32)[:, None, None]

    def predict(shown, masks):
        yes = 0.5 + (compose(shown, masks) * slope).mean(axis=(1, 2, 3)) / 255
        return np.stack([yes, 1 - yes], axis=1).astype(np.float32)

    made = ALONE.override({"judge": True, "thorough": True, "denoise": 1.0, "options": options})
    [found] = explain(scene, explainer(made, LABELS), predict).labels
    assert set(found.judgement.sensitivity) == {"segmenter:quickshift", "segmenter:grid", "fill:blur", "noise:2"}
    assert found.judgement.sensitivity["noise:2"].spearman > 0.9
    against = found.weights < 0
    assert set(found.denoised.removed) == set(np.flatnonzero(against))
    kept = found.denoised.weights[~against]
    assert (kept > 0).all()
    if not options:  # windows at the border of what is gone hide less than they did
        np.testing.assert_allclose(kept, found.weights[~against], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "rows"),
    [({}, 2 * 30), ({"window": 32}, 13**2), ({"window": 32, "stride": 20}, 11**2), ({"window": 300}, 1)],
)
def test_it_is_planned_as_two_rows_a_superpixel_or_one_a_place_of_the_window(options, rows):
    """On a canvas of 224 pixels, beside the whole photograph and the bare fill."""
    made = ALONE.override({"options": options, "segmenter": {"name": "grid", "n_segments": 30}})
    assert METHODS["occlusion"].planned(made) == 2 + rows
