"""Which superpixels are shown: each measure by brute force, at its boundary, and what a person may write."""

import numpy as np
import pytest

from pipeline.answer.selection import Selection

WEIGHTS = np.array([0.1, -0.5, 0.3, 0.0, 0.4, 0.2])  # strongest first: 4, 2, 5, 0


def chosen(by, value, weights=WEIGHTS):
    """The numbers of the superpixels that are chosen."""
    return set(np.flatnonzero(Selection(by, value).chosen(weights)).tolist())


@pytest.mark.parametrize(
    ("by", "value", "expected"),
    [
        ("number", 0, set()),
        ("number", 2, {4, 2}),
        ("number", 99, {4, 2, 5, 0}),  # none without positive weight, however many are asked for
        ("share", 0, set()),
        ("share", 0.5, {4, 2, 5}),  # of all six, positive or not
        ("share", 0.4, {4, 2}),  # 2.4 of them
        ("share", 1, {4, 2, 5, 0}),
        ("threshold", 0.2, {4, 2, 5}),  # at least so much
        ("threshold", 0.2000001, {4, 2}),
        ("threshold", 0, {4, 2, 5, 0}),
        ("evidence", 0, set()),
        ("evidence", 0.39, {4}),
        ("evidence", 0.41, {4, 2}),
        ("evidence", 0.71, {4, 2, 5}),
        ("evidence", 1, {4, 2, 5, 0}),
    ],
)
def test_each_measure_takes_the_strongest(by, value, expected):
    """As few as carry the evidence, so many, such a share, or those of such a weight."""
    assert chosen(by, value) == expected


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.8, 1.0])
def test_evidence_is_carried_by_as_few_as_can(share):
    """One fewer carries less, of any weights; rounding does not ask for one more."""
    generator = np.random.default_rng(0)
    for _ in range(50):
        weights = generator.normal(size=20)
        found = np.sort(weights[Selection("evidence", share).chosen(weights)])
        whole = weights.clip(min=0).sum()
        assert found.sum() >= share * whole * (1 - 1e-9)
        assert found[1:].sum() < share * whole


def test_a_share_that_sums_exactly_is_met_by_those_that_carry_it():
    """Two of four alike are a half, in spite of rounding; and of ten tenths, all ten are the whole."""
    assert chosen("evidence", 0.5, np.full(4, 0.1)) == {0, 1}
    assert chosen("evidence", 1.0, np.full(10, 0.1)) == set(range(10))
    assert chosen("evidence", 0.3, np.full(10, 0.1)) == {0, 1, 2}


def test_of_equal_weights_the_first_by_number_is_chosen():
    """However many there are, and however they lie."""
    weights = np.random.default_rng(0).integers(1, 4, 300).astype(float)
    strongest = sorted(range(300), key=lambda one: (-weights[one], one))
    for number in (2, 50, 150):
        assert chosen("number", number, weights) == set(strongest[:number])


def test_the_strongest_may_speak_against():
    """By absolute weight; zero is never among them."""
    assert set(np.flatnonzero(Selection("number", 2).strongest(WEIGHTS)).tolist()) == {1, 4}
    assert not Selection("number", 6).strongest(np.zeros(6)).any()


def test_nothing_supports_where_no_weight_is_positive():
    """By any measure."""
    for by, value in (("evidence", 0.8), ("number", 3), ("threshold", 0.0), ("share", 1.0)):
        assert chosen(by, value, np.array([-0.5, 0.0, -0.1])) == set()


def test_eight_tenths_of_the_evidence_are_shown_unless_asked():
    """As few as carry them."""
    assert Selection() == Selection("evidence", 0.8)


@pytest.mark.parametrize(
    ("by", "value", "said"),
    [
        ("weight", 1, "selection by 'weight', expected one of evidence, number, threshold, share"),
        ("number", -1, "selection by number: value is -1, expected 0 or more"),
        ("threshold", float("nan"), "selection by threshold: value is nan, expected 0 or more"),
        ("evidence", 1.01, "selection by evidence: value is 1.01, expected 0..1"),
        ("share", 2, "selection by share: value is 2, expected 0..1"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(by, value, said):
    """With what was expected."""
    with pytest.raises(ValueError, match=f"^{said}$"):
        Selection(by, value)


@pytest.mark.parametrize(("by", "value"), [("number", 7), ("threshold", 7.5), ("evidence", 1), ("share", 1)])
def test_numbers_and_weights_may_be_larger_than_one(by, value):
    """And shares be all."""
    assert Selection(by, value).value == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", Selection("number", 4)),
        (" 4 ", Selection("number", 4)),
        ("10%", Selection("share", 0.1)),
        ("100 %", Selection("share", 1)),
        (">0.02", Selection("threshold", 0.02)),
        (">= 2", Selection("threshold", 2)),
    ],
)
def test_a_person_writes_a_number_a_share_or_a_least_weight(text, expected):
    """As in `--show`."""
    assert Selection.of(text) == expected


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "101%", "0%", ">0", ">inf", "nan", "few", "4X", "X4", ""])
def test_what_is_no_selection_is_refused_with_the_three_ways(text):
    """Each of them shown."""
    with pytest.raises(ValueError) as told:
        Selection.of(text)
    assert str(told.value) == (
        f"show is {text!r}, expected a number of superpixels like 4, a share of them like 10%, or a least weight like "
        "'>0.02'"
    )
