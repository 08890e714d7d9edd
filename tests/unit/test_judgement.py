"""The judgement as values: its words, its sentences, and what it is on paper, old and new."""

import json
import math

import numpy as np
import pytest

from pipeline.answer.judgement import (
    UNDIVIDED,
    Basis,
    Curves,
    Grounding,
    Judgement,
    Likeness,
    Neighbourhood,
    Soundness,
    Thresholds,
    Verdict,
    fill_warning,
)
from pipeline.answer.nulls import to_null

CURVES = Curves(0.25, 0.5, 0.75, 0.625, orders=20, better=1)
SOUND = Soundness("sound", None, "agreement", 0.9, "The explanation is sound.")
DOUBT = Soundness("doubtful", "unstable", "agreement", math.nan, "Its seeds disagree.")
OBJECT = Basis("object", "The answer rests on the object.")
OLD = Verdict("trusted", "gap", 0.5, "It can be trusted.")


def test_a_gain_is_both_curves_over_chance():
    """Deletion is good when it is lower than that of random orders, insertion when it is higher."""
    assert CURVES.gain == 0.25 + 0.125
    assert Curves(0.5, 0.25, 0.5, 0.75).gain == -0.5


def test_of_held_out_fidelity_the_threshold_decides_and_of_others_the_method():
    """What a claim has to be at least."""
    assert Thresholds(fidelity=0.7).least("fidelity.r2_held_out", 0.1) == 0.7
    assert Thresholds(fidelity=0.7).least("completeness", 0.1) == 0.1


@pytest.mark.parametrize(
    ("answers", "words", "sentences"),
    [
        ({}, "", ()),
        ({"soundness": SOUND}, "sound", (SOUND.sentence,)),
        ({"basis": OBJECT}, "object", (OBJECT.sentence,)),
        ({"soundness": SOUND, "basis": OBJECT}, "sound, object", (SOUND.sentence, OBJECT.sentence)),
        ({"soundness": DOUBT, "basis": OBJECT}, "doubtful (unstable), object", (DOUBT.sentence, OBJECT.sentence)),
        ({"verdict": OLD}, "trusted", (OLD.sentence,)),
    ],
)
def test_both_answers_are_told_or_the_one_word_of_before(answers, words, sentences):
    """In a few words, and as a sentence each."""
    found = Judgement(0.5, CURVES, Grounding(), **answers)
    assert found.words == words
    assert found.sentences == sentences


@pytest.mark.parametrize(
    ("area", "fill", "told"),
    [
        (0.5, None, None),
        (math.nan, None, None),
        (0.0, None, "Nothing of what the model is shown is marked as the object: nothing is said of the background."),
        (1.0, None, "All that the model is shown is marked as the object: nothing is said of the background."),
        (0.5, "cat", "The model is sure of the bare fill as cat: weights are measured against that answer."),
        (
            1.0,
            "cat",
            "All that the model is shown is marked as the object: nothing is said of the background. The model is sure "
            "of the bare fill as cat: weights are measured against that answer.",
        ),
    ],
)
def test_a_mask_that_divides_nothing_and_a_fill_that_is_an_answer_are_warned_of(area, fill, told):
    """One after the other, and of neither nothing."""
    assert Judgement(0.5, CURVES, Grounding(mask_area=area), confident_fill=fill).warning == told
    assert fill is None or told.endswith(fill_warning(fill))


@pytest.mark.parametrize("area", UNDIVIDED)
def test_what_an_answer_says_no_warning_says_again(area):
    """A reader is told once that a mask divides nothing, where the second answer tells it."""
    answer = Basis("unknown", UNDIVIDED[area])
    assert Judgement(0.5, CURVES, Grounding(mask_area=area), basis=answer).warning is None


FULL = Judgement(
    0.5,
    CURVES,
    Grounding(0.25, 0.5, 0.125, 0.375, 1.0, 0.75, 0.0625, 0.3, 2.0),
    DOUBT,
    OBJECT,
    Neighbourhood(0.125, -0.5),
    0.75,
    {"seeds": Likeness(0.5, math.nan), "noise:2": Likeness(1.0, 0.25)},
    Thresholds(gap=0.2, superpixels=9),
    "cat",
)


def on_paper(one):
    """As it is kept: JSON without NaN."""
    return json.loads(json.dumps(to_null(one.to_json()), allow_nan=False))


@pytest.mark.parametrize(
    "one", [FULL, Judgement(0.5, CURVES, Grounding()), Judgement(0.1, CURVES, Grounding(), verdict=OLD)]
)
def test_a_judgement_survives_json(one):
    """All of it, with the thresholds it was given by; NaN is null on paper."""
    np.testing.assert_equal(Judgement.from_json(on_paper(one)).to_json(), one.to_json())


def test_both_answers_are_in_one_verdict_on_paper_too():
    """As readers of before look for it: the words, what decided, and both sentences; it is not read back as one."""
    told = on_paper(FULL)
    assert told["verdict"] == {
        "word": "doubtful (unstable), object",
        "figure": "agreement",
        "value": None,
        "sentence": "Its seeds disagree. The answer rests on the object.",
    }
    assert Judgement.from_json(told).verdict is None
    assert on_paper(Judgement(0.5, CURVES, Grounding(), SOUND, OBJECT))["verdict"]["value"] == 0.9
    assert on_paper(Judgement(0.1, CURVES, Grounding(), verdict=OLD))["verdict"]["word"] == "trusted"
    assert on_paper(Judgement(0.1, CURVES, Grounding(), SOUND))["verdict"] is None


def test_a_judgement_of_before_is_read_as_it_was_given():
    """What it did not know of is unknown: no answers, no neighbourhood, today's thresholds, one random order."""
    told = {
        "gap": None,
        "curves": {"deletion": 0.25, "deletion_random": 0.5, "insertion": None, "insertion_random": 0.5},
        "grounding": {"mask_area": 0.5, "mask_share": None},
        "verdict": {"word": "trusted", "figure": "gap", "value": None, "sentence": "It can be trusted."},
    }
    found = Judgement.from_json(told)
    assert (found.verdict.word, found.words) == ("trusted", "trusted")
    assert math.isnan(found.verdict.value)
    assert math.isnan(found.gap)
    assert math.isnan(found.mu_fidelity)
    assert (found.curves.orders, found.curves.better) == (1, 0)
    assert math.isnan(found.curves.insertion)
    assert math.isnan(found.grounding.mask_share)
    assert math.isnan(found.neighbourhood.agreement)
    assert (found.soundness, found.basis, found.sensitivity, found.confident_fill) == (None, None, {}, None)
    assert found.thresholds == Thresholds()
