"""Planted kinds of models: each is judged as it is, but for the one that no method of masks can find out."""

import pytest

from benchmarks.judgements import KINDS, rates
from pipeline.recipes import recipe

SLACK = "Slack's fooling model"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name != SLACK], ids=lambda kind: kind.name)
def test_a_judgement_is_right_about_each_kind(kind):
    """At the fewest superpixels that can be told from chance, and at a photograph's usual number."""
    found = rates([kind], (6, 49), 2, recipe("default"))
    assert set(found.values()) == {1.0}, found


@pytest.mark.parametrize("k", [3, 5])
def test_of_a_handful_of_superpixels_nobody_can_tell(k):
    """Whatever the model, unless there is nothing to explain: see `few`."""
    assert set(rates(KINDS, (k,), 1, recipe("default")).values()) == {1.0}


def test_what_answers_every_mask_honestly_is_taken_for_honest():
    """Slack et al.'s model differs on the whole photograph alone, by no more than a mask hides: the docs say so."""
    [kind] = [kind for kind in KINDS if kind.name == SLACK]
    assert set(rates([kind], (49,), 2, recipe("default")).values()) == {0.0}
