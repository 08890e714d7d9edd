"""Anchors: planted models get the right rule, and what is called proved holds as often as it says."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from pipeline.conversation.probe import Draw, Evidence, Probe, pack_evidence, unpack_evidence
from pipeline.explain import explain
from pipeline.methods import METHODS, explainer, planned
from pipeline.methods.anchors import Anchors
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from tests.planted import LABELS, striped
from tests.planted import planted as model

K = 12
RUNS, THRESHOLD, DELTA = 200, 0.95, 0.1
STRATEGIES = ("prefix", "beam")


def asked(predict, *, k=K, **options):
    """The attribution under an unjudged recipe with these options; `seed` is the recipe's."""
    changes = {"judge": False, "seeds": [options.pop("seed", 1)], "labels": options.pop("labels", "top")}
    made = recipe("anchors").override(changes | {f"options.{name}": value for name, value in options.items()})
    return explain(striped(k), explainer(made, LABELS), predict)


def of(holds):
    """A model that says yes with 0.9 where the masks, bool [n, k], hold, else with 0.1."""
    return model(lambda masks: np.where(holds(masks), 0.9, 0.1))


def majority(masks):
    return masks[:, [1, 4, 6, 7, 10]].sum(axis=1) >= 3


PLANTED = {
    "and": (lambda masks: masks[:, 3] & masks[:, 9], lambda rule: rule == {3, 9}),
    "or": (lambda masks: masks[:, 3] | masks[:, 9], lambda rule: rule in ({3}, {9})),
    "majority": (majority, lambda rule: len(rule) == 3 and rule <= {1, 4, 6, 7, 10}),
    "single": (lambda masks: masks[:, 5], lambda rule: rule == {5}),
    "constant": (lambda masks: np.ones(len(masks), dtype=bool), lambda rule: rule == set()),
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", PLANTED)
def test_planted_models_get_the_right_rule(name, strategy):
    """In at least 95 % of 200 runs, and then it is said to be proved, within 12 rounds and the budget."""
    holds, right = PLANTED[name]
    found = [asked(of(holds), seed=seed, strategy=strategy) for seed in range(RUNS // len(STRATEGIES))]
    rules = [one.labels[0].rule for one in found]
    good = [right(set(rule.superpixels)) and rule.outcome == ("anchor" if rule.size else "empty") for rule in rules]
    assert np.mean(good) >= 0.95
    assert max(one.evaluations for one in found) <= 4096


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rules_of_random_interactions_are_false_no_more_often_than_delta(strategy):
    """Of the rules called proved at most a tenth have a precision below the threshold, by enumeration of all masks."""
    masks, proved, false = np.array(list(product([False, True], repeat=8))), 0, 0
    for seed in range(RUNS // len(STRATEGIES)):
        generator = np.random.default_rng(seed)
        pairs = generator.normal(size=(8, 8)) + np.diag(generator.normal(0.6, 1, 8))
        needed = pairs.sum() - abs(generator.normal()) - 2.5  # the whole photograph keeps its answer

        def holds(shown, pairs=pairs, needed=needed):
            return np.einsum("ni,ij,nj->n", shown, pairs, shown) >= needed

        rule = asked(of(holds), k=8, seed=seed, strategy=strategy).labels[0].rule
        if rule.outcome in ("anchor", "empty"):
            proved += 1
            kept = masks[masks[:, list(rule.superpixels)].all(axis=1)]
            false += holds(kept).mean() < THRESHOLD
    assert proved > RUNS / 8
    assert false <= DELTA * proved


@pytest.mark.parametrize("precision", [0.94, 0.9])
def test_nothing_is_called_empty_that_is_not(precision):
    """A model that keeps its answer a little less often than it must, whatever is on: at most delta of runs say so."""
    shares = np.random.default_rng(0).permutation(2**K) / 2**K

    def holds(masks):
        return masks.all(axis=1) | (shares[masks @ (1 << np.arange(K))] < precision)

    outcomes = [asked(of(holds), seed=seed, largest=0.01).labels[0].rule.outcome for seed in range(RUNS)]
    assert outcomes.count("empty") <= DELTA * RUNS


def test_a_label_that_is_not_the_prediction_has_no_rule_until_a_share_of_its_score_counts():
    """`keep: top` says none at once; `keep: score` finds what keeps half of the score."""
    holds = PLANTED["single"][0]
    predict = model(lambda masks: np.where(holds(masks), 0.4, 0.05))
    assert [asked(predict, labels=["yes"]).labels[0].rule.outcome, asked(predict, labels=["yes"]).evaluations] == [
        "none",
        2 + 60,
    ]
    rule = asked(predict, labels=["yes"], keep="score").labels[0].rule
    assert (rule.superpixels, rule.outcome) == ((5,), "anchor")


def test_each_label_has_a_rule_of_its_own():
    """Labels that do not exclude each other are asked side by side, in the same rounds."""

    def predict(_, masks):
        return np.stack([0.1 + 0.8 * masks[:, 2], 0.1 + 0.7 * masks[:, 7]], axis=1).astype(np.float32)

    found = asked(predict, labels="all", keep="score")
    assert {one.label: one.rule.superpixels for one in found.labels} == {"yes": (2,), "no": (7,)}


def test_what_needs_everything_has_no_rule():
    """An answer that takes more than half of the superpixels is none's; the claim is not fulfilled and says so."""
    label = asked(of(lambda masks: masks.all(axis=1))).labels[0]
    assert (label.rule.outcome, label.rule.superpixels) == ("none", ())
    assert not label.weights.any()
    [claim] = label.claims
    assert not claim.value >= claim.least
    assert claim.sentence.startswith("No few parts of the picture")


@pytest.mark.parametrize("limit", [{"budget": 300}, {"rounds": 3}])
def test_a_search_that_was_cut_short_is_undecided(limit):
    """It never spends more than it may, and its best guess is called that."""
    found = asked(of(lambda masks: masks[:, :5].all(axis=1)), **limit)
    rule = found.labels[0].rule
    assert rule.outcome == "undecided"
    assert rule.low < THRESHOLD
    assert "best guess" in rule.sentence
    assert found.evaluations <= limit.get("budget", 4096)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_at_most_so_many_rounds_are_asked(strategy):
    """However long the search: twelve probes, and no more rows than planned."""
    made = recipe("anchors").override({"judge": False, "options.strategy": strategy, "options.largest": 1.0})
    talker, shown = Anchors(made, LABELS), striped(40)
    predict = of(lambda masks: masks[:, :14].sum(axis=1) >= 13)
    evidence, step = [], talker.open(shown)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, predict(shown, step.masks())))
        step = talker.proceed(shown, evidence)
    assert len(evidence) <= 12
    assert sum(len(one.scores) for one in evidence) <= planned(made)["explanation"] == 4096


def test_any_process_goes_on_from_the_evidence_alone():
    """From scores that were stored another explainer asks the same next, and gives the same answer."""
    shown, predict = striped(K), of(majority)
    made = recipe("anchors").override({"judge": False})
    evidence, step = [], Anchors(made, LABELS).open(shown)
    while isinstance(step, Probe):
        evidence.append(Evidence(Probe.from_json(step.to_json()), predict(shown, step.masks())))
        step = Anchors(made, LABELS).proceed(shown, evidence)
        again = Anchors(made, LABELS).proceed(striped(K), unpack_evidence(pack_evidence(evidence)))
        assert again.to_json() == step.to_json()
    assert step.labels[0].rule.outcome == "anchor"


def test_only_rows_drawn_after_a_set_was_chosen_prove_it():
    """Every row of the certificate has the rule on, and was asked for once all else that led to it was known."""
    shown, predict = striped(K), of(PLANTED["and"][0])
    talker, evidence = Anchors(recipe("anchors"), LABELS), []
    step = talker.open(shown)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, predict(shown, step.masks())))
        step = talker.proceed(shown, evidence)
    rule = step.labels[0].rule
    own = [block for one in evidence for block in one.probe.blocks if isinstance(block, Draw) and block.on == (3, 9)]
    assert rule.precision == 1.0
    assert sum(block.n for block in own) == sum(one.probe.n for one in evidence[2:])
    assert all(block.masks(K)[:, [3, 9]].all() for block in own)
    others = np.concatenate([block.masks(K) for block in own])[:, [0, 1, 2, 4, 5]]
    assert others.mean() == pytest.approx(0.5, abs=0.12)


def test_other_photographs_are_shown_other_rows():
    """So that an unlucky draw is that of one photograph, and not of a whole archive."""
    one, other = striped(K), replace(striped(K), canvas=np.ones((8, K, 3), dtype=np.uint8))
    blocks = [Anchors(recipe("anchors"), LABELS).open(shown).blocks[1] for shown in (one, other, one)]
    assert blocks[0] == blocks[2] != blocks[1]


def test_a_rule_is_laid_on_the_superpixels():
    """Those that belong to it weigh 1, all others 0; its share of the picture is that of the pixels."""
    label = asked(of(PLANTED["and"][0])).labels[0]
    assert label.weights.tolist() == [float(number in (3, 9)) for number in range(K)]
    assert label.supporting().tolist() == (label.weights > 0).tolist()
    assert label.rule.area == pytest.approx(2 / K)
    assert label.claims[0].value == label.rule.low >= THRESHOLD
    assert label.rule.sentence.startswith("Keeping 2 superpixels, 17 % of the picture, keeps the answer in 100.0 %")


def test_an_empty_rule_leaves_nothing_to_explain():
    """It is sound, and no doubt is cast on weights of zero."""
    predict = model(lambda masks: 0.6 + 0.3 * masks.mean(axis=1))
    found = explain(striped(K), explainer(recipe("anchors"), LABELS), predict)
    sound = found.labels[0].judgement.soundness
    assert (sound.word, sound.figure) == ("nothing to explain", "rule.low")
    assert found.labels[0].rule.sentence.startswith("The answer stays whatever is hidden")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1}, "threshold is 1, expected a number between 0 and 1"),
        ({"delta": 0}, "delta is 0, expected a number between 0 and 1"),
        ({"strategy": "greedy"}, "strategy is 'greedy', expected one of prefix, beam"),
        ({"keep": "all"}, "keep is 'all', expected one of top, score"),
        ({"keep": "score", "share": math.inf}, "finite numbers|share is inf"),
        ({"share": 0.7}, "share is 0.7, which goes with keep: score only; leave it out"),
        ({"beam": 3}, "beam is 3, which goes with strategy: beam only; leave it out"),
        ({"beam": 0, "strategy": "beam"}, "beam is 0, expected a whole number of at least 1"),
        ({"budget": 40}, "budget is 40, expected at least 62, which the first look takes"),
        ({"rounds": 2.5}, "rounds is 2.5, expected a whole number of at least 3"),
        ({"largest": 2}, "largest is 2, expected a share above 0 up to 1"),
        ({"width": 3}, "method anchors has no option 'width'; there are threshold, delta"),
    ],
)
def test_options_are_checked(options, message):
    """By name, with what was expected, before any photograph is read."""
    with pytest.raises(ValueError, match=message):
        METHODS["anchors"].check(Recipe("x", method="anchors", seeds=(1,), options=options))


def test_what_asks_again_cannot_be_thorough():
    """The recipe is refused as a whole, and not photograph by photograph once all was asked."""
    with pytest.raises(ValueError, match="method anchors asks again, so it cannot be thorough; leave it out"):
        METHODS["anchors"].check(recipe("anchors").override({"thorough": True}))
