import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.answer.attribution import Errors, LabelAttribution, Stability
from pipeline.answer.stopped import Stopped
from pipeline.conversation.probe import Evidence, Probe
from pipeline.explain import explain
from pipeline.methods import explainer, stopping, surrogate
from pipeline.methods.lime import Lime
from pipeline.methods.surrogate import Linear
from pipeline.recipe import Stopping
from pipeline.recipes import RECIPES
from tests.planted import LABELS, planted, striped

ADAPTIVE = RECIPES["adaptive"].override({"judge": False, "labels": ["yes"]})
WEIGHTS = np.array([0.5, -0.4, 0.3, 0.2, 0.1, 0.02, 0.01])


def fitted(weights):
    return Linear(np.atleast_2d(weights), np.zeros(1), np.zeros((1, 1)))


def known_by(rule, pooled, left_out, most=99):
    """Whether no label takes more seeds, of which there are plenty."""
    return all(stopping.stopped(rule, pooled, left_out, most))


def enough(spread, rule, weights=WEIGHTS, seeds=6):
    """Whether seeds that scatter so much about the weights are enough."""
    scatter = np.random.default_rng(0).normal(size=(seeds, len(weights)))
    alone = weights + spread * (scatter - scatter.mean(axis=0)) / scatter.std(axis=0)
    left_out = [fitted(np.delete(alone, seed, axis=0).mean(axis=0)) for seed in range(seeds)]
    return known_by(rule, fitted(alone.mean(axis=0)), left_out)


def additive(masks):
    return 0.4 + masks @ (np.random.default_rng(1).normal(size=masks.shape[1]) * 0.3 / masks.shape[1] ** 0.5)


def noise(masks):
    """A score for each mask, with no superpixel in it."""
    return np.random.default_rng(3).random(2**16)[
        (masks @ np.random.default_rng(4).integers(1, 2**20, masks.shape[1])) % 2**16
    ]


def explained(score, made=ADAPTIVE):
    attribution = explain(striped(), explainer(made, LABELS), planted(score))
    return attribution.labels[0], attribution.evaluations


def test_precise_weights_whose_top_stands_are_enough():
    """The error must be small against the weights, and more so if leaving a seed out changes the top."""
    strict = Stopping(top=3, precision=0.25, tie=0)
    assert enough(0.01, strict)
    assert not enough(0.5, strict)
    assert enough(0.5, Stopping(top=7, precision=2, tie=0))
    assert not enough(0.5, Stopping(top=7, precision=0.25, tie=0))


def test_a_top_that_is_not_clear_of_the_next_is_not_enough():
    """The last on top must lie so many standard errors above the next, though no seed left out changes the top."""
    close = np.array([0.5, -0.4, 0.3, 0.28, 0.1, 0.1])
    assert enough(0.005, Stopping(top=3, precision=1, gap=0, tie=0), close)
    assert not enough(0.005, Stopping(top=3, precision=1, gap=100, tie=0), close)
    assert enough(0.005, Stopping(top=6, precision=1, gap=100, tie=0), close)  # nothing comes next


@pytest.mark.parametrize(("seeds", "errors"), [(3, 4.303), (9, 2.306), (14, 2.160)])
def test_confidence_is_student_s(seeds, errors):
    """So many standard errors part the last on top from the next with 95 %, by how many seeds there are; it takes the
    place of the fixed gap, on both sides of the boundary."""
    rule, pooled = Stopping(top=1, precision=9, gap=1000, tie=0, confidence=0.95), np.array([3.0, 2.0])
    apart = np.linspace(-1, 1, seeds)
    for factor in (0.999, 1.001):
        error = 1 / (errors * factor)  # of the first weight, which lies 1 above the second
        scatter = error * apart / np.linalg.norm(apart) * math.sqrt(seeds / (seeds - 1))
        left_out = [fitted(np.add(pooled, [one, 0])) for one in scatter]
        assert known_by(rule, fitted(pooled), left_out) == (factor > 1)
    assert not known_by(replace(rule, confidence=None), fitted(pooled), left_out)


def two_seeds(weights, errors):
    """The pool and two fits to all but one seed, by which its standard errors are these."""
    pooled, error = np.array(weights, dtype=float), np.array(errors, dtype=float)
    return fitted(pooled), [fitted(pooled + error), fitted(pooled - error)]


@pytest.mark.parametrize(
    ("weights", "errors", "ratio", "known"),
    [
        ([1, 0], [0.5, 0], 0.5, True),
        ([1, 0], [0.5, 0], 0.499, False),
        ([1, -1], [0, 1], 0.5, True),  # their range is 2
        ([1, -1], [0, 1], 0.499, False),
        ([3, 2], [0, 1], 0.999, False),  # of the range, not of the weights
        ([2, 2], [0.001, 0], 99, False),
    ],
)
def test_by_a_ratio_the_largest_error_is_within_so_much_of_the_range(weights, errors, ratio, known):
    """At its boundary it is, and nothing else is asked."""
    assert known_by(Stopping(ratio=ratio, tie=99, precision=99), *two_seeds(weights, errors)) is known
    assert known_by(Stopping(ratio=ratio, tie=0, precision=0), *two_seeds(weights, errors)) is known


@pytest.mark.parametrize(("tie", "precision"), [(0.25, 0), (0, 0.25)])
def test_the_error_is_within_so_much_of_the_weights(tie, precision):
    """At the boundary it is: root mean squares, 1 of 4, over all superpixels."""
    known = two_seeds([4, 4, -4, 4], [1, 1, 1, -1])
    assert known_by(Stopping(top=4, tie=tie, precision=precision), *known)
    less = Stopping(top=4, tie=0.999 * tie, precision=0.999 * precision)
    assert not known_by(less, *known)
    one_of_four = two_seeds([4, 0, 0, 0], [0, 0, 0, 1])
    assert known_by(Stopping(top=1, tie=tie, precision=precision, gap=0), *one_of_four)
    assert not known_by(replace(less, top=1, gap=0), *one_of_four)


@pytest.mark.parametrize(
    ("weights", "errors", "top", "gap", "known"),
    [
        ([3, 2], [0.5, 0], 1, 2, True),
        ([3, 2], [0, 0.5], 1, 2, True),
        ([3, 2], [0.5, 0], 1, 2.001, False),
        ([3, 2], [0.3, 0.4], 1, 2, True),  # errors of both, as of a difference
        ([3, 2], [0.3, 0.4], 1, 2.001, False),
        ([-3, 2], [0.5, 0], 1, 2, True),  # by their sizes
        ([9, 3, 2, 1.5], [0, 0.5, 0, 0], 2, 2, True),  # the last on top against the next
        ([9, 3, 2, 1.5], [0, 0.5, 0, 0], 2, 2.001, False),
        ([9, 3, 2, 1.5], [0.25, 0, 0, 0.25], 2, 99, True),  # others may be unsure
    ],
)
def test_the_last_on_top_is_so_many_errors_above_the_next(weights, errors, top, gap, known):
    """At the boundary it is enough."""
    rule = Stopping(top=top, precision=99, gap=gap, tie=0)
    assert known_by(rule, *two_seeds(weights, errors)) is known


@pytest.mark.parametrize(
    ("rule", "most", "why", "top"),
    [
        (Stopping(ratio=0.5), 9, "precise", None),
        (Stopping(top=2, tie=1, precision=0), 9, "precise", 2),
        (Stopping(top=1, tie=0, precision=1, gap=2), 9, "parted", 1),
        (Stopping(top=1, tie=0, precision=1, gap=99), 2, "spent", 1),
        (Stopping(ratio=0.1), 2, "spent", None),
    ],
)
def test_the_reason_is_told_with_the_strongest_that_it_is_about(rule, most, why, top):
    """Which there are where they were to be parted; a ratio is of the errors alone."""
    [end] = stopping.stopped(rule, *two_seeds([3, 2], [0.5, 0]), most)
    assert (end.why, end.top) == (why, top)


@pytest.mark.parametrize(
    ("end", "left_open", "sentence"),
    [
        (Stopped("parted", 3), False, "Enough seeds were asked: the 3 strongest superpixels are told from the next."),
        (Stopped("precise", 3), False, "Enough seeds were asked: the weights are known as closely as was asked for."),
        (
            Stopped("futile", 3, 0.076),
            True,
            "Which superpixels are the 3 strongest is open: more seeds would hardly have settled it (chance 8 %).",
        ),
        (
            Stopped("spent", 1),
            True,
            "Which superpixel is the strongest is open: all seeds were asked and did not settle it.",
        ),
        (
            Stopped("futile", 1, 0.004),
            True,
            "Which superpixel is the strongest is open: more seeds would hardly have settled it (chance under 1 %).",
        ),
        (Stopped("parted", 1), False, "Enough seeds were asked: the strongest superpixel is told from the next."),
        (
            Stopped("spent", 3),
            True,
            "Which superpixels are the 3 strongest is open: all seeds were asked and did not settle it.",
        ),
        (Stopped("spent"), True, "All seeds were asked, and the weights are not known as closely as was asked for."),
    ],
    ids=str,
)
def test_each_reason_says_what_it_leaves_open(end, left_open, sentence):
    """In words, and as it is read back from JSON, where a chance that was not asked is null."""
    assert (end.open, end.sentence) == (left_open, sentence)
    told = {"why": end.why, "top": end.top, "chance": None if math.isnan(end.chance) else end.chance}
    assert str(Stopped.from_json(told)) == str(end)


def test_a_top_that_trades_places_is_not_enough_unless_it_is_a_tie():
    """Two superpixels of one weight trade places for ever; once their weights are known closely, that is enough."""
    tied = np.array([0.5, -0.4, 0.3, 0.2, 0.2, 0.2])
    assert not enough(0.05, Stopping(top=4, precision=1, tie=0), tied)
    assert enough(0.05, Stopping(top=4, precision=1, tie=0.1), tied)
    assert not enough(0.5, Stopping(top=4, precision=1, tie=0.1), tied)


def test_every_label_has_to_be_known():
    """One label that is not known is reason enough to go on."""
    rule, sure, unsure = Stopping(top=2), WEIGHTS, WEIGHTS[::-1]
    left_out = [fitted(np.stack([sure, unsure * scale])) for scale in (0, 1, 2)]
    assert not known_by(rule, fitted(np.stack([sure, unsure])), left_out)
    assert known_by(rule, fitted(np.stack([sure, sure])), [fitted(np.stack([sure, sure]))] * 3)


def test_a_rule_s_constants_are_checked():
    """A jackknife takes two seeds."""
    with pytest.raises(ValueError, match=r"stopping\.first is 1, expected a whole number of at least 2"):
        Stopping(first=1)


@pytest.mark.parametrize("score", [additive, lambda masks: np.full(len(masks), 0.3)], ids=["additive", "constant"])
def test_an_easy_photograph_stops_after_the_first_round(score):
    """Where superpixels add up, or nothing is there to explain, three seeds are enough for the default's weights."""
    found, evaluations = explained(score)
    assert evaluations == 2 + 3 * 128
    assert found.stability.seeds == len(found.weights_by_seed) == 3
    default, _ = explained(score, RECIPES["default"].override({"judge": False, "labels": ["yes"]}))
    assert np.abs(found.weights - default.weights).max() <= 1e-3 * np.abs(default.weights).max()


def test_a_hard_photograph_spends_the_budget_and_no_more():
    """Scores that superpixels do not explain are asked about seed by seed until the last."""
    found, evaluations = explained(noise)
    assert evaluations == 2 + 14 * 128
    assert found.stability.seeds == len(found.weights_by_seed) == 14
    assert (found.stability.stopped.why, found.stability.stopped.top) == ("spent", 5)
    assert found.stability.stopped.sentence.startswith("Which superpixels are the 5 strongest is open: all seeds")


def test_what_stopped_early_is_what_those_seeds_alone_say():
    """Every number of an answer after a few seeds is that of a recipe with these seeds."""

    def score(masks):
        return 0.2 + 0.5 * masks[:, 0] * masks[:, 1] * masks[:, 2] + 0.2 * masks[:, 3] + 0.1 * masks[:, 4] * masks[:, 5]

    made = ADAPTIVE.override({"stopping.top": 4, "stopping.precision": 0.2})
    found, evaluations = explained(score, made)
    used = (evaluations - 2) // 128
    assert 3 < used < 14
    fixed, _ = explained(score, made.override({"stopping": None, "seeds": list(made.seeds[:used])}))
    assert (found.stability.stopped.why, fixed.stability.stopped) == ("parted", None)
    assert str(found.to_json()) == str(replace(fixed, stability=found.stability).to_json())
    assert replace(found.stability, stopped=None) == fixed.stability


def test_rounds_are_asked_by_whoever_has_the_evidence():
    """Another explainer, given the evidence through JSON, asks the same next seeds and gives the same answer."""
    shown, predict, evidence = striped(), planted(noise), []
    made = ADAPTIVE.override({"seeds": [1, 2, 3, 4, 5, 6], "stopping.step": 2})
    step, sizes = Lime(made, LABELS).open(shown), []
    while isinstance(step, Probe):
        sizes.append(step.n)
        probe = Probe.from_json(step.to_json())
        evidence.append(Evidence(probe, predict(shown, probe.masks())))
        step, again = (Lime(made, LABELS).proceed(shown, evidence) for _ in range(2))
        assert str(step if isinstance(step, Probe) else step.to_json()) == str(
            again if isinstance(again, Probe) else again.to_json()
        )
    assert sizes == [2 + 3 * 128, 2 * 128, 128]
    assert str(step.to_json()) == str(explain(shown, Lime(made, LABELS), predict).to_json())


def test_a_surrogate_that_is_no_line_is_asked_in_rounds_too():
    """The rule looks at weights and what leaving a seed out does to them, whatever gives them."""
    made = ADAPTIVE.override({"surrogate": "sklearn.tree.DecisionTreeRegressor", "samples": 64, "stopping.top": 1})
    found, evaluations = explained(lambda masks: 0.1 + 0.8 * masks[:, 7], made)
    assert (evaluations, found.weights.argmax()) == (2 + 3 * 64, 7)


FUTILE = Stopping(top=5, tie=0, confidence=0.95, futility=0.1)
TIED = np.array([0.9, -0.8, 0.7, 0.6, 0.4, -0.4, 0.2, 0.1, 0.05, 0.0])
BUDGET = 14


def synthetic(chance, weights, spread=0.15, seeds=BUDGET):
    """Each seed's own weights, [seeds, k]: the truth and normal scatter."""
    return weights + spread * chance.normal(size=(seeds, len(weights)))


def run(alone, rule):
    """What is answered of seeds asked in rounds: the pool, its standard errors, how many they were, and why."""
    for number in range(rule.first, BUDGET + 1):
        asked = alone[:number]
        left_out = (asked.sum(axis=0) - asked) / (number - 1)
        [end] = stopping.stopped(rule, fitted(asked.mean(axis=0)), [fitted(one) for one in left_out], BUDGET)
        if end:
            break
    return asked.mean(axis=0), surrogate.delete_a_group(left_out), number, end


def test_a_tie_is_given_up_and_said_to_be_open():
    """Two superpixels that weigh the same part by chance alone: most runs end as futile before all seeds are asked,
    at a chance within the rule's bound, and say that it is open which are on top."""
    chance = np.random.default_rng(0)
    ends = [run(synthetic(chance, TIED), FUTILE)[2:] for _ in range(100)]
    futile = [(number, end) for number, end in ends if end.why == "futile"]
    assert len(futile) > 70
    assert all(FUTILE.first < number < BUDGET and end.chance <= 0.1 and end.open for number, end in futile)
    assert np.mean([number for number, _ in ends]) < 11
    assert "is open: more seeds would hardly have settled it (chance " in futile[0][1].sentence


def test_what_parts_is_not_given_up():
    """Where the fifth lies clear of the sixth no run is futile."""
    clear = np.where(TIED == -0.4, -0.2, TIED)
    chance = np.random.default_rng(1)
    assert {run(synthetic(chance, clear, spread=0.05), FUTILE)[3].why for _ in range(50)} == {"parted"}


def test_without_a_bound_nothing_is_given_up():
    """As before there was one: a tie goes to the end unless it parts by chance."""
    chance = np.random.default_rng(0)
    ends = [run(synthetic(chance, TIED), replace(FUTILE, futility=None))[3] for _ in range(30)]
    assert {end.why for end in ends} <= {"spent", "parted"}
    assert [end.open for end in ends] == [end.why == "spent" for end in ends]


def test_nothing_is_given_up_while_the_weights_are_not_precise():
    """More seeds serve them, whether or not they part the last on top from the next."""
    _, _, number, end = run(synthetic(np.random.default_rng(0), TIED, spread=1.5), FUTILE)
    assert (number, end.why, end.top) == (BUDGET, "spent", 5)


def test_it_is_given_up_at_the_bound_and_not_above_it():
    """By the chance of the pool, whose second and third differ by 1 with an error of a half."""
    rule = Stopping(top=2, tie=0, precision=9, confidence=0.95, futility=0.999)
    known = two_seeds([9, 3, 2], [0, 0.3, 0.4])
    [end] = stopping.stopped(rule, *known, BUDGET)
    assert (end.why, end.top) == ("futile", 2)
    assert end.chance == pytest.approx(stopping.parting((1.0, 0.5), 2, BUDGET, stopping._gap(rule, BUDGET)))
    assert stopping.stopped(replace(rule, futility=end.chance), *known, BUDGET) == [end]
    assert stopping.stopped(replace(rule, futility=np.nextafter(end.chance, 0)), *known, BUDGET) == [None]


def test_what_no_seed_moves_is_parted_for_certain():
    """However little it differs."""
    assert stopping.parting((0.001, 0.0), 3, BUDGET, 99.0) == 1


def test_what_is_on_top_is_not_said_to_be_open_where_the_weights_alone_are():
    """After all seeds: five that lie clear of the others, whose weights are not known to what was asked for."""
    clear = np.array([1.0] * 5 + [0.0] * 45)
    strict = replace(FUTILE, precision=0.01)
    _, _, number, end = run(synthetic(np.random.default_rng(0), clear, spread=0.3), strict)
    assert (number, end.why, end.top, end.open) == (BUDGET, "spent", None, True)
    assert end.sentence == "All seeds were asked, and the weights are not known as closely as was asked for."
    end = run(synthetic(np.random.default_rng(0), clear, spread=0.3), FUTILE)[3]
    assert (end.why, end.top) == ("parted", 5)


@pytest.mark.parametrize(("spread", "why", "top"), [(0.05, "precise", 5), (5, "spent", None)])
@pytest.mark.parametrize("k", [1, 4, 5])
def test_of_no_more_superpixels_than_are_on_top_none_is_told_from_a_next(k, spread, why, top):
    """There is none: the weights are known as closely as was asked for, or they are not."""
    end = run(synthetic(np.random.default_rng(0), TIED[:k], spread=spread), FUTILE)[3]
    assert (end.why, end.top) == (why, top)


@pytest.mark.parametrize(("seeds", "given_up"), [(3, False), (6, False), (7, True), (13, True)])
def test_two_alike_are_given_up_from_seven_seeds_on(seeds, given_up):
    """A few seeds know too little of their own scatter to despair: the chance is of Student's t."""
    assert (stopping.parting((0.0, 1.0), seeds, BUDGET, stopping._gap(FUTILE, BUDGET)) <= 0.1) == given_up


@pytest.mark.parametrize("apart", [0.0, 0.5, 1.0])
def test_the_chance_is_how_often_the_rest_parts_them(apart):
    """Of seeds whose mean and scatter are these after eight, whatever the truth is (flat prior), within 4 errors."""
    chance, runs, seeds = np.random.default_rng(2), 100_000, 8
    variance = seeds * (seeds - 1) / chance.chisquare(seeds - 1, runs)  # of one seed, where the standard error is 1
    truth = apart + chance.normal(size=runs) * np.sqrt(variance / seeds)
    rest = truth + chance.normal(size=runs) * np.sqrt(variance / (BUDGET - seeds))
    end, gap = (seeds * apart + (BUDGET - seeds) * rest) / BUDGET, stopping._gap(FUTILE, BUDGET)
    parted = np.mean(np.abs(end) >= gap * (seeds / BUDGET) ** 0.5)  # by the scatter that is known now
    found = stopping.parting((apart, 1.0), seeds, BUDGET, gap)
    assert abs(parted - found) <= 4 * (found * (1 - found) / runs) ** 0.5


def test_the_interval_of_what_was_given_up_covers_what_it_says():
    """The printed half-width holds the true weight in 93 to 97 % of superpixels, of the fifth and the sixth too, where
    a run ends as futile and in all runs together: of photographs whose fifth and sixth differ by anything from nothing
    to what is always parted."""
    chance, inside = np.random.default_rng(3), {}
    for _ in range(1000):
        true = np.where(np.arange(len(TIED)) == 5, TIED + 0.25 * chance.random(), TIED)
        weights, error, number, end = run(synthetic(chance, true), FUTILE)
        held = np.abs(weights - true) <= Errors(error, np.empty((number, 0))).half_width
        inside.setdefault(end.why, []).append(held)
    assert len(inside["futile"]) > 300
    for held in (np.array(inside["futile"]), np.concatenate(list(inside.values()))):
        assert 0.93 <= held.mean() <= 0.97
        assert 0.93 <= held[:, 4:6].mean() <= 0.97


def test_a_tie_is_given_up_by_the_recipe():
    """Through the whole method, in what is exported and stored: two superpixels alike, and interactions as noise."""

    def score(masks):
        tied = np.zeros(masks.shape[1])
        tied[:7] = [0.12, 0.1, 0.08, 0.06, 0.03, 0.03, 0.01]
        return 0.3 + masks @ tied + 0.03 * (noise(masks) - 0.5)

    found, evaluations = explained(score)
    end = found.stability.stopped
    assert (end.why, end.top) == ("futile", 5)
    assert 2 + 7 * 128 <= evaluations < 2 + 14 * 128
    told = found.to_json()["stability"]
    assert told["stopped"] == {"why": "futile", "top": 5, "chance": end.chance}
    assert Stability.from_json(told) == found.stability


def test_an_answer_asked_at_once_says_nothing_of_stopping():
    """Nor does one of an earlier version, which has no such key and stays readable."""
    told = LabelAttribution("yes", np.zeros(3), stability=Stability(9, 0.5)).to_json()["stability"]
    assert "stopped" not in told
    assert Stability.from_json(told).stopped is None
