"""What a model's inside can be asked, in words."""

from typing import Any

import pytest

from polelens.model_words import inside_word

WHOLE = {"layer": "conv5", "exact_cam": True, "no_gradient": None, "no_relevance": None}


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (WHOLE, "cam, gradients, relevance"),
        (WHOLE | {"exact_cam": False, "no_relevance": "no rule for its Erf"}, "maps, gradients"),
        (
            WHOLE | {"layer": None, "exact_cam": False, "no_gradient": "none for its Mod", "no_relevance": "so"},
            "scores alone",
        ),
        ({"layer": "conv5", "exact_cam": True, "no_gradient": None}, "cam, gradients"),  # nobody tried its relevance
        (None, "not tried"),
    ],
)
def test_the_short_word_names_all_that_can_be_asked_and_nothing_else(facts: dict[str, Any] | None, word: str) -> None:
    """Maps, gradients and relevance are named each where they are to be had; what was not tried is not promised."""
    assert inside_word(facts) == word
