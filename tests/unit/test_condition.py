"""Conditions of the endpoint: for which predictions a photograph is explained."""

import pytest

from polelens.web.endpoint.condition import Condition


@pytest.mark.parametrize(
    ("text", "below", "at", "above"),
    [
        ("score<0.8", True, False, False),
        ("score <= .8", True, True, False),
        (" score>0.8 ", False, False, True),
        ("score >= 0.80", False, True, True),
    ],
)
def test_a_condition_compares_the_score(text: str, below: bool, at: bool, above: bool) -> None:
    """With any of four signs, and blanks wherever people put them."""
    one = Condition.of(text)
    assert (one.holds(0.7), one.holds(0.8), one.holds(0.9)) == (below, at, above)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "score",
        "score=0.5",
        "score<2",
        "score<1.5",
        "score<-1",
        "0.5>score",
        "score<0.5 or 1",
        "score<\N{ARABIC-INDIC DIGIT ONE}",
    ],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    """In a sentence that says what was expected."""
    with pytest.raises(ValueError, match="expected score, one of"):
        Condition.of(text)
