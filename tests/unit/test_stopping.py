import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.conversation.probe import Evidence, Probe
from pipeline.explain import explain
from pipeline.methods import explainer, stopping
from pipeline.methods.lime import Lime
from pipeline.methods.surrogate import Linear
from pipeline.recipe import Stopping
from pipeline.recipes import RECIPES
from tests.planted import LABELS, planted, striped

ADAPTIVE = RECIPES["adaptive"].override({"judge": False, "labels": ["yes"]})
WEIGHTS = np.array([0.5, -0.4, 0.3, 0.2, 0.1, 0.02, 0.01])


def fitted(weights):
    return Linear(np.atleast_2d(weights), np.zeros(1), np.zeros((1, 1)))


def enough(spread, rule, weights=WEIGHTS, seeds=6):
    """Whether seeds that scatter so much about the weights are enough."""
    scatter = np.random.default_rng(0).normal(size=(seeds, len(weights)))
    alone = weights + spread * (scatter - scatter.mean(axis=0)) / scatter.std(axis=0)
    left_out = [fitted(np.delete(alone, seed, axis=0).mean(axis=0)) for seed in range(seeds)]
    return stopping.enough(rule, fitted(alone.mean(axis=0)), left_out)


def additive(masks):
    return 0.4 + masks @ (np.random.default_rng(1).normal(size=masks.shape[1]) * 0.3 / masks.shape[1] ** 0.5)


def noise(masks):
    """A score for each mask, with no superpixel in it."""
    return np.random.default_rng(3).random(2**16)[
        (masks @ np.random.default_rng(4).integers(1, 2**20, masks.shape[1])) % 2**16
    ]


def explained(score, made=ADAPTIVE):
    attribution = explain(striped(), explainer(made, LABELS), planted(score))
    return attribution.labels[0], attribution.evaluations


def test_precise_weights_whose_top_stands_are_enough():
    """The error must be small against the weights, and more so if leaving a seed out changes the top."""
    strict = Stopping(top=3, precision=0.25, tie=0)
    assert enough(0.01, strict)
    assert not enough(0.5, strict)
    assert enough(0.5, Stopping(top=7, precision=2, tie=0))
    assert not enough(0.5, Stopping(top=7, precision=0.25, tie=0))


def test_a_top_that_is_not_clear_of_the_next_is_not_enough():
    """The last on top must lie so many standard errors above the next, though no seed left out changes the top."""
    close = np.array([0.5, -0.4, 0.3, 0.28, 0.1, 0.1])
    assert enough(0.005, Stopping(top=3, precision=1, gap=0, tie=0), close)
    assert not enough(0.005, Stopping(top=3, precision=1, gap=100, tie=0), close)
    assert enough(0.005, Stopping(top=6, precision=1, gap=100, tie=0), close)  # nothing comes next


@pytest.mark.parametrize(("seeds", "errors"), [(3, 4.303), (9, 2.306), (14, 2.160)])
def test_confidence_is_student_s(seeds, errors):
    """So many standard errors part the last on top from the next with 95 %, by how many seeds there are; it takes the
    place of the fixed gap, on both sides of the boundary."""
    rule, pooled = Stopping(top=1, precision=9, gap=1000, tie=0, confidence=0.95), np.array([3.0, 2.0])
    apart = np.linspace(-1, 1, seeds)
    for factor in (0.999, 1.001):
        error = 1 / (errors * factor)  # of the first weight, which lies 1 above the second
        scatter = error * apart / np.linalg.norm(apart) * math.sqrt(seeds / (seeds - 1))
        left_out = [fitted(np.add(pooled, [one, 0])) for one in scatter]
        assert stopping.enough(rule, fitted(pooled), left_out) == (factor > 1)
    assert not stopping.enough(replace(rule, confidence=None), fitted(pooled), left_out)


def test_a_top_that_trades_places_is_not_enough_unless_it_is_a_tie():
    """Two superpixels of one weight trade places for ever; once their weights are known closely, that is enough."""
    tied = np.array([0.5, -0.4, 0.3, 0.2, 0.2, 0.2])
    assert not enough(0.05, Stopping(top=4, precision=1, tie=0), tied)
    assert enough(0.05, Stopping(top=4, precision=1, tie=0.1), tied)
    assert not enough(0.5, Stopping(top=4, precision=1, tie=0.1), tied)


def test_every_label_has_to_be_known():
    """One label that is not known is reason enough to go on."""
    rule, sure, unsure = Stopping(top=2), WEIGHTS, WEIGHTS[::-1]
    left_out = [fitted(np.stack([sure, unsure * scale])) for scale in (0, 1, 2)]
    assert not stopping.enough(rule, fitted(np.stack([sure, unsure])), left_out)
    assert stopping.enough(rule, fitted(np.stack([sure, sure])), [fitted(np.stack([sure, sure]))] * 3)


def test_a_rule_s_constants_are_checked():
    """A jackknife takes two seeds."""
    with pytest.raises(ValueError, match=r"stopping\.first is 1, expected a whole number of at least 2"):
        Stopping(first=1)


@pytest.mark.parametrize("score", [additive, lambda masks: np.full(len(masks), 0.3)], ids=["additive", "constant"])
def test_an_easy_photograph_stops_after_the_first_round(score):
    """Where superpixels add up, or nothing is there to explain, three seeds are enough for the default's weights."""
    found, evaluations = explained(score)
    assert evaluations == 2 + 3 * 128
    assert found.stability.seeds == len(found.weights_by_seed) == 3
    default, _ = explained(score, RECIPES["default"].override({"judge": False, "labels": ["yes"]}))
    assert np.abs(found.weights - default.weights).max() <= 1e-3 * np.abs(default.weights).max()


def test_a_hard_photograph_spends_the_budget_and_no_more():
    """Scores that superpixels do not explain are asked about seed by seed until the last."""
    found, evaluations = explained(noise)
    assert evaluations == 2 + 14 * 128
    assert found.stability.seeds == len(found.weights_by_seed) == 14


def test_what_stopped_early_is_what_those_seeds_alone_say():
    """Every number of an answer after a few seeds is that of a recipe with these seeds."""

    def score(masks):
        return 0.2 + 0.5 * masks[:, 0] * masks[:, 1] * masks[:, 2] + 0.2 * masks[:, 3] + 0.1 * masks[:, 4] * masks[:, 5]

    made = ADAPTIVE.override({"stopping.top": 4, "stopping.precision": 0.2})
    found, evaluations = explained(score, made)
    used = (evaluations - 2) // 128
    assert 3 < used < 14
    fixed, _ = explained(score, made.override({"stopping": None, "seeds": list(made.seeds[:used])}))
    assert str(found.to_json()) == str(fixed.to_json())


def test_rounds_are_asked_by_whoever_has_the_evidence():
    """Another explainer, given the evidence through JSON, asks the same next seeds and gives the same answer."""
    shown, predict, evidence = striped(), planted(noise), []
    made = ADAPTIVE.override({"seeds": [1, 2, 3, 4, 5, 6], "stopping.step": 2})
    step, sizes = Lime(made, LABELS).open(shown), []
    while isinstance(step, Probe):
        sizes.append(step.n)
        probe = Probe.from_json(step.to_json())
        evidence.append(Evidence(probe, predict(shown, probe.masks())))
        step, again = (Lime(made, LABELS).proceed(shown, evidence) for _ in range(2))
        assert str(step if isinstance(step, Probe) else step.to_json()) == str(
            again if isinstance(again, Probe) else again.to_json()
        )
    assert sizes == [2 + 3 * 128, 2 * 128, 128]
    assert str(step.to_json()) == str(explain(shown, Lime(made, LABELS), predict).to_json())


def test_a_surrogate_that_is_no_line_is_asked_in_rounds_too():
    """The rule looks at weights and what leaving a seed out does to them, whatever gives them."""
    made = ADAPTIVE.override({"surrogate": "sklearn.tree.DecisionTreeRegressor", "samples": 64, "stopping.top": 1})
    found, evaluations = explained(lambda masks: 0.1 + 0.8 * masks[:, 7], made)
    assert (evaluations, found.weights.argmax()) == (2 + 3 * 64, 7)
