"""Agreement: two recipes on the same photographs, and whose explanations are more faithful."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from pipeline.answer.attribution import Attribution, Errors, FillChoice, LabelAttribution
from pipeline.answer.judgement import Curves, Grounding, Judgement
from pipeline.change.alignment import Seen
from pipeline.change.comparison import compare
from pipeline.change.outcome import Tally
from pipeline.change.terms import Terms
from pipeline.model.profile import Profile
from pipeline.recipe import Recipe
from pipeline.scene.segments import grid

K = 16
SEEDS = Recipe("default").seeds
TERMS = Terms(one_model=True, differing=("method",))
NAMES = ("default", "shap")


def planted(weights, label="yes", deletion=0.3, insertion=0.6):
    """An answer with these weights, alike under nine seeds, and areas under its curves."""
    weights = np.asarray(weights, dtype=float)
    judgement = Judgement(0.5, Curves(deletion, 0.4, insertion, 0.5), Grounding(mask_share=0.5))
    errors = Errors(np.full(len(weights), 0.01), np.tile(weights, (9, 1)))
    one = LabelAttribution(label, weights, errors=errors, judgement=judgement)
    return Attribution({"yes": 0.75, "no": 0.25}, None, 10, (one,))


def between(before, after, seen=None):
    """One photograph under two recipes."""
    return compare(before, after, (SEEDS, SEEDS), seen, one_recipe=False)


def outcome(changes, terms=TERMS):
    """What photographs come to."""
    tally = Tally(0.0, terms=terms)
    for one in changes:
        tally.add(one)
    return tally.outcome(*NAMES)


def test_no_p_value_is_told_between_recipes():
    """Not of weights that are the reverse of each other, seed for seed: a difference between methods is no change."""
    weights = np.arange(K) + 1.0
    found = between(planted(weights), planted(weights[::-1]))
    assert math.isnan(found.p_value)
    assert found.test is None
    assert found.spearman == pytest.approx(-1)
    assert found.distance > 0.5
    assert found.on_grid is False
    assert (found.deletion_before, found.insertion_after) == (0.3, 0.6)
    told = outcome([found] * 6)
    assert (told.counts.judged, told.counts.changed, told.tests) == (0, 0, {})


def test_the_agreement_is_that_of_the_weights():
    """The same order agrees wholly whatever the unit; the planted number of swapped superpixels shows."""
    weights = np.arange(K) + 1.0
    same = between(planted(weights), planted(100 * weights))
    assert (same.spearman, same.top5_jaccard) == (pytest.approx(1), 1)
    swapped = weights.copy()
    swapped[[0, -1]] = swapped[[-1, 0]]  # of the five strongest, one: 4 of 6 are in both
    other = between(planted(weights), planted(swapped))
    rho = 1 - 6 * 2 * (K - 1) ** 2 / (K * (K**2 - 1))  # Spearman 1904
    assert other.spearman == pytest.approx(rho)
    assert other.top5_jaccard == pytest.approx(4 / 6)
    found = outcome([same] * 4 + [other] * 4).agreement
    assert found.spearman.mean == pytest.approx((1 + rho) / 2)
    assert found.top5_jaccard.mean == pytest.approx(5 / 6)
    assert -1 <= found.spearman.low < found.spearman.mean < found.spearman.high <= 1


def test_the_interval_of_the_correlation_is_student_s_and_ends_at_one():
    """scipy's for the mean of the photographs' own, cut where a correlation ends."""
    weights = np.arange(K) + 1.0
    orders = [np.r_[weights[:n][::-1], weights[n:]] for n in (0, 0, 0, 0, 0, 9)]
    changes = [between(planted(weights), planted(one)) for one in orders]
    figures = [one.spearman for one in changes]
    expected = ttest_1samp(figures, 0).confidence_interval(0.95)
    found = outcome(changes).agreement.spearman
    assert (found.mean, found.low) == pytest.approx((np.mean(figures), expected.low))
    assert expected.high > 1
    assert found.high == 1


@pytest.mark.parametrize(
    ("deletions", "insertions", "word", "told"),
    [
        ([0.20] * 6, [0.70] * 6, "better", "shap's explanations are more faithful than default's: deletion 0.20"),
        ([0.45] * 6, [0.60] * 6, "worse", "default's explanations are more faithful than shap's: deletion 0.30"),
        ([0.2, 0.4] * 3, [0.6] * 6, "same", "No difference in faithfulness that can be told between default and shap"),
        ([0.304] * 6, [0.6] * 6, "same", "No difference in faithfulness that can be told"),
        ([0.2] * 5, [0.7] * 5, "unknown", "only 5 photographs have curves to compare in both audits"),
        ([math.nan] * 6, [0.7] * 6, "unknown", "only 0 photographs have curves to compare"),
    ],
)
def test_more_faithful_is_lower_deletion_and_higher_insertion(deletions, insertions, word, told):
    """By the interval of the paired differences, of both together; told only where six photographs have both."""
    weights = np.arange(K) + 1.0
    changes = [
        between(planted(weights), planted(weights, deletion=low, insertion=high))
        for low, high in zip(deletions, insertions, strict=True)
    ]
    found = outcome(changes)
    assert found.word == word
    assert told in found.sentence


def test_the_figures_of_the_sentence_are_those_of_the_curves():
    """The more faithful recipe's against the other's, what both come to, and how far the two agree."""
    weights = np.arange(K) + 1.0
    found = outcome([between(planted(weights), planted(weights, deletion=0.2, insertion=0.65))] * 8)
    assert "deletion 0.20 against 0.30, insertion 0.65 against 0.60, together better by 0.15" in found.sentence
    assert "their rank correlation is 1.00" in found.sentence
    assert found.agreement.faithfulness.mean == pytest.approx(0.15)
    assert found.agreement.deletion.difference.mean == pytest.approx(-0.1)
    assert "how far they agree is unknown" in outcome([between(planted(weights), planted(weights))] * 5).sentence


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        (replace(TERMS, differing=("fill", "samples")), "curves over another fill cannot be compared"),
        (replace(TERMS, differing=("fill", "segmenter")), "curves over another fill and segmenter cannot be compared"),
        (replace(TERMS, one_model=False), "curves of other models cannot be compared"),
    ],
)
def test_curves_of_another_measure_claim_nothing(terms, told):
    """However far they lie apart: what they take away, or what they show in its place, is not the same."""
    weights = np.arange(K) + 1.0
    found = outcome([between(planted(weights), planted(weights, deletion=0.1, insertion=0.9))] * 8, terms)
    assert found.word == "unknown"
    assert told in found.sentence
    assert found.agreement.faithfulness.n == 0
    assert "their rank correlation is 1.00" in found.sentence


def test_only_explanations_of_one_label_are_compared():
    """The most probable that both explain; where there is none, nothing is told but that."""
    weights = np.arange(K) + 1.0
    yes, no = planted(weights), planted(weights[::-1], label="no")
    both = replace(yes, labels=(*yes.labels, *no.labels))
    found = between(both, no)
    assert (found.explained_before, found.explained_after, found.spearman) == ("no", "no", pytest.approx(1))
    unlike = between(yes, no)
    assert (unlike.explained_before, unlike.explained_after) == ("yes", "no")
    assert all(math.isnan(value) for value in (unlike.spearman, unlike.distance, unlike.share_after, unlike.overlap))
    told = outcome([found] * 6 + [unlike] * 2)
    assert (told.counts.compared, told.counts.other_label, told.agreement.spearman.n) == (8, 2, 6)
    assert told.warnings == (
        "2 of 8 photographs have no label that both audits explain: of their explanations nothing is told.",
    )


def test_an_explanation_that_names_nothing_has_no_order():
    """As an empty rule: no correlation, no curve, no place in any mean, and the number of such is said."""
    weights = np.arange(K) + 1.0
    found, empty = between(planted(weights), planted(weights)), between(planted(weights), planted(np.zeros(K)))
    assert all(math.isnan(value) for value in (empty.spearman, empty.deletion_after, empty.insertion_after))
    assert empty.deletion_before == 0.3
    told = outcome([found] * 6 + [empty])
    assert (told.agreement.spearman.n, told.agreement.top5_jaccard.n, told.agreement.faithfulness.n) == (6, 6, 6)
    assert (told.counts.unordered, told.counts.other_label) == (1, 0)
    assert told.warnings[0].startswith("An explanation of 1 of 7 photographs weighs all superpixels alike")


def test_curves_with_other_chosen_fills_are_of_no_one_measure():
    """`fill: auto` on both sides, and another one taken."""
    weights = np.arange(K) + 1.0
    mean, black = (
        replace(planted(weights), fill_choice=FillChoice(taken, {taken: 0.1})) for taken in ("mean", "black")
    )
    assert math.isnan(between(mean, black).deletion_before)
    assert between(mean, mean).deletion_before == 0.3
    assert between(mean, black).spearman == pytest.approx(1)


def test_other_superpixels_and_two_differences_are_warned_of():
    """On the grid over the photograph, the same map agrees; what else could be the cause is named."""
    coarse, fine = (
        Seen(grid(np.zeros((64, 64, 3), np.uint8), k), Profile(64).placement(64, 64), 64, 64) for k in (16, 64)
    )
    weights = np.arange(16) + 1.0
    finer = weights.reshape(4, 4).repeat(2, axis=0).repeat(2, axis=1).ravel() / 4
    found = between(planted(weights), planted(finer), (coarse, fine))
    assert found.spearman == pytest.approx(1)
    assert found.on_grid is True
    told = outcome([found] * 6, Terms(one_model=False, differing=("segmenter",)))
    models, superpixels = told.warnings
    assert "Models and recipes both differ (in segmenter)" in models
    assert "of 6 of 6 photographs are not the same" in superpixels
    assert "a grid of 64 by 64" in superpixels


def test_under_one_recipe_nothing_of_two_is_told():
    """Models are compared as ever: no agreement, no warning, and another label explained is compared."""
    weights = np.arange(K) + 1.0
    found = compare(planted(weights), planted(weights[::-1], label="no"), (SEEDS, SEEDS))
    assert found.spearman == pytest.approx(-1)
    assert found.test == "paired"
    told = outcome([found] * 6, Terms())
    assert told.agreement is None
    assert told.warnings == ()
    assert told.sentence.startswith("Grounding cannot be compared")
