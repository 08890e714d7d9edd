"""The two answers, each on both sides of every boundary, one test speaking against the explanation at a time."""

import math
from dataclasses import replace

import pytest

from pipeline.answer.attribution import Claim, Stability
from pipeline.answer.judgement import Curves, Grounding, Neighbourhood, Soundness, Thresholds
from pipeline.answer.rule import ANCHOR, EMPTY, Rule
from pipeline.judge.verdict import Findings, agreement, basis, confident_fill, soundness

LIMITS = Thresholds()
FIT = Claim("fidelity.r2_held_out", 0.9, 0.5, "It does not follow.")
STEADY = Stability(9, spearman=0.9, top5_jaccard=0.8, top5_jaccard_chance=0.06)
BETTER = Curves(deletion=0.1, deletion_random=0.5, insertion=0.9, insertion_random=0.5, orders=9)
SOUND = Findings(49, 0.1, (FIT,), STEADY, 0.8, BETTER, Neighbourhood(0.02, 0.7))


def said(limits=LIMITS, **changes):
    """The word and the reason for findings that are sound but for these."""
    found = soundness(replace(SOUND, **changes), limits)
    return found.word, found.reason


def test_where_nothing_speaks_against_it_an_explanation_is_sound():
    """And the method's own claim is the figure shown."""
    found = soundness(SOUND, LIMITS)
    assert (found.word, found.reason, found.figure, found.value) == ("sound", None, "fidelity.r2_held_out", 0.9)


@pytest.mark.parametrize(
    ("gap", "word"), [(0.1, "sound"), (0.0999, "nothing to explain"), (math.nan, "nothing to explain")]
)
def test_below_the_gap_there_is_nothing_to_explain(gap, word):
    """Whatever else was found."""
    assert said(gap=gap)[0] == word
    assert said(gap=gap, k=2)[0] == ("doubtful" if word == "sound" else word)


@pytest.mark.parametrize(("k", "reason"), [(6, None), (5, "few superpixels"), (1, "few superpixels")])
def test_few_superpixels_are_too_few(k, reason):
    """With five, two sets of five strongest always agree."""
    assert said(k=k)[1] == reason


@pytest.mark.parametrize(("gap", "fill", "reason"), [(0.4, 0.5, None), (0.4, 0.51, "fill"), (-0.1, 0.3, "fill")])
def test_a_fill_that_is_an_answer_makes_it_doubtful(gap, fill, reason):
    """One that the model takes for the label itself, or is surer of than of the photograph."""
    assert said(gap=gap, fill=fill)[1] == reason


def test_whoever_lets_every_gap_count_still_has_none_explained_that_is_not_there():
    """With a threshold of 0 a gap of 0 gets past it: the photograph is no surer than the fill, and that is said."""
    found = soundness(replace(SOUND, gap=0.0), replace(LIMITS, gap=0.0))
    assert (found.word, found.reason) == ("doubtful", "fill")
    assert "surer of the bare fill than of the photograph" in found.sentence


@pytest.mark.parametrize(
    ("stability", "reason"),
    [
        (Stability(9, spearman=0.5, top5_jaccard=0.1, top5_jaccard_chance=0.06), None),
        (Stability(9, spearman=0.49, top5_jaccard=0.1, top5_jaccard_chance=0.06), "unstable"),
        (Stability(9, spearman=0.1, top5_jaccard=0.54, top5_jaccard_chance=0.06), None),
        (Stability(9, spearman=0.1, top5_jaccard=0.52, top5_jaccard_chance=0.06), "unstable"),
        (Stability(9, spearman=-0.02, top5_jaccard=0.74, top5_jaccard_chance=0.72), "unstable"),
        (Stability(9), "unstable"),
        (Stability(2), "unstable"),
        (Stability(1), None),
        (Stability(0), None),
    ],
)
def test_seeds_that_disagree_make_it_doubtful(stability, reason):
    """Neither by ranks nor by the five strongest above their chance; only one seed cannot disagree."""
    assert said(stability=stability)[1] == reason


def test_an_overlap_counts_above_its_chance():
    """What random sets give is nothing, all alike is one, and five of five say nothing."""
    assert agreement(Stability(9, top5_jaccard=0.72, top5_jaccard_chance=0.72)) == pytest.approx(0)
    assert agreement(Stability(9, top5_jaccard=1.0, top5_jaccard_chance=0.72)) == pytest.approx(1)
    assert math.isnan(agreement(Stability(9, top5_jaccard=1.0, top5_jaccard_chance=1.0)))


@pytest.mark.parametrize(("value", "reason"), [(0.5, None), (0.499, "unfaithful"), (math.nan, "unfaithful")])
def test_a_claim_below_its_least_makes_it_doubtful(value, reason):
    """One that is no number is below any."""
    assert said(claims=(replace(FIT, value=value),))[1] == reason
    assert said(claims=(Claim("rule.precision", value, 0.5, "It does not hold."),))[1] == reason


def test_the_threshold_of_a_surrogate_s_fit_is_the_settings():
    """A held-out R2 is measured by the setting, other claims by the method's own least."""
    claim = replace(FIT, value=0.6)
    assert said(replace(LIMITS, fidelity=0.7), claims=(claim,))[1] == "unfaithful"
    assert said(replace(LIMITS, fidelity=0.7), claims=(replace(claim, figure="other"),))[1] is None


def test_an_answer_without_claims_is_judged_by_its_curves():
    """No claim is no fault: the curves decide, and are the figure that is shown."""
    found = soundness(replace(SOUND, claims=()), LIMITS)
    assert (found.word, found.figure) == ("sound", "curves.gain")


@pytest.mark.parametrize(
    ("curves", "reason"),
    [
        (replace(BETTER, better=1), "unfaithful"),
        (replace(BETTER, deletion=0.5, insertion=0.5), "unfaithful"),
        (replace(BETTER, deletion=0.5, insertion=0.501), None),
    ],
)
def test_an_order_that_chance_betters_makes_it_doubtful(curves, reason):
    """One random order of nine is enough, and so is no gain over their mean."""
    assert said(curves=curves)[1] == reason


@pytest.mark.parametrize(
    ("k", "near", "reason"),
    [
        (49, Neighbourhood(0.2, 0.5), None),
        (49, Neighbourhood(0.201, 0.5), "neighbourhood"),
        (6, Neighbourhood(0.33, 0.5), None),
        (6, Neighbourhood(0.34, 0.5), "neighbourhood"),
        (49, Neighbourhood(0.0, 0.0), None),
        (49, Neighbourhood(0.0, -0.01), "neighbourhood"),
        (49, Neighbourhood(0.0, math.nan), None),
    ],
)
def test_a_neighbourhood_that_contradicts_the_weights_makes_it_doubtful(k, near, reason):
    """Where any one superpixel costs much, or what costs most weighs least; of six an even share is a sixth."""
    assert said(k=k, neighbourhood=near)[1] == reason


TOLD = {  # what is found otherwise than in `SOUND`: the reason, the figure, its value, and what is said
    "few": (
        {"k": 5},
        "few superpixels",
        "superpixels",
        5,
        "Only 5 superpixels: too few to tell an explanation from chance.",
    ),
    "fill": (
        {"fill": 0.7},
        "fill",
        "fill",
        0.7,
        "The model is sure of the bare fill, too: the colours are measured against that. Try another fill.",
    ),
    "surer": (
        {"fill": 0.4, "gap": -0.2},
        "fill",
        "fill",
        0.4,
        "The model is surer of the bare fill than of the "
        "photograph: the colours are measured against that. Try another fill.",
    ),
    "unstable": (
        {"stability": Stability(9, spearman=0.3)},
        "unstable",
        "stability",
        0.3,
        "Repeating the explanation gives another one: do not rely on it.",
    ),
    "claim": (
        {"claims": (FIT, Claim("rule.precision", 0.2, 0.5, "It does not hold."))},
        "unfaithful",
        "rule.precision",
        0.2,
        "It does not hold.",
    ),
    "curves": (
        {"curves": Curves(0.5, 0.5, 0.25, 0.5, 9)},
        "unfaithful",
        "curves.gain",
        -0.25,
        "Taking the green parts away changes the answer no more than taking any others.",
    ),
    "all parts": (
        {"neighbourhood": Neighbourhood(0.6, -0.5)},
        "neighbourhood",
        "neighbourhood.median_drop",
        0.6,
        "Hiding any small part changes the answer: the model notices that something is hidden.",
    ),
    "opposite": (
        {"neighbourhood": Neighbourhood(0.1, -0.5)},
        "neighbourhood",
        "neighbourhood.agreement",
        -0.5,
        "Hiding one part at a time shows the opposite: the colours hold for half-hidden pictures alone.",
    ),
}


@pytest.mark.parametrize(("changes", "reason", "figure", "value", "sentence"), TOLD.values(), ids=TOLD)
def test_a_doubt_comes_with_the_figure_that_decided_it_and_a_sentence(changes, reason, figure, value, sentence):
    """Each alone, all else being as in a sound one."""
    found = soundness(replace(SOUND, **changes), LIMITS)
    assert found == Soundness("doubtful", reason, figure, value, sentence)


def test_what_is_sound_and_what_has_nothing_to_explain_is_told_so_too():
    """With the figure: the gap as it is, or the method's first claim."""
    assert soundness(replace(SOUND, gap=-0.05), LIMITS) == Soundness(
        "nothing to explain",
        None,
        "gap",
        -0.05,
        "Hiding the whole picture hardly changes the answer: there is nothing to explain.",
    )
    assert soundness(SOUND, LIMITS).sentence == "The colours show what the answer depends on."


@pytest.mark.parametrize(("outcome", "word"), [(EMPTY, "nothing to explain"), (ANCHOR, "sound")])
def test_where_no_superpixel_is_needed_there_is_nothing_to_explain(outcome, word):
    """A rule that asks for none says so, by how often it holds at least; any other outcome leaves it to the tests."""
    found = soundness(replace(SOUND, rule=Rule((), 0.97, 0.95, 0.99, outcome)), LIMITS)
    assert found.word == word
    if word != "sound":
        told = (None, "rule.low", 0.95, "The answer stays whatever is hidden.")
        assert (found.reason, found.figure, found.value, found.sentence) == told


@pytest.mark.parametrize(
    ("reliance", "sentence"),
    [
        (0.1, "The answer rests on the object."),
        (0.5, "The answer rests on the object and on the background alike."),
        (0.9, "The answer rests on the background, not on the object."),
        (math.nan, "Hiding the object and the background hardly changes the answer."),
    ],
)
def test_what_the_score_rests_on_is_a_sentence(reliance, sentence):
    """One for each word, and another where the reason of not knowing is another."""
    found = basis(Grounding(mask_area=0.2, background_reliance=reliance), soundness(SOUND, LIMITS), LIMITS)
    assert found.sentence == sentence


@pytest.mark.parametrize(
    ("reliance", "word"),
    [(0.0, "object"), (0.399, "object"), (0.4, "both"), (0.6, "both"), (0.601, "background"), (math.nan, "unknown")],
)
def test_the_score_rests_on_what_brings_it(reliance, word):
    """On the object below 0.4 of background reliance, on the background above 0.6."""
    found = basis(Grounding(mask_area=0.2, background_reliance=reliance), soundness(SOUND, LIMITS), LIMITS)
    assert found.word == word


def test_without_a_mask_nobody_knows():
    """And it is said so, however sound the explanation is."""
    found = basis(Grounding(), soundness(SOUND, LIMITS), LIMITS)
    assert (found.word, found.sentence) == ("unknown", "Nobody said where the object is.")


@pytest.mark.parametrize("area", [0.0, 1.0])
def test_a_mask_that_divides_nothing_says_nothing(area):
    """And why is said: it is not that nobody marked the object."""
    found = basis(Grounding(mask_area=area), soundness(SOUND, LIMITS), LIMITS)
    assert found.word == "unknown"
    assert "is shown is marked as the object" in found.sentence


def test_where_there_is_nothing_to_explain_it_rests_on_nothing_known():
    """A share of next to nothing is noise."""
    nothing = Soundness("nothing to explain", None, "gap", 0.01, "")
    assert basis(Grounding(mask_area=0.2, background_reliance=0.1), nothing, LIMITS).word == "unknown"


def test_a_fill_is_confident_above_its_threshold():
    """The label that the model gives it, or nothing; nothing too where it was not asked."""
    assert confident_fill({"a": 0.5, "b": 0.5}, LIMITS) is None
    assert confident_fill({"a": 0.49, "b": 0.51}, LIMITS) == "b"
    assert confident_fill(None, LIMITS) is None
