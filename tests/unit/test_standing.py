"""Which of several explanations a model bears out: planted models, of which the right one is known."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipeline.judge.faithfulness import mu_fidelity, subsets
from pipeline.judge.stability import top_jaccard
from pipeline.judge.standing import RESAMPLES, _leaders, _resampled, standing
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
    assert found.sentence(["lime", "rise"]) == (
        "lime and rise contradict each other here, and the tests cannot tell which is right: rely on neither alone."
    )


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
    assert found.sentence(["a", "b"]) == (
        "None of them is supported here: hiding what they call important moves the score no more than chance."
    )
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


def test_pairs_agree_as_the_figures_of_agreement_say() -> None:
    """Each pair once, the same both ways, and each explanation wholly with itself."""
    weights = chance(3).normal(size=(3, K))
    found = standing(weights, MASKS, MASKS @ weights[0], 5)
    for a in range(3):
        for b in range(3):
            both = weights[[a, b]]
            assert found.rank_agreement[a, b] == pytest.approx(spearmanr(*both).statistic)
            assert found.top5_jaccard[a, b] == pytest.approx(top_jaccard(both, 5))


def test_of_one_superpixel_there_is_no_chance_agreement() -> None:
    """Of two there is: the normal quantile over the root of one less than their number."""
    one, two = (standing(np.ones((2, k)), subsets(striped(k), 1), np.full(len(MASKS), 0.5), 1).chance for k in (1, 2))
    assert np.isnan(one)
    assert two == pytest.approx(1.6449, abs=1e-4)


def resamples(*shares: tuple[float, float, float]) -> np.ndarray:
    """A thousand of each: so many thousandths of one value, and the rest of another."""
    return np.array(
        [[low] * round(1000 * share) + [high] * (1000 - round(1000 * share)) for share, low, high in shares]
    )


@pytest.mark.parametrize(("share", "best"), [(0.02, 0), (0.03, None)])
def test_the_best_is_supported_if_its_resamples_lie_above_nothing(share: float, best: int | None) -> None:
    """All but one in forty of them; and nothing itself is not above it."""
    assert _leaders(np.array([0.5]), resamples((share, -1.0, 0.5)))[0] == best
    assert _leaders(np.array([0.0]), resamples((0, 0, 0.0))) == (None, ())


def test_the_more_are_compared_the_surer_a_difference_has_to_be() -> None:
    """One in forty for all pairs with the best together (Bonferroni): a fiftieth is little for one, not for two."""
    best, other = (0, 0, 0.6), (0.02, 0.7, 0.1)
    assert _leaders(np.array([0.6, 0.1]), resamples(best, other)) == (0, (0,))
    assert _leaders(np.array([0.6, 0.1, 0.1]), resamples(best, other, other)) == (0, (0, 1, 2))


@pytest.mark.parametrize(("ahead", "tied"), [(0.01, (0, 1)), (0.0101, (1,))])
def test_a_hundredth_of_a_difference_does_not_matter(ahead: float, tied: tuple[int, ...]) -> None:
    """Of a model without chance any could be told."""
    assert _leaders(np.array([0.0, ahead]), resamples((0, 0, 0.0), (0, 0, ahead))) == (1, tied)


def test_resamples_are_of_the_pictures_and_the_same_for_all() -> None:
    """Spearman's correlation over pictures drawn with replacement, by the key and their number."""
    weights = chance(2).normal(size=(2, K))
    scores = MASKS @ weights[0]
    found = _resampled(weights, MASKS, scores, 5)
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([5, len(MASKS)])))
    drawn = generator.integers(0, len(MASKS), (RESAMPLES, len(MASKS)))
    assert found.shape == (2, RESAMPLES)
    for at in (0, 1, RESAMPLES - 1):
        for one, value in zip(weights, found[:, at], strict=True):
            taken = (~MASKS @ one)[drawn[at]]
            assert value == pytest.approx(-spearmanr(taken, scores[drawn[at]]).statistic)


def test_two_alone_that_cannot_be_told_apart_are_a_sentence() -> None:
    """Without others that they are better than; and of every explanation there is a name."""
    right = chance().normal(size=K)
    found = standing(np.stack([right, 2 * right]), MASKS, MASKS @ right, 7)
    assert found.sentence("ab") == "a and b cannot be told apart here."
    with pytest.raises(ValueError, match="shorter"):
        found.sentence("abc")


def test_resamples_that_do_not_vary_say_nothing() -> None:
    """Of two pictures, drawn twice the same one is no number; both of them are told wholly. Weights all alike never."""
    masks = np.array([[False, True], [True, False]])
    found = _resampled(np.array([[1.0, 0.0], [1.0, 1.0]]), masks, np.array([0.0, 1.0]), 3)
    assert set(found[0][~np.isnan(found[0])].tolist()) == {1.0}
    assert np.isnan(found[0]).mean() == pytest.approx(0.5, abs=0.05)
    assert np.isnan(found[1]).all()
