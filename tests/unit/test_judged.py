"""Judged explanations: planted models decide whether each answer is given when, and only when, it is due."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from demo.__main__ import PHOTOGRAPHS, SEED
from demo.photographs import archive
from pipeline.answer.attribution import Attribution, Claim, LabelAttribution, Stability
from pipeline.answer.judgement import Curves, Grounding, Judgement, Neighbourhood, Thresholds
from pipeline.answer.rule import EMPTY, Rule
from pipeline.conversation.probe import Evidence, Listed, Probe
from pipeline.explain import explain
from pipeline.judge.faithfulness import (
    BLURRED,
    ORDERS,
    PLANNED,
    ROUNDING,
    STEPS,
    Removal,
    Subsets,
    area,
    at_random,
    compared,
    deletion,
    heaviest_first,
    insertion,
    steps,
    subsets,
)
from pipeline.judge.grounding import (
    FILLS,
    KEPT,
    LEAST,
    Grounded,
    background_reliance,
    ground,
    mask_share,
    shares_inside,
)
from pipeline.judge.judged import Judged
from pipeline.methods import explainer, planned_evaluations
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


def additive(picture):
    """A model that adds up pixels, each worth something of its own."""
    weights = np.random.default_rng(0).random((32, 32))
    return float((picture[..., 0] / 255 * weights).sum() / weights.sum())


def test_an_additive_model_is_sound():
    """What superpixels add up to is explained wholly: held-out R2 is 0.99 or more, no random order is better, and each
    superpixel alone falls by its weight."""
    label, _ = judged(scene(), additive)
    assert (label.judgement.soundness.word, label.judgement.soundness.reason) == ("sound", None)
    assert label.fit.r2_held_out >= 0.99
    assert label.judgement.gap == pytest.approx(200 / 255, abs=1e-6)
    assert (label.judgement.curves.orders, label.judgement.curves.better) == (ORDERS, 0)
    assert label.judgement.neighbourhood.agreement == pytest.approx(1)
    assert label.judgement.neighbourhood.median_drop == pytest.approx(1 / 16, rel=0.1)


def test_of_a_constant_model_there_is_nothing_to_explain():
    """Where nothing changes the score, it is said, and nothing is known of what it rests on."""
    mask = np.zeros((32, 32), dtype=bool)
    mask[:16] = True
    label, _ = judged(scene(mask=mask), lambda picture: 0.7)
    assert (label.judgement.soundness.word, label.judgement.basis.word) == ("nothing to explain", "unknown")
    assert label.judgement.gap == 0


@pytest.mark.parametrize("parity", [False, True], ids=["and", "xor"])
def test_an_interaction_of_three_shows_its_low_fit(parity):
    """A 3-way AND or XOR is no sum of superpixels: the held-out fit is low, and the explanation is doubtful."""
    spots = [(4, 4), (4, 28), (28, 4)]

    def predict(picture):
        lit = [picture[spot][0] > 100 for spot in spots]
        return float(sum(lit) % 2 if parity else all(lit))

    label, _ = judged(scene(), predict)
    assert label.fit.r2_held_out < 0.5
    assert label.judgement.soundness.word == "doubtful"
    assert label.judgement.soundness.reason in ("unfaithful", "unstable")


@pytest.mark.parametrize("region", ["object", "background"])
def test_what_a_model_sees_alone_is_what_it_is_said_to_rely_on(region):
    """On the demo's photographs a model of the object alone rests on the object, and one of all that is outside the
    exact mask on the background, on every one of them: no pixel that counts is another player's."""
    words, reliances = set(), []
    for shot in SHOTS:
        profile = Profile(64)
        shown = stage(shot.image, profile, RECIPE, shot.mask)
        seen = shown.mask if region == "object" else ~shown.mask
        target = shown.canvas.astype(float)

        def predict(picture, seen=seen, target=target):
            return math.exp(-np.abs(picture[seen] - target[seen]).mean() / 20)

        label, _ = judged(shown, predict)
        words.add(label.judgement.basis.word)
        reliances.append(label.judgement.grounding.background_reliance)
    assert words == {region}
    assert reliances == pytest.approx([float(region == "background")] * len(SHOTS), abs=1e-6)


def test_the_default_costs_at_most_15_percent_more_than_it_did():
    """For 49 superpixels and a mask 1292 evaluations when it was judged by one random order in 32 steps."""
    mask = np.zeros((64, 64), dtype=bool)
    mask[:20, :20] = True
    _, attribution = judged(scene(49, 64, mask), lambda picture: float(picture[:10].mean() / 255), recipe("default"))
    assert attribution.evaluations <= planned_evaluations(recipe("default")) <= 1.15 * 1292
    assert attribution.evaluations == pytest.approx(planned_evaluations(recipe("default")), rel=0.01)


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
    told = " ".join((*label.judgement.sentences, label.judgement.warning))
    assert told.count(words) == 1
    assert label.judgement.basis.word == "unknown"


def vars_of(value):
    """The values of a slotted dataclass."""
    return [getattr(value, name) for name in value.__dataclass_fields__]


def test_a_deletion_curve_takes_the_heaviest_first():
    """Row i lacks the first superpixels of the order; the insertion curve is its mirror."""
    order = np.array([2, 0, 1, 3])
    rows = deletion(order)
    assert [sorted(np.flatnonzero(~row).tolist()) for row in rows] == [[], [2], [0, 2], [0, 1, 2], [0, 1, 2, 3]]
    assert np.array_equal(insertion(order), ~rows)


def test_of_equal_weights_the_first_by_number_goes_first():
    """So that the order is the same on every machine."""
    weights = np.random.default_rng(0).integers(0, 3, 200).astype(float)
    assert heaviest_first(weights).tolist() == sorted(range(200), key=lambda one: (-weights[one], one))


@pytest.mark.parametrize("k", [1, 7, 8, 9, 50])
def test_areas_are_those_of_taking_superpixels_away_one_by_one(k):
    """By hand: sets of superpixels, a score that is no sum of them, and rectangles and triangles added up."""
    generator = np.random.default_rng(k)
    weights, worth = generator.normal(size=k), generator.random(k)

    def score(left):
        return math.tanh(sum(worth[one] for one in left)) * (0.5 if 0 in left else 1)

    order = sorted(range(k), key=lambda one: -weights[one])
    taken = [round(step * k / min(k, 8)) for step in range(min(k, 8) + 1)]
    for masks, shown in ((deletion, lambda n: order[n:]), (insertion, lambda n: order[:n])):
        heights = [score(set(shown(n))) for n in taken]
        steps_by_hand = zip(taken, taken[1:], heights, heights[1:], strict=False)
        by_hand = sum((right - left) / k * (low + high) / 2 for left, right, low, high in steps_by_hand)
        curve = np.array([score(set(np.flatnonzero(row).tolist())) for row in masks(heaviest_first(weights))])
        assert area(curve, k) == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("k", [1, 5, 8, 9, 50, 200])
def test_a_curve_has_at_most_8_steps_and_both_ends(k):
    """From none to all, never more than one point for a superpixel."""
    taken = steps(k)
    assert (taken[0], taken[-1], len(taken)) == (0, k, min(k, 8) + 1)
    assert (np.diff(taken) >= 1).all()


def test_the_area_of_a_line_is_its_mean():
    """Trapezoids over the share removed: exact for a line, whatever the steps."""
    assert area(1 - steps(50) / 50, 50) == pytest.approx(0.5)


def test_random_orders_are_the_photograph_s_own():
    """The same whenever they are asked for, each of them a permutation; others for another photograph or seed."""
    shown, other = scene(), scene()
    other.canvas[0, 0] = 0
    orders = np.array(at_random(shown, 1))
    assert orders.shape == (ORDERS, 16)
    assert (np.sort(orders, axis=1) == np.arange(16)).all()
    assert len(np.unique(orders, axis=0)) == ORDERS
    assert np.array_equal(orders, at_random(scene(), 1))
    for others in (at_random(other, 1), at_random(shown, 2)):
        assert not (orders == np.array(others)).all(axis=1).any()


@pytest.mark.parametrize("k", [1, 6, 8, 49])
def test_removal_shows_nine_random_orders_and_each_label_s_own(k):
    """Deletions, then insertions from the blurred photograph, the whole and the bare at their ends."""
    shown = scene(k, 64)
    labels = tuple(LabelAttribution(name, np.arange(shown.k) * sign) for name, sign in (("yes", 1.0), ("no", -1.0)))
    blocks = Removal(("yes", "no"), 1).blocks(shown, Attribution({}, None, 0, labels))
    assert len(blocks) == 2 * (ORDERS + 2)
    assert {block.n for block in blocks} == {min(shown.k, STEPS) + 1}
    assert [block.variant for block in blocks] == [None] * (ORDERS + 2) + [BLURRED] * (ORDERS + 2)
    for removed, revealed in zip(blocks[: ORDERS + 2], blocks[ORDERS + 2 :], strict=True):
        assert np.array_equal(removed.masks(shown.k), ~revealed.masks(shown.k))
    strongest, weakest = blocks[ORDERS].masks(shown.k)[1], blocks[ORDERS + 1].masks(shown.k)[1]
    assert not strongest[-1] and not weakest[0]
    assert PLANNED == 2 * (ORDERS + 1) * (STEPS - 1) + 1  # one label: the inner points, and the bare blur


def test_each_label_s_own_curves_are_compared_with_the_same_random_ones():
    """Each label by its own column and its own order, whichever columns are explained; both kinds of curve."""
    shown, generator = scene(9), np.random.default_rng(2)
    labels = (LabelAttribution("b", np.arange(9.0)), LabelAttribution("a", -np.arange(9.0)))
    attribution = Attribution({}, None, 0, labels)
    scores = list(generator.random((2 * (ORDERS + 2), STEPS + 1, 3), dtype=np.float32))
    found = Removal(("a", "b", "c"), 1).findings(shown, attribution, scores)
    for own, column, one in ((ORDERS, 1, found[0]), (ORDERS + 1, 0, found[1])):
        deleted = [area(scores[number][:, column].astype(float), 9) for number in (*range(ORDERS), own)]
        inserted = [area(scores[ORDERS + 2 + number][:, column].astype(float), 9) for number in (*range(ORDERS), own)]
        assert one == {"curves": compared(np.array(deleted), np.array(inserted))}


def test_an_order_is_better_by_more_than_rounding():
    """Both curves together; an order that does as well is not better, and the means are over the random ones alone."""
    gains = np.array([0.3, 0.2, 0.3 + ROUNDING / 2, 0.3 + 2 * ROUNDING, 0.5, 0.3])
    found = compared(0.4 - gains / 2, 0.4 + gains / 2)
    assert (found.orders, found.better) == (5, 2)
    assert (found.deletion, found.insertion) == pytest.approx((0.25, 0.55))
    assert found.deletion_random == pytest.approx((0.4 - gains[:-1] / 2).mean())
    assert found.insertion_random == pytest.approx((0.4 + gains[:-1] / 2).mean())
    assert compared(np.zeros(2), np.array([ROUNDING, 0.0])).better == 0


def test_the_mask_share_is_counted_by_pixels():
    """Half a superpixel inside counts half its weight; negative weights do not count."""
    shown = scene(4, 8)
    mask = np.zeros((8, 8), dtype=bool)
    mask[:4, :2] = True  # the left half of the first superpixel
    inside = shares_inside(shown, mask)
    assert inside.tolist() == [0.5, 0, 0, 0]
    assert mask_share(np.array([2.0, 2.0, -9.0, 0.0]), inside) == 0.25
    assert math.isnan(mask_share(np.zeros(4), inside))


def test_chance_deals_the_positive_weights_to_the_superpixels():
    """Of four superpixels one is the object: it gets three quarters of the weight, a quarter or nothing."""
    mask = np.zeros((32, 32), dtype=bool)
    mask[:16, :16] = True
    shown, kept = scene(4, mask=mask), np.zeros((2, 3))
    found = ground(shown, np.array([1.0, 3.0, 0.0, -5.0]), kept, 0.9)
    assert (found.chance_low, found.chance_high) == (0, 0.75)
    none = ground(shown, np.array([0.0, 0.0, 0.0, -5.0]), kept, 0.9)
    assert math.isnan(none.chance_low) and math.isnan(none.chance_high)


def halved():
    """Four superpixels of a canvas, of which the first lies on the object whole and the second by half."""
    mask = np.zeros((32, 32), dtype=bool)
    mask[:16, :24] = True
    return scene(4, mask=mask)


KEPT_SCORES = np.array([[0.5, 0.25, 0.0], [0.7, 0.35, 0.0], [0.6, 0.3, 0.1]])  # under each fill


def test_what_lies_on_the_object_is_said_figure_by_figure():
    """Shares by area and by weight; the object alone as a mean of fills, the background alone without a silhouette."""
    found = ground(halved(), np.array([3.0, 1.0, 4.0, -1.0]), KEPT_SCORES, 0.9)
    assert (found.mask_area, found.mask_share, found.lift) == pytest.approx((3 / 8, 3.5 / 8, 7 / 6))
    assert (found.object_only, found.background_only) == pytest.approx((0.6, 0.3))
    assert found.background_reliance == background_reliance(KEPT_SCORES, 0.9)
    assert 0 <= found.chance_low < found.chance_high <= 1


@pytest.mark.parametrize(
    ("weights", "pointing"), [((2.0, 1, 0, 0), 1), ((1.0, 2, 0, 0), 0), ((0.0, 0, 1, 0), 0), ((0.0, 0, 0, -1), 1)]
)
def test_the_strongest_superpixel_points_at_what_more_than_half_of_it_lies_on(weights, pointing):
    """Half is not most of it."""
    assert ground(halved(), np.array(weights), KEPT_SCORES, 0.9).pointing == pointing


def test_no_weight_points_at_nothing():
    """And has no share of its own inside."""
    found = ground(halved(), np.zeros(4), KEPT_SCORES, 0.9)
    assert math.isnan(found.pointing) and math.isnan(found.mask_share)


def test_each_label_is_examined_by_its_own_column():
    """Whichever columns of the scores are explained, and in whichever order."""
    labels = (LabelAttribution("b", np.array([1.0, 2, 3, 4])), LabelAttribution("a", np.array([4.0, 3, 2, 1])))
    attribution = Attribution({"a": 0.9, "b": 0.8, "c": 0.1}, None, 0, labels)
    grounded = Grounded(("a", "b", "c"))
    assert [block.variant for block in grounded.blocks(halved(), attribution)] == list(FILLS)
    assert all(block.masks(2).tolist() == KEPT.tolist() for block in grounded.blocks(halved(), attribution))
    scores = [np.stack([one, one / 2, one / 8], axis=1) for one in KEPT_SCORES]
    found = [one["grounding"] for one in grounded.findings(halved(), attribution, scores)]
    expected = [
        ground(halved(), labels[0].weights, KEPT_SCORES / 2, 0.8),
        ground(halved(), labels[1].weights, KEPT_SCORES, 0.9),
    ]
    assert found == expected
    subsets_of = Subsets(("a", "b", "c"), 3)
    [block] = subsets_of.blocks(scene(4), attribution)
    masks = block.masks(4)
    assert np.array_equal(masks, subsets(scene(4), 3))
    falls = np.stack([masks @ label.weights for label in (*reversed(labels), labels[0])], axis=1)
    told = [one["mu_fidelity"] for one in subsets_of.findings(scene(4), attribution, [falls])]
    assert told == pytest.approx([1, 1])


def test_subsets_are_the_photograph_s_own():
    """A fifth of the superpixels, at least one; others for each seed and photograph, the same whenever asked."""
    for k, taken in ((1, 1), (4, 1), (9, 2), (25, 5)):
        assert ((~subsets(scene(k), 3)).sum(axis=1) == taken).all()
    other = scene(25)
    other.canvas[0, 0] = 0
    assert np.array_equal(subsets(scene(25), 3), subsets(scene(25), 3))
    assert not np.array_equal(subsets(scene(25), 3), subsets(scene(25), 4))
    assert not np.array_equal(subsets(scene(25), 3), subsets(other, 3))


def test_what_is_drawn_is_the_same_in_every_version():
    """For kept scores are the answers to it, and an audit is judged anew from them."""
    assert [np.flatnonzero(~row).tolist() for row in subsets(scene(9), 3)[:6]] == [
        [7, 8],
        [0, 2],
        [6, 7],
        [4, 7],
        [1, 7],
        [1, 4],
    ]
    assert at_random(scene(9), 3)[0].tolist() == [3, 2, 7, 5, 1, 0, 6, 8, 4]


@dataclass
class Answering:
    """An explainer that asks one thing and answers, and notes which purposes it was shown."""

    answer: Attribution
    shown: list = field(default_factory=list)

    def open(self, scene):
        return Probe(scene.k, (Listed.of(np.ones((1, scene.k), dtype=bool)),))

    def proceed(self, scene, evidence):
        self.shown.append([one.probe.purpose for one in evidence])
        return self.answer if len(evidence) > 1 else self.open(scene)


@dataclass
class Finding:
    """An examination of so many blocks of two masks each, which finds these things out for every label."""

    blocks_shown: int
    found: dict
    scores: list = field(default_factory=list)

    def blocks(self, scene, _):
        return [Listed.of(np.ones((2, scene.k), dtype=bool))] * self.blocks_shown

    def findings(self, scene, attribution, scores):
        self.scores.append([one[:, 0].tolist() for one in scores])
        return [self.found for _ in attribution.labels]


GOOD = {"gap": 0.8, "fill": 0.1, "neighbourhood": Neighbourhood(0.02, 0.7), "grounding": Grounding()}
CURVES = {"curves": Curves(0.1, 0.5, 0.9, 0.5, orders=9)}


def one_answer(**changes):
    """An answer of one sound label by sixteen superpixels."""
    label = LabelAttribution("yes", np.arange(16.0), claims=(Claim("rule.precision", 0.9, 0.5, "It does not hold."),))
    return Attribution({"yes": 0.9, "no": 0.1}, {"yes": 0.1, "no": 0.9}, 100, (replace(label, **changes),))


def test_the_test_comes_once_when_the_explainer_has_answered():
    """All examinations in one probe, each told its own blocks' scores; the explainer is shown nothing of it."""
    inner, first, second = Answering(one_answer()), Finding(2, GOOD), Finding(1, CURVES)
    judge = Judged(inner, (first, second))
    asked = Evidence(judge.open(scene()), np.ones((1, 2), dtype=np.float32))
    assert judge.proceed(scene(), [asked]).purpose == "explain"
    test = judge.proceed(scene(), [asked, asked])
    assert (test.purpose, test.n, test.k) == ("judge", 6, 16)
    scores = np.arange(12, dtype=np.float32).reshape(6, 2)
    judged_answer = judge.proceed(scene(), [asked, asked, Evidence(test, scores)])
    assert (first.scores, second.scores) == ([[[0, 2], [4, 6]]], [[[8, 10]]])
    assert all(set(purposes) == {"explain"} for purposes in inner.shown)
    assert judged_answer.evaluations == 106
    judgement = judged_answer.labels[0].judgement
    assert (judgement.soundness.word, judgement.soundness.figure) == ("sound", "rule.precision")
    assert judgement.basis.word == "unknown"
    assert (judgement.gap, judgement.curves, judgement.neighbourhood) == (
        0.8,
        CURVES["curves"],
        GOOD["neighbourhood"],
    )
    assert (judgement.confident_fill, judgement.thresholds) == ("no", Thresholds())


def test_the_answer_to_an_earlier_code_s_test_is_not_taken_for_this_one_s():
    """Of other blocks: it is asked anew; the same blocks with other masks in them are the same test."""
    judge = Judged(Answering(one_answer()), (Finding(2, GOOD), Finding(1, CURVES)))
    asked = Evidence(judge.open(scene()), np.ones((1, 2), dtype=np.float32))
    test = judge.proceed(scene(), [asked, asked])
    others = [
        (Listed.of(np.ones((2, 16), dtype=bool)),) * 2,
        (Listed.of(np.ones((2, 16), dtype=bool), BLURRED),) * 3,
        (Listed.of(np.ones((2, 9), dtype=bool)),) * 3,
        (Listed.of(np.ones((3, 16), dtype=bool)),) * 3,
    ]
    for blocks in others:
        earlier = Probe(16, blocks, "judge")
        answered = Evidence(earlier, np.ones((earlier.n, 2), dtype=np.float32))
        assert judge.proceed(scene(), [asked, asked, answered]) == test
    masked = Probe(16, (Listed.of(np.zeros((2, 16), dtype=bool)),) * 3, "judge")
    answered = Evidence(masked, np.ones((6, 2), dtype=np.float32))
    assert isinstance(judge.proceed(scene(), [asked, asked, answered]), Attribution)


def test_a_rule_that_asks_for_nothing_reaches_the_verdict():
    """The method's own, with the label that it is about."""
    judge = Judged(Answering(one_answer(rule=Rule((), 0.97, 0.95, 0.99, EMPTY))), (Finding(3, GOOD | CURVES),))
    asked = Evidence(judge.open(scene()), np.ones((1, 2), dtype=np.float32))
    test = judge.proceed(scene(), [asked, asked])
    answered = judge.proceed(scene(), [asked, asked, Evidence(test, np.ones((6, 2), dtype=np.float32))])
    assert answered.labels[0].judgement.soundness.figure == "rule.low"


def test_an_examination_that_forgets_a_label_is_an_error():
    """It is not judged by what was found of another."""
    answer = one_answer()
    two = replace(answer, labels=(*answer.labels, replace(answer.labels[0], label="no")))
    forgetful = Finding(1, CURVES)
    forgetful.findings = lambda *_: [CURVES]
    judge = Judged(Answering(two), (Finding(2, GOOD), forgetful))
    asked = Evidence(judge.open(scene()), np.ones((1, 2), dtype=np.float32))
    test = judge.proceed(scene(), [asked, asked])
    with pytest.raises(ValueError, match="shorter"):
        judge.proceed(scene(), [asked, asked, Evidence(test, np.ones((6, 2), dtype=np.float32))])


@pytest.mark.parametrize(
    ("found", "changes", "reason"),
    [
        ({"gap": -0.5}, {}, "fill"),
        ({"fill": 0.6}, {}, "fill"),
        ({"neighbourhood": Neighbourhood(0.02, -0.1)}, {}, "neighbourhood"),
        ({}, {"weights": np.ones(5)}, "few superpixels"),
        ({}, {"stability": Stability(9, spearman=0.1)}, "unstable"),
        ({}, {"claims": (Claim("rule.precision", 0.4, 0.5, "It does not hold."),)}, "unfaithful"),
    ],
)
def test_whatever_an_examination_or_the_method_says_reaches_the_verdict(found, changes, reason):
    """Each of the findings alone makes it doubtful, for its own reason."""
    judge = Judged(Answering(one_answer(**changes)), (Finding(2, GOOD | found), Finding(1, CURVES)))
    asked = Evidence(judge.open(scene()), np.ones((1, 2), dtype=np.float32))
    test = judge.proceed(scene(), [asked, asked])
    answered = judge.proceed(scene(), [asked, asked, Evidence(test, np.ones((6, 2), dtype=np.float32))])
    assert answered.labels[0].judgement.soundness.reason == reason


def test_lift_is_the_share_of_the_weight_over_the_share_of_the_area():
    """All weight on a quarter of the canvas lifts it fourfold, an even spread not at all; no weight, no lift."""
    mask = np.zeros((32, 32), dtype=bool)
    mask[:16, :16] = True
    shown, kept = scene(4, mask=mask), np.zeros((2, 3))
    lifts = [ground(shown, np.array(weights), kept, 0.9).lift for weights in ([2.0, 0, -1, 0], [1.0] * 4, [0.0] * 4)]
    assert lifts[:2] == [4, 1]
    assert math.isnan(lifts[2])


def mixed(model, fills):
    """Object alone, background alone and neither under each fill, [fills, 3], and the whole; a fill shows so much of
    what it hides."""
    kept = [[model(1, fill), model(fill, 1), model(fill, fill)] for fill in fills]
    return np.array(kept, dtype=float), model(1, 1)


@pytest.mark.parametrize("share", [0, 0.25, 0.4, 0.5, 0.75, 1])
@pytest.mark.parametrize("fills", [(0, 0), (0.1, -0.1), (0.2, 0.05)], ids=["neutral", "differ", "both show something"])
def test_of_a_mixture_the_background_s_share_is_its_own(share, fills):
    """Whatever the fills: where each is the mean of what it hides and something, nothing is shifted to the object."""
    kept, whole = mixed(lambda on, off: 0.05 + 0.9 * (share * off + (1 - share) * on), fills)
    assert background_reliance(kept, whole) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize(("fills", "off"), [((0, 0), 0), ((0.3, 0.3), 0), ((0.1, 0.3), 0.05)])
def test_what_needs_both_rests_on_both(fills, off):
    """A product of object and background is half the one's and half the other's: under any one fill exactly, and
    nearly where the fills show unlike much, as the last alone says what the background brings by itself."""
    kept, whole = mixed(lambda on, off: 0.05 + 0.9 * on * off, fills)
    assert background_reliance(kept, whole) == pytest.approx(0.5, abs=off + 1e-12)


def test_reliance_is_the_mean_over_the_orders_in_which_the_two_come():
    """Shapley's value by its definition: what the background adds when it comes first, and when it comes last."""
    generator = np.random.default_rng(0)
    for _ in range(50):
        neither, alone, other, whole = sorted(generator.random(4))
        if whole - neither >= LEAST:
            adds = [other - neither, whole - alone]
            expected = np.mean(adds) / (whole - neither)
            assert background_reliance(np.array([[alone, other, neither]]), whole) == pytest.approx(expected)


def test_reliance_stays_within_nothing_and_all():
    """Where one speaks against what the other brings, the share is clipped."""
    assert background_reliance(np.array([[0.9, 0.0, 0.2]]), 0.6) == 0
    assert background_reliance(np.array([[0.0, 0.9, 0.2]]), 0.6) == 1


@pytest.mark.parametrize(("whole", "known"), [(0.05, True), (0.0499, False), (0.0, False), (-0.1, False)])
def test_of_next_to_nothing_there_is_no_share(whole, known):
    """Below 0.05 of a score, or where hiding both makes the model surer, it would be a share of noise."""
    assert math.isnan(background_reliance(np.array([[0.02, 0.02, 0.0]]), whole)) != known


def test_reliance_is_measured_on_pictures_as_the_mixture_has_it():
    """From end to end: a model of how bright object and background are, three quarters of it the background's."""
    mask = np.zeros((32, 32), dtype=bool)
    mask[8:24, 8:24] = True
    shown = scene(mask=mask)
    shown.canvas[::2, ::2] = 60

    def predict(picture):
        same = (picture == shown.canvas).all(axis=-1)
        return 0.25 * same[mask].mean() + 0.75 * same[~mask].mean()

    label, _ = judged(shown, lambda picture: float(predict(picture)))
    assert label.judgement.grounding.background_reliance == pytest.approx(0.75, abs=0.05)
    assert label.judgement.basis.word == "background"


def test_a_fill_that_the_model_is_sure_of_is_a_warning():
    """Its label and the thresholds are kept with the answers; as another label than the one explained it is no doubt by
    itself, and a sentence says what it means."""
    label, attribution = judged(scene(), additive)
    assert attribution.fill_probabilities["no"] == 1
    assert label.judgement.confident_fill == "no"
    assert label.judgement.soundness.word == "sound"
    assert "sure of the bare fill as no" in label.judgement.warning
    assert Judgement.from_json(label.to_json()["judgement"]) == label.judgement


@pytest.mark.parametrize(("floor", "top"), [(0.55, 0.95), (0.8, 0.3)], ids=["sure of it too", "surer of it"])
def test_a_fill_that_is_the_answer_makes_an_explanation_doubtful(floor, top):
    """Where the model takes it for the label explained, or is surer of it than of the photograph."""
    label, _ = judged(scene(), lambda picture: floor + (top - floor) * additive(picture) * 255 / 200)
    assert (label.judgement.soundness.word, label.judgement.soundness.reason) == ("doubtful", "fill")
    assert label.judgement.gap == pytest.approx(top - floor, abs=1e-6)


def test_other_thresholds_give_other_answers():
    """And are kept, so that an answer can be traced to them."""
    shown, limits = scene(), Thresholds(gap=0.95, fill=1.0)
    made = RECIPE.override({"labels": ["yes"]})

    def both(shot, masks):
        yes = np.array([(picture[..., 0] > 100).mean() * 0.9 for picture in compose(shot, masks)], dtype=np.float32)
        return np.stack([yes, 1 - yes], axis=1)

    [label] = explain(shown, explainer(made, ("yes", "no"), limits), both).labels
    assert (label.judgement.soundness.word, label.judgement.thresholds) == ("nothing to explain", limits)
    assert label.judgement.warning is None
