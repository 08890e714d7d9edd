"""What a comparison comes to, in counts and in sentences."""

import math
from dataclasses import replace

import pytest

from pipeline.change import agreement
from pipeline.change import outcome as outcomes
from pipeline.change.agreement import Agreements
from pipeline.change.comparison import Change
from pipeline.change.criteria import LEAST, LEAST_DISTANCE
from pipeline.change.moments import Interval
from pipeline.change.outcome import Counts, Tally, has_changed
from pipeline.change.terms import Terms
from pipeline.recipe import Recipe

CHANGE = Change(
    "yes", "yes", 0.75, 0.75, "yes", "yes", 1.0, 1.0, 1.0, 1.0, 0.5, 0.1, 0.01, 0.5, 0.5, 0.5, 0.5, None, None
)


@pytest.mark.parametrize(
    ("p_value", "distance", "changed"),
    [
        (0.05, 0.25, True),
        (math.nextafter(0.05, 1), 0.25, False),
        (0.05, math.nextafter(0.25, 0), False),
        (math.nan, 0.25, False),
        (0.05, math.nan, False),
    ],
)
def test_a_change_is_believed_and_large_enough_each_at_its_boundary(p_value, distance, changed):
    """Of what is unknown, none counts."""
    assert has_changed(replace(CHANGE, p_value=p_value, distance=distance), 0.05, 0.25) is changed


def test_no_photograph_counts_as_nothing():
    """Each count is zero."""
    assert Tally(0.05).outcome("a", "b").counts == Counts()


RECIPES = Terms(one_model=True, differing=("samples",))
NAMES = ("poles@1", "poles@2")


def outcome(changes, terms=None, believed=0.05):
    """What photographs come to; of models, unless the terms say otherwise."""
    tally = Tally(believed, terms=terms or Terms())
    for change in changes:
        tally.add(change)
    return tally.outcome(*NAMES)


def counted(change, label=None):
    """The fields that one photograph counts in, beside that it is compared."""
    tally = Tally(0.05)
    tally.add(change, label)
    counts = tally.outcome(*NAMES).counts
    assert counts.compared == 1
    return {name for name in Counts.__slots__ if getattr(counts, name)} - {"compared"}


@pytest.mark.parametrize(
    ("changes", "label", "expected"),
    [
        ({"p_value": 0.5}, None, {"judged"}),
        ({}, None, {"judged", "changed"}),
        ({"p_value": math.nan}, None, set()),
        ({"reliance_before": 0.1, "reliance_after": 0.0}, None, {"judged", "changed", "better"}),
        ({"reliance_before": 0.1, "reliance_after": 0.001}, None, {"judged", "changed"}),
        ({"reliance_before": 0.0, "reliance_after": 0.1}, None, {"judged", "changed", "worse"}),
        ({"reliance_before": 0.0, "reliance_after": 0.099}, None, {"judged", "changed"}),
        ({"reliance_after": 0.1, "p_value": 0.5}, None, {"judged"}),
        ({"reliance_after": 0.9, "p_value": 0.5}, None, {"judged"}),
        ({"reliance_after": 0.1, "p_value": math.nan}, None, {"better"}),
        ({"reliance_after": 0.9, "p_value": math.nan}, None, {"worse"}),
        ({"label_after": "no"}, None, {"judged", "changed", "relabelled"}),
        ({"label_after": "no"}, "no", {"judged", "changed", "relabelled", "mended"}),
        ({"label_after": "no"}, "yes", {"judged", "changed", "relabelled", "broken"}),
        ({"label_after": "no"}, "neither", {"judged", "changed", "relabelled"}),
        ({}, "yes", {"judged", "changed"}),
        ({}, "no", {"judged", "changed"}),
        ({"on_grid": True}, None, {"judged", "changed", "on_grid"}),
        ({"on_grid": False}, None, {"judged", "changed"}),
        ({"spearman": math.nan}, None, {"judged", "changed", "unordered"}),
        ({"explained_after": "no"}, None, {"judged", "changed", "other_label"}),
        ({"explained_after": "no", "spearman": math.nan}, None, {"judged", "changed", "other_label"}),
    ],
)
def test_what_a_photograph_counts_as(changes, label, expected):
    """Each field alone and at its boundary; a step of reliance counts unless the change is known to be none."""
    assert counted(replace(CHANGE, **changes), label) == expected


def test_photographs_are_counted_by_the_label_a_person_gave_else_the_first_model_s():
    """In order of the labels' names, and each under one alone."""
    tally = Tally(0.05)
    tally.add(replace(CHANGE, label_after="no"), "b")
    tally.add(replace(CHANGE, label_before="a", label_after="no"))
    tally.add(CHANGE, "b")
    found = tally.outcome(*NAMES).by_label
    assert list(found) == ["a", "b"]
    assert (found["a"], found["b"].compared, found["b"].relabelled) == (Counts(1, 1, 1, relabelled=1), 2, 1)


def test_an_outcome_keeps_what_it_was_judged_by():
    """The p-value believed, the least distance, the tests asked; on paper the rate of false alarms too."""
    tally = Tally(0.02)
    for test in ("paired", "paired", "permutation", None):
        tally.add(replace(CHANGE, test=test, share_before=0.25, share_after=0.75, reliance_after=math.nan))
    found = tally.outcome(*NAMES)
    assert (found.believed, found.least_distance) == (0.02, LEAST_DISTANCE)
    assert found.tests == {"paired": 2, "permutation": 1}
    assert (found.share.before.mean, found.share.after.mean, found.share.difference.n) == (0.25, 0.75, 4)
    assert (found.reliance.difference.n, found.agreement, found.warnings) == (0, None, ())
    told = found.to_json()
    assert (told["false_alarms"], told["reliance"]["difference"]["mean"]) == (0.05, None)


@pytest.mark.parametrize(
    ("steps", "word", "told"),
    [
        (
            [-0.25] * 6,
            "better",
            "Better grounded: poles@2 leans on the background less than poles@1, by 0.25 (95 % interval 0.25 to 0.25)",
        ),
        (
            [0.25] * 6,
            "worse",
            "Worse grounded: poles@2 leans on the background more than poles@1, by 0.25 (95 % interval 0.25 to 0.25)",
        ),
        (
            [0.0] * 6,
            "same",
            "No change that can be told from noise: background reliance differs by 0.00 (95 % interval 0.00 to 0.00) "
            "between poles@1 and poles@2",
        ),
        (
            [-0.25] * 5,
            "unknown",
            "Grounding cannot be compared: only 5 photographs have a mask of the object in both audits, expected 6 or "
            "more",
        ),
    ],
)
def test_models_are_compared_in_one_sentence(steps, word, told):
    """Which way, by how much, and on how many photographs the explanation is another."""
    found = outcome([replace(CHANGE, reliance_after=0.5 + step) for step in steps])
    assert found.word == word
    assert found.sentence == f"{told}; {len(steps)} of {len(steps)} photographs are explained differently."


@pytest.mark.parametrize(
    ("steps", "word"),
    [([0.0078125] * 6, "same"), ([0.01171875] * 6, "worse"), ([-0.01171875] * 6, "better"), ([-1, 1] * 3, "same")],
)
def test_a_step_that_two_decimals_show_is_one(steps, word):
    """A hundredth or more, whatever its sign, where the interval leaves out zero."""
    assert (
        outcome([replace(CHANGE, reliance_after=0.5 + step / 2, reliance_before=0.5 - step / 2) for step in steps]).word
        == word
    )


@pytest.mark.parametrize("word", [agreement._word, outcomes._word])
@pytest.mark.parametrize(("low", "high"), [(0.0, 0.5), (-0.5, 0.0)])
def test_an_interval_that_ends_at_zero_does_not_leave_it_out(word, low, high):
    """There is no change that can be told, of models as of recipes."""
    assert word(Interval((low + high) / 2, low, high, 6)) == "same"


@pytest.mark.parametrize(("sign", "words"), [(1, ("better", "worse")), (-1, ("worse", "better"))])
def test_a_hundredth_is_what_two_decimals_show(sign, words):
    """More faithful is more; better grounded is less."""
    low, high = sorted((0.005 * sign, 0.015 * sign))
    shown, less = (Interval(mean * sign, low, high, 6) for mean in (LEAST, math.nextafter(LEAST, 0)))
    assert (agreement._word(shown), outcomes._word(shown)) == words
    assert (agreement._word(less), outcomes._word(less)) == ("same", "same")


def test_without_a_judged_photograph_it_is_not_said_how_many_changed():
    """And why not; large numbers have their commas."""
    found = outcome([replace(CHANGE, p_value=math.nan)] * 6)
    assert found.sentence.endswith(
        "; which explanations changed cannot be told, for want of seeds or because the superpixels differ."
    )
    many = outcome([CHANGE] * 1200 + [replace(CHANGE, p_value=0.5)] * 34)
    assert many.sentence.endswith("; 1,200 of 1,234 photographs are explained differently.")


def test_nothing_in_common_is_said_of_recipes_too():
    """Rather than that they agree."""
    for terms in (Terms(), RECIPES):
        assert outcome([], terms).sentence == "Nothing to compare: no photograph is explained in both audits."


def test_warnings_are_told_one_after_the_other_with_their_numbers():
    """Of models that differ beside recipes, of a grid, of explanations in no order, and of other labels."""
    grid, empty = replace(CHANGE, on_grid=True), replace(CHANGE, spearman=math.nan)
    other = replace(CHANGE, explained_after="no", spearman=math.nan)
    changes = [grid] * 1001 + [empty] * 2 + [other]
    models = "Models and recipes both differ (in fill, samples): what differs may be either's doing."
    cells = (
        "The superpixels of 1,001 of 1,004 photographs are not the same: these are compared on a grid of 64 by 64 "
        "cells, and other superpixels alone move the evidence."
    )
    order = (
        "An explanation of 2 of 1,004 photographs weighs all superpixels alike, as an empty rule does: it has no "
        "order, and these count in no figure of agreement."
    )
    labels = "1 of 1,004 photographs have no label that both audits explain: of their explanations nothing is told."
    assert outcome(changes, Terms(False, ("fill", "samples"))).warnings == (models, cells, order, labels)
    assert outcome(changes, RECIPES).warnings == (cells, order, labels)
    assert outcome(changes).warnings == (cells,)
    assert outcome([CHANGE], RECIPES).warnings == ()


def curved(**areas):
    """A photograph with areas under both curves of both recipes."""
    known = {"deletion_before": 0.5, "deletion_after": 0.5, "insertion_before": 0.5, "insertion_after": 0.5}
    return replace(CHANGE, **{**known, **areas})


@pytest.mark.parametrize(
    ("areas", "word", "told"),
    [
        (
            {"deletion_after": 0.25, "insertion_after": 0.625},
            "better",
            "poles@2's explanations are more faithful than poles@1's: deletion 0.25 against 0.50, insertion 0.62 "
            "against 0.50, together better by 0.38 (95 % interval 0.38 to 0.38)",
        ),
        (
            {"deletion_after": 0.75, "insertion_after": 0.375},
            "worse",
            "poles@1's explanations are more faithful than poles@2's: deletion 0.50 against 0.75, insertion 0.50 "
            "against 0.38, together better by 0.38 (95 % interval 0.38 to 0.38)",
        ),
        (
            {},
            "same",
            "No difference in faithfulness that can be told between poles@1 and poles@2: insertion less deletion "
            "differs by 0.00 (95 % interval 0.00 to 0.00)",
        ),
        (
            {"deletion_after": 0.5 + 2**-9},
            "same",
            "Hardly any difference in faithfulness between poles@1 and poles@2: insertion less deletion "
            "differs by 0.00 (95 % interval 0.00 to 0.00)",
        ),
        (
            {"insertion_after": math.nan},
            "unknown",
            "Which explanations are more faithful is unknown: only 0 photographs have curves to compare in both "
            "audits, expected 6 or more",
        ),
    ],
)
def test_recipes_are_compared_in_one_sentence(areas, word, told):
    """Whose explanations are more faithful, and how far the two agree."""
    found = outcome([curved(**areas)] * 6, RECIPES)
    assert found.word == found.agreement.word == word
    shared = "their five strongest superpixels overlap by 1.00 (95 % interval 0.61 to 1.00)"
    assert found.sentence == f"{told}; their rank correlation is 1.00 (95 % interval 1.00 to 1.00), and {shared}."


def test_five_photographs_are_too_few_to_say_how_far_recipes_agree():
    """Six are enough."""
    told = "; how far they agree is unknown, as of only 5 photographs there is an order to compare."
    assert outcome([curved()] * 5 + [curved(spearman=math.nan)], RECIPES).sentence.endswith(told)
    assert "their rank correlation" in outcome([curved()] * 6, RECIPES).sentence


def test_curves_of_other_models_or_over_another_fill_are_not_asked():
    """The sentence says why, and counts none."""
    for terms, why in (
        (Terms(True, ("fill", "samples")), "curves over another fill cannot be compared"),
        (Terms(True, ("fill", "segmenter")), "curves over another fill and segmenter cannot be compared"),
        (Terms(False, ("samples",)), "curves of other models cannot be compared"),
    ):
        found = outcome([curved(deletion_after=0.0)] * 6, terms)
        assert found.sentence.startswith(f"Which explanations are more faithful is unknown: {why}; their rank")
        assert (found.agreement.deletion.difference.n, found.agreement.insertion.difference.n) == (0, 0)


def test_faithfulness_is_insertion_less_deletion_as_one_figure():
    """Of photographs that have all four areas; a photograph in no order counts in neither figure of agreement."""
    found = Agreements()
    for change in (
        curved(deletion_before=0.25, deletion_after=0.125, insertion_before=0.5, insertion_after=1.0),
        curved(deletion_before=0.5, deletion_after=0.25, insertion_before=0.25, insertion_after=0.5),
        curved(deletion_before=math.nan, spearman=0.5, top5_jaccard=0.25),
        curved(spearman=math.nan, top5_jaccard=0.125),
    ):
        found.add(change, RECIPES)
    told = found.agreement()
    assert (told.faithfulness.mean, told.faithfulness.n) == (pytest.approx((0.625 + 0.5 + 0) / 3), 3)
    assert told.deletion.difference.mean == pytest.approx((-0.125 - 0.25 + 0) / 3)
    assert told.insertion.difference.mean == pytest.approx((0.5 + 0.25 + 0) / 3)
    assert (told.spearman.mean, told.spearman.n) == (pytest.approx((1 + 1 + 0.5) / 3), 3)
    assert (told.top5_jaccard.mean, told.top5_jaccard.n) == (pytest.approx((1 + 1 + 0.25) / 3), 3)


def test_a_correlation_s_interval_ends_at_one_and_at_minus_one():
    """However far Student's goes."""
    for sign in (1, -1):
        found = outcome([curved(spearman=sign * one) for one in (1.0, 1.0, 1.0, 1.0, 1.0, 0.0)], RECIPES).agreement
        assert {found.spearman.low, found.spearman.high} > {sign * 1.0}


def test_what_differs_is_named_in_order_and_names_and_seeds_are_no_difference():
    """Whether the model is one is taken as told."""
    one = Recipe("default")
    other = replace(one, name="other", seeds=(5,), samples=64, fill="black")
    assert Terms.of(one, other, one_model=True) == Terms(True, ("fill", "samples"))
    assert Terms.of(one, replace(one, seeds=(5,)), one_model=False) == Terms(False, ())
