"""Which of several explanations a model bears out: planted models, of which the right one is known."""

import numpy as np
import pytest

from pipeline.judge.faithfulness import mu_fidelity, subsets
from pipeline.judge.standing import standing
from tests.planted import striped

K = 24
SCENE = striped(K)
MASKS = subsets(SCENE, 1)


def chance(seed: int = 0) -> np.random.Generator:
    """Keyed by the seed."""
    return np.random.Generator(np.random.Philox(seed))


def test_the_right_weights_are_best_supported() -> None:
    """Of an additive model its own weights, before others of no relation to it."""
    right, wrong = chance().normal(size=(2, K))
    found = standing(np.stack([wrong, right]), MASKS, MASKS @ right, 7)
    assert (found.best, found.tied, found.at_odds) == (1, (1,), ())
    assert found.sentence(["one", "other"]) == "other is best supported here, before one."


def test_two_that_say_the_same_cannot_be_told_apart() -> None:
    """The same weights on another scale, and slightly other ones; a third of no relation is worse."""
    right, wrong, jolt = chance().normal(size=(3, K))
    found = standing(np.stack([right, 3 * right, right + 0.02 * jolt, wrong]), MASKS, MASKS @ right, 7)
    assert found.tied == (0, 1, 2)
    assert found.rank_agreement[0, 1] == pytest.approx(1)
    assert found.top5_jaccard[0, 1] == 1
    assert found.sentence("abcd") == "a, b and c cannot be told apart here, and are better supported than d."


def test_two_halves_of_the_truth_contradict_each_other() -> None:
    """Each names one half of what counts and the other's as against it: borne out alike, and of no agreement."""
    one, other = np.zeros((2, K))
    one[:6], other[6:12] = 1, 1
    found = standing(np.stack([one, other]), MASKS, MASKS @ (one + other), 7)
    assert found.best is not None
    assert found.at_odds == ((0, 1),)
    assert found.sentence(["lime", "rise"]).startswith("lime and rise contradict each other here")


def test_of_noise_none_is_supported() -> None:
    """No more often than one in twenty, whichever of three is best by chance."""
    alarms = 0
    for seed in range(60):
        generator = chance(seed)
        found = standing(generator.normal(size=(3, K)), MASKS, generator.random(len(MASKS)), seed)
        alarms += found.best is not None
    assert alarms <= 60 * 0.15  # the best of three, each of which is above chance in one of forty


def test_a_score_that_never_moves_supports_nothing() -> None:
    """Nor do weights that are all alike, which say nothing."""
    found = standing(chance().normal(size=(2, K)), MASKS, np.full(len(MASKS), 0.7), 1)
    assert found.best is None
    assert found.sentence(["a", "b"]).startswith("None of them is supported here")
    right = chance().normal(size=K)
    found = standing(np.stack([right, np.ones(K)]), MASKS, MASKS @ right, 1)
    assert (found.best, found.tied) == (0, (0,))
    assert np.isnan(found.mu_fidelity[1])
    assert found.sentence(["shap", "anchors"]) == "shap is best supported here; anchors prefers no part of the picture."


def test_the_figure_is_mu_fidelity_and_chance_is_keyed() -> None:
    """The same as the judgement's, and the same whenever it is asked."""
    weights = chance().normal(size=(3, K))
    scores = MASKS @ weights[0] + chance(1).normal(size=len(MASKS))
    one, again = (standing(weights, MASKS, scores, 5) for _ in range(2))
    assert one.mu_fidelity.tolist() == [mu_fidelity(each, MASKS, scores) for each in weights]
    assert (one.best, one.tied) == (again.best, again.tied)
    assert one.chance == pytest.approx(1.6449 / np.sqrt(K - 1), abs=1e-4)
