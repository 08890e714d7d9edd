"""Agreement: two recipes on the same photographs, and whose explanations are more faithful."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from pipeline.answer.attribution import Attribution, Errors, FillChoice, LabelAttribution, Stability
from pipeline.answer.judgement import Curves, Grounding, Judgement, Verdict
from pipeline.change.alignment import Seen
from pipeline.change.comparison import compare
from pipeline.change.outcome import Tally
from pipeline.change.terms import Terms
from pipeline.model.profile import Placement, Profile
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
        ([0.304] * 6, [0.6] * 6, "same", "Hardly any difference in faithfulness between default and shap"),
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


def told_by(weights, figures, spearman, words):
    """An answer whose judgement says so: reliance, share and areas; its seeds agree so far."""
    reliance, share, deletion, insertion = figures
    judgement = Judgement(
        0.5,
        Curves(deletion, 0.4, insertion, 0.5),
        Grounding(mask_share=share, background_reliance=reliance),
        verdict=Verdict(words, "gap", 0.5, "Told."),
    )
    one = planted(weights)
    [label] = one.labels
    return replace(one, labels=(replace(label, judgement=judgement, stability=Stability(9, spearman=spearman)),))


def test_a_change_has_each_figure_of_both_under_its_name():
    """What the models predict, how surely, what the judgements say, and the lower agreement of seeds."""
    weights = np.arange(K) + 1.0
    before = replace(told_by(weights, (0.1, 0.2, 0.3, 0.4), 0.75, "trusted"), probabilities={"yes": 0.875, "no": 0.1})
    after = replace(told_by(weights, (0.5, 0.6, 0.7, 0.8), 0.5, "unstable"), probabilities={"yes": 0.25, "no": 0.625})
    found = compare(before, after, (SEEDS, SEEDS))
    assert (found.label_before, found.confidence_before) == ("yes", 0.875)
    assert (found.label_after, found.confidence_after) == ("no", 0.625)
    assert (found.explained_before, found.explained_after) == ("yes", "yes")
    assert (found.reliance_before, found.share_before) == (0.1, 0.2)
    assert (found.deletion_before, found.insertion_before) == (0.3, 0.4)
    assert (found.reliance_after, found.share_after) == (0.5, 0.6)
    assert (found.deletion_after, found.insertion_after) == (0.7, 0.8)
    assert (found.verdict_before, found.verdict_after) == ("trusted", "unstable")
    assert found.seeds_spearman == 0.5
    assert found.on_grid is False


@pytest.mark.parametrize("one_recipe", [True, False])
def test_an_answer_without_a_judgement_is_compared_by_its_weights(one_recipe):
    """What would be in the judgement is unknown, of that answer alone."""
    weights = np.arange(K) + 1.0
    judged = told_by(weights, (0.1, 0.2, 0.3, 0.4), 0.75, "trusted")
    bare = replace(judged, labels=(replace(judged.labels[0], judgement=None),))
    found, other = (compare(*two, (SEEDS, SEEDS), one_recipe=one_recipe) for two in ((judged, bare), (bare, judged)))
    assert (found.spearman, other.spearman) == (pytest.approx(1), pytest.approx(1))
    assert (found.verdict_before, found.verdict_after, other.verdict_before) == ("trusted", None, None)
    for name in ("reliance", "share", "deletion", "insertion"):
        assert math.isnan(getattr(found, f"{name}_after"))
        assert math.isnan(getattr(other, f"{name}_before"))
        assert math.isfinite(getattr(found, f"{name}_before"))


def test_overlap_is_the_evidence_that_lies_in_the_same_place():
    """The histograms' intersection of positive weights, each over its sum; unknown where one has none."""
    one, other = planted([1, 3, -9, 0] * 4), planted([4, 0, 2, 2] * 4)
    assert between(one, other).overlap == pytest.approx(0.25)
    assert math.isnan(between(one, planted([-1.0] * K)).overlap)
    assert math.isnan(between(planted([-1.0] * K), one).overlap)


def test_weights_of_nothing_have_no_order_to_agree_with():
    """Neither with such of their own kind; nor are all alike in any order."""
    nothing, some = planted(np.zeros(K)), planted(np.arange(K) + 1.0)
    for two in ((nothing, some), (some, nothing), (nothing, nothing)):
        assert math.isnan(between(*two).spearman)


def halves(k, width=64):
    """What a network saw of a photograph of 64 by 64: k stripes, of the left part so many pixels wide."""
    segments = np.repeat(np.arange(k, dtype=np.int32), 64 // k)[None].repeat(64, axis=0)
    return Seen(segments, Placement(0, 0, width, 64), 64, 64)


def test_on_a_grid_the_strongest_five_are_compared_by_their_area():
    """Of the photograph: three stripes of seven are among the five of both; half as wide, they lie elsewhere."""
    one, other = np.zeros(16), np.zeros(16)
    one[[0, 1, 2, 3, 4, 5]] = [1, -2, 2, 2, -2, 2]  # the first of them is the weakest, whatever the signs
    other[[3, 4, 5, 6, 7]] = -1
    seen = halves(16), halves(16)
    assert between(planted(one), planted(other), seen).top5_jaccard == pytest.approx(3 / 7)
    equal = between(planted(np.ones(16)), planted(np.r_[np.ones(5), np.zeros(11)]), seen)
    assert equal.top5_jaccard == 1  # of all alike the first five
    narrow = halves(16, width=32)  # the same stripes, half as wide
    assert between(planted(other), planted(other), (seen[0], narrow)).top5_jaccard == pytest.approx(
        4 / 26
    )  # 12 to 32, 6 to 16


@pytest.mark.parametrize("seen", [None, (halves(16), halves(16))], ids=["superpixels", "grid"])
def test_what_weighs_nothing_is_among_no_five(seen):
    """Of superpixels or of area: a rule of one shares nothing with a rule of another, and two empty ones are alike."""
    one, other, nothing = np.eye(16)[3], np.eye(16)[5] + np.eye(16)[6], np.zeros(16)
    assert between(planted(one), planted(other), seen).top5_jaccard == 0
    assert between(planted(one + other), planted(other), seen).top5_jaccard == pytest.approx(2 / 3)
    assert between(planted(one), planted(nothing), seen).top5_jaccard == 0
    assert between(planted(nothing), planted(nothing), seen).top5_jaccard == 1


def test_curves_with_other_chosen_fills_are_of_no_one_measure():
    """`fill: auto` on both sides, and another one taken."""
    weights = np.arange(K) + 1.0
    mean, black = (
        replace(planted(weights), fill_choice=FillChoice(taken, {taken: 0.1})) for taken in ("mean", "black")
    )
    assert math.isnan(between(mean, black).deletion_before)
    assert between(mean, mean).deletion_before == 0.3
    assert between(mean, black).spearman == pytest.approx(1)
    unlike = between(mean, black)
    assert all(math.isnan(getattr(unlike, f"{name}_after")) for name in ("deletion", "insertion"))
    assert (unlike.share_before, unlike.share_after, unlike.top5_jaccard) == (0.5, 0.5, 1)
    assert math.isnan(between(mean, planted(weights)).insertion_before)


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


def test_under_one_recipe_what_each_model_says_is_compared():
    """Its first label, though the other's is explained too: a model that changed its mind is seen to."""
    weights = np.arange(K) + 1.0
    yes, no = planted(weights), planted(weights[::-1], label="no")
    both = replace(yes, labels=(*yes.labels, *no.labels))
    found = compare(both, no, (SEEDS, SEEDS))
    assert (found.explained_before, found.explained_after, found.spearman) == ("yes", "no", pytest.approx(-1))
    assert between(both, no).explained_before == "no"


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
