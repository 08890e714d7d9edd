"""Judged explanations: planted models decide whether each verdict is given when, and only when, it is due."""

import math

import numpy as np
import pytest

from demo.__main__ import PHOTOGRAPHS, SEED
from demo.photographs import archive
from pipeline.answer.judgement import Judgement, Thresholds
from pipeline.explain import explain
from pipeline.judge.faithfulness import area, deletion, heaviest_first, insertion, steps
from pipeline.judge.grounding import background_reliance, ground, mask_share, shares_inside
from pipeline.methods import explainer
from pipeline.model.profile import Profile
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import grid
from pipeline.staging import stage

RECIPE = recipe("default").override({"seeds": [1, 11, 21]})
SHOTS = list(archive(PHOTOGRAPHS, SEED, shortcut=False))  # the demo's own


def scene(k=16, size=32, mask=None):
    """A picture bright in every superpixel, with a black fill."""
    canvas = np.full((size, size, 3), 200, dtype=np.uint8)
    return Scene(canvas, grid(canvas, k), np.zeros_like(canvas), mask)


def judged(shown, predict, made=RECIPE):
    """The judgement of the first label of ("yes", "no") under a model of pictures."""

    def both(shot, masks):
        yes = np.array([predict(picture) for picture in compose(shot, masks)], dtype=np.float32)
        return np.stack([yes, 1 - yes], axis=1)

    attribution = explain(shown, explainer(made.override({"labels": ["yes"]}), ("yes", "no")), both)
    return attribution.labels[0], attribution


def test_an_additive_model_is_trusted():
    """What superpixels add up to is explained wholly: held-out R2 is 0.99 or more, and the curves beat chance."""
    weights = np.random.default_rng(0).random((32, 32))
    label, _ = judged(scene(), lambda picture: float((picture[..., 0] / 255 * weights).sum() / weights.sum()))
    assert label.judgement.verdict.word == "trusted"
    assert label.fidelity.r2_held_out >= 0.99
    assert label.judgement.gap == pytest.approx(200 / 255, abs=1e-6)


def test_a_constant_model_is_unexplained():
    """Where nothing changes the score there is nothing to explain, and it is said."""
    label, _ = judged(scene(), lambda picture: 0.7)
    assert label.judgement.verdict.word == "unexplained"
    assert label.judgement.gap == 0


@pytest.mark.parametrize("parity", [False, True], ids=["and", "xor"])
def test_an_interaction_of_three_shows_its_low_fit(parity):
    """A 3-way AND or XOR is no sum of superpixels: the held-out fit is low, and the verdict is not trusted."""
    spots = [(4, 4), (4, 28), (28, 4)]

    def predict(picture):
        lit = [picture[spot][0] > 100 for spot in spots]
        return float(sum(lit) % 2 if parity else all(lit))

    label, _ = judged(scene(), predict)
    assert label.fidelity.r2_held_out < 0.5
    assert label.judgement.verdict.word in ("unfaithful", "unstable")


@pytest.mark.parametrize("region", ["object", "background"])
def test_what_a_model_sees_alone_is_what_it_is_said_to_rely_on(region):
    """On the demo's photographs a model of the object alone is never called one of the background; one of all that is
    outside the exact mask is, on 95 % of them or more."""
    words, reliances = [], []
    for shot in SHOTS:
        profile = Profile(64)
        shown = stage(shot.image, profile, RECIPE, shot.mask)
        seen = shown.mask if region == "object" else ~shown.mask
        target = shown.canvas.astype(float)

        def predict(picture, seen=seen, target=target):
            return math.exp(-np.abs(picture[seen] - target[seen]).mean() / 20)

        label, _ = judged(shown, predict)
        words.append(label.judgement.verdict.word)
        reliances.append(label.judgement.grounding.background_reliance)
    if region == "object":
        assert "background" not in words
        assert max(reliances) < 0.5
    else:
        assert words.count("background") >= 0.95 * len(words)


def test_judging_costs_at_most_15_percent():
    """The default recipe's test spends at most 0.15 of the explanation's own evaluations, mask and all."""
    mask = np.zeros((64, 64), dtype=bool)
    mask[:20, :20] = True
    shown = scene(49, 64, mask)
    _, attribution = judged(shown, lambda picture: float(picture[:10].mean() / 255), recipe("default"))
    own = 2 + 9 * 128
    assert own < attribution.evaluations <= 1.15 * own


def test_without_a_mask_nothing_is_said_of_the_background():
    """Grounding is unknown, not good, where nobody said where the object is."""
    label, _ = judged(scene(), lambda picture: float(picture.mean() / 255))
    assert all(math.isnan(value) for value in vars_of(label.judgement.grounding))


@pytest.mark.parametrize(("marked", "words"), [(False, "Nothing of what the model"), (True, "All that the model")])
def test_a_mask_that_does_not_divide_the_canvas_is_said(marked, words):
    """It is empty, full, or outside of what the model is shown: its area tells, and all else is unknown."""
    label, _ = judged(scene(mask=np.full((32, 32), marked)), lambda picture: float(picture.mean() / 255))
    area, *others = vars_of(label.judgement.grounding)
    assert area == float(marked)
    assert all(math.isnan(value) for value in others)
    assert label.judgement.warning.startswith(words)
    assert label.judgement.verdict.word != "background"


def vars_of(value):
    """The values of a slotted dataclass."""
    return [getattr(value, name) for name in value.__dataclass_fields__]


def test_a_deletion_curve_takes_the_heaviest_first():
    """Row i lacks the first superpixels of the order; the insertion curve is its mirror."""
    order = np.array([2, 0, 1, 3])
    rows = deletion(order)
    assert [sorted(np.flatnonzero(~row).tolist()) for row in rows] == [[], [2], [0, 2], [0, 1, 2], [0, 1, 2, 3]]
    assert np.array_equal(insertion(order), ~rows)


@pytest.mark.parametrize("k", [1, 7, 32, 50])
def test_areas_are_those_of_taking_superpixels_away_one_by_one(k):
    """By hand: sets of superpixels, a score that is no sum of them, and rectangles and triangles added up."""
    generator = np.random.default_rng(k)
    weights, worth = generator.normal(size=k), generator.random(k)

    def score(left):
        return math.tanh(sum(worth[one] for one in left)) * (0.5 if 0 in left else 1)

    order = sorted(range(k), key=lambda one: -weights[one])
    taken = [round(step * k / min(k, 32)) for step in range(min(k, 32) + 1)]
    for masks, shown in ((deletion, lambda n: order[n:]), (insertion, lambda n: order[:n])):
        heights = [score(set(shown(n))) for n in taken]
        steps_by_hand = zip(taken, taken[1:], heights, heights[1:], strict=False)
        by_hand = sum((right - left) / k * (low + high) / 2 for left, right, low, high in steps_by_hand)
        curve = np.array([score(set(np.flatnonzero(row).tolist())) for row in masks(heaviest_first(weights))])
        assert area(curve, k) == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("k", [1, 5, 32, 33, 50, 200])
def test_a_curve_has_at_most_32_steps_and_both_ends(k):
    """From none to all, never more than one point for a superpixel."""
    taken = steps(k)
    assert (taken[0], taken[-1], len(taken)) == (0, k, min(k, 32) + 1)
    assert (np.diff(taken) >= 1).all()


def test_the_area_of_a_line_is_its_mean():
    """Trapezoids over the share removed: exact for a line, whatever the steps."""
    assert area(1 - steps(50) / 50, 50) == pytest.approx(0.5)


def test_the_mask_share_is_counted_by_pixels():
    """Half a superpixel inside counts half its weight; negative weights do not count."""
    shown = scene(4, 8)
    mask = np.zeros((8, 8), dtype=bool)
    mask[:4, :2] = True  # the left half of the first superpixel
    inside = shares_inside(shown, mask)
    assert inside.tolist() == [0.5, 0, 0, 0]
    assert mask_share(np.array([2.0, 2.0, -9.0, 0.0]), inside) == 0.25
    assert math.isnan(mask_share(np.zeros(4), inside))


def test_lift_is_the_share_of_the_weight_over_the_share_of_the_area():
    """All weight on a quarter of the canvas lifts it fourfold, an even spread not at all; no weight, no lift."""
    mask = np.zeros((32, 32), dtype=bool)
    mask[:16, :16] = True
    shown, kept = scene(4, mask=mask), np.zeros((2, 3))
    lifts = [ground(shown, np.array(weights), kept).lift for weights in ([2.0, 0, -1, 0], [1.0] * 4, [0.0] * 4)]
    assert lifts[:2] == [4, 1]
    assert math.isnan(lifts[2])


def test_background_reliance_is_between_nothing_and_all():
    """0 where the object alone brings the score, 1 where the background alone does, unknown where neither does."""
    one = np.array
    assert background_reliance(one([0.5]), one([-0.1])) == 0
    assert background_reliance(one([-0.1]), one([0.5])) == 1
    assert background_reliance(one([0.3]), one([0.3])) == 0.5
    assert background_reliance(one([0.1, 0.3]), one([0.9, 0.1])) == 0.25
    assert math.isnan(background_reliance(one([-0.1]), one([0.0])))


def test_a_fill_that_the_model_is_sure_of_is_a_warning_and_no_verdict():
    """The label and the thresholds are kept with the verdict, which stays as it is; a sentence says what it means."""
    weights = np.random.default_rng(0).random((32, 32))
    label, attribution = judged(scene(), lambda picture: float((picture[..., 0] / 255 * weights).sum() / weights.sum()))
    assert attribution.fill_probabilities["no"] == 1
    assert label.judgement.confident_fill == "no"
    assert label.judgement.verdict.word == "trusted"
    assert "sure of the bare fill as no" in label.judgement.warning
    assert Judgement.from_json(label.to_json()["judgement"]) == label.judgement


def test_other_thresholds_give_other_verdicts():
    """And are kept, so that a verdict can be traced to them."""
    shown, limits = scene(), Thresholds(gap=0.95, fill=1.0)
    made = RECIPE.override({"labels": ["yes"]})

    def both(shot, masks):
        yes = np.array([(picture[..., 0] > 100).mean() * 0.9 for picture in compose(shot, masks)], dtype=np.float32)
        return np.stack([yes, 1 - yes], axis=1)

    [label] = explain(shown, explainer(made, ("yes", "no"), limits), both).labels
    assert (label.judgement.verdict.word, label.judgement.thresholds) == ("unexplained", limits)
    assert label.judgement.warning is None
