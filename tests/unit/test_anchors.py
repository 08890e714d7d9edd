"""Anchors: planted models get the right rule, and what is called proved holds as often as it says."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from pipeline.answer.attribution import Claim
from pipeline.conversation.probe import Draw, Evidence, Probe, pack_evidence, unpack_evidence
from pipeline.explain import explain
from pipeline.methods import METHODS, explainer, planned
from pipeline.methods.anchor_options import Options
from pipeline.methods.anchor_rows import Criterion, Seen, pooled
from pipeline.methods.anchor_strategies import beam, prefix
from pipeline.methods.anchor_trial import Trial
from pipeline.methods.anchor_trials import FEW, Ask, Trials
from pipeline.methods.anchors import Anchors, Search
from pipeline.methods.precision import Bounds, part
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
        2 + 16,
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


@pytest.mark.parametrize("limit", [{"budget": 200}, {"rounds": 3}])
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
        ({"budget": 17}, "budget is 17, expected at least 18, which the first look takes"),
        ({"rounds": 2.5}, "rounds is 2.5, expected a whole number of at least 3"),
        ({"largest": 2}, "largest is 2, expected a share above 0 up to 1"),
        ({"width": 3}, "method anchors has no option 'width'; there are threshold, delta"),
        ({"treshold": 0.9}, r"has no option 'treshold' \(did you mean threshold\?\); there are"),
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


MASKS = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)
NEARNESS = np.array([1.0, -2.0, 3.0, -4.0])
SEEN = Seen(MASKS, np.array([True, False, True, False]), NEARNESS)


def test_rows_tell_what_each_superpixel_does():
    """The mean with it on, less that with it off; where it never is either counts as 0."""
    np.testing.assert_allclose(SEEN.nearness_with(), [-0.5, 2.0, 0.0])
    np.testing.assert_allclose(SEEN.effects(), [-0.5 - (-0.5), 2.0 - (-3.0), 0.0 - (-0.5)])
    having = SEEN.having((0, 1))
    assert (having.masks.tolist(), having.kept.tolist(), having.nearness.tolist()) == (
        [[True, True, False]],
        [True],
        [1],
    )
    np.testing.assert_allclose(having.nearness_with(), [1, 1, 0])
    assert len(SEEN.having(()).kept) == 4
    both = pooled([SEEN, having])
    assert (len(both.masks), both.kept.tolist()[3:], both.nearness.tolist()[3:]) == (5, [False, True], [-4, 1])


@pytest.mark.parametrize(
    ("options", "needed"),
    [(Options(), [0.25, 0.5, 0.75, 0.0]), (Options(keep="score", share=0.625), [0.5] * 4)],
    ids=["top", "score"],
)
def test_an_answer_is_kept_from_the_score_that_it_needs(options, needed):
    """The best other's, or a share of the photograph's; nearness is the logarithm of the one over the other."""
    scores = np.array([[0.125, 0.5, 0.25], [0.5, 0.5, 0.0], [0.75, 0.125, 0.0], [0.0, 0.0, 0.0]], dtype=np.float32)
    found = Criterion(options, 1, 0.8).seen(np.ones((4, 3), dtype=bool), scores)
    own = scores[:, 1]
    assert found.kept.tolist() == [one >= need for one, need in zip(own, needed, strict=True)]
    least = np.maximum(np.array([own, needed], dtype=float), 1e-6)
    np.testing.assert_allclose(found.nearness, np.log(least[0] / least[1]))
    assert found.nearness.dtype == np.float64


def test_a_model_with_one_label_keeps_it():
    """There is no other to be best."""
    found = Criterion(Options(), 0, 0.8).seen(np.ones((2, 3), dtype=bool), np.array([[0.5], [0.0]], dtype=np.float32))
    assert found.kept.tolist() == [True, True]


def test_a_trial_has_bounds_by_its_part_of_delta():
    """And is proved from the threshold on; without a row nothing is."""
    options = Options(threshold=0.9, delta=0.2)
    for place in (1, 2, 3):
        bounds = Bounds(0.9, 0.2 * part(place))
        trial, enough = Trial((1,), place), bounds.proving(0)
        assert not trial.proved(options)
        assert trial.next_look(options) == enough
        assert trial.nats_left(options) == pytest.approx(-math.log(0.2 * part(place)))
        for n in (enough - 1, enough):
            looked = replace(trial, successes=n, n=n)
            assert looked.bounds(options) == bounds.at(n, n)
            assert looked.proved(options) == (n == enough)
            assert looked.nats_left(options) == bounds.nats_left(n, n)


def test_one_row_may_prove_a_rule():
    """Where next to nothing is asked of it."""
    assert Trial((1,), 1, 1, 1).proved(Options(threshold=1e-9, delta=0.9))


def test_after_a_failure_no_more_rows_are_looked_at_than_before():
    """And no more than it takes."""
    options = Options()
    enough = Bounds(0.95, 0.1 * part(1)).proving(1)
    assert Trial((1,), 1, successes=9, n=10).next_look(options) == 10
    assert Trial((1,), 1, successes=enough - 4, n=enough - 3).next_look(options) == 3
    assert Trial((1,), 1, successes=10, n=10).next_look(options) == Bounds(0.95, 0.06).proving(0) - 10


def test_a_trial_counts_the_rows_of_its_law():
    """Those that have its superpixels on."""
    assert Trial((1,), 2, successes=3, n=5).with_rows(SEEN) == Trial((1,), 2, successes=5, n=7)
    assert Trial((0,), 2).with_rows(SEEN) == Trial((0,), 2, successes=1, n=2)


def trials(*tried, k=8, options=None, **more):
    """A search with these candidates."""
    return Trials(options or Options(threshold=0.9, delta=0.2), k, tried=tried, **more)


def rows(n, k=8, kept=None):
    """So many rows with all on; so many of them keep the answer."""
    return Seen(np.ones((n, k), dtype=bool), np.arange(n) < (n if kept is None else kept), np.zeros(n))


def test_a_rule_is_of_no_more_superpixels_than_a_share_of_them():
    """Rounded down."""
    assert [trials(k=k, options=Options(largest=0.5)).most for k in (1, 7, 8)] == [0, 3, 4]
    assert trials(k=7, options=Options(largest=1)).most == 7


def test_candidates_that_are_proved_come_the_fewest_superpixels_first():
    """Of as many, that with the higher lower bound; those that are not are not among them."""
    small, sure, best = Trial((1,), 1, 90, 90), Trial((1, 2), 2, 90, 90), Trial((2, 3), 3, 190, 190)
    assert trials(best, sure, Trial((4,), 4, 5, 9), small).proved == [small, best, sure]


@pytest.mark.parametrize(
    ("tried", "disproved"),
    [
        ([Trial((0, 1, 2, 3), 1, 0, 40)], True),
        ([Trial((0, 1, 2, 3), 1, 0, 40), Trial((4, 5, 6, 7), 2, 0, 40)], True),
        ([Trial((0, 1, 2, 3), 1, 0, 40), Trial((4, 5, 6, 7), 2, 9, 9)], False),
        ([Trial((0, 1, 2), 1, 0, 40)], False),
        ([], False),
    ],
)
def test_a_search_is_disproved_by_all_of_the_largest_sets(tried, disproved):
    """Of which there is one at least; smaller ones say nothing."""
    assert trials(*tried).disproved is disproved


def test_all_rows_of_a_law_are_known_whatever_they_were_drawn_for():
    """Those drawn for a part of the set that have all of it on; not those drawn for more."""
    drawn = Seen(np.array([[1, 1, 0], [1, 0, 0]], dtype=bool), np.array([True, False]), np.zeros(2))
    wider = Seen(np.array([[1, 1, 1]], dtype=bool), np.array([True]), np.ones(1))
    found = trials(k=3, shown=(((0,), drawn), ((0, 1, 2), wider)))
    assert found.spent == 3
    assert found.known((0, 1)).masks.tolist() == [[True, True, False]]
    assert found.known((0, 1, 2)).nearness.tolist() == [1.0]
    assert found.known((0,)).kept.tolist() == [True, False]


def test_a_part_of_delta_is_handed_on_once_from_a_candidate_that_was_proved():
    """New candidates get the places of those first, then the next there is; old ones keep theirs."""
    options = Options(threshold=0.9, delta=0.2)
    held = Trial((1, 2), 2, 90, 90)
    search = trials(Trial((1,), 1, 5, 9), held, options=options)
    looks = search.looks_at([(1,), (3,), (4,)])
    assert [ask.on for ask in looks] == [(1,), (3,), (4,)]
    assert [ask.n for ask in looks] == [
        Trial((1,), 1, 5, 9).next_look(options),
        Trial((3,), 2).next_look(options),
        Trial((4,), 3).next_look(options),
    ]
    assert all(ask.proves and ask.seed is None for ask in looks)
    taken = trials(Trial((1,), 1, 5, 9), held, Trial((3,), 2), options=options)
    assert taken.looks_at([(4,)])[0].n == Trial((4,), 3).next_look(options)
    assert trials(options=options).looks_at([()])[0].n == Trial((), 1).next_look(options)


def test_rows_count_for_each_candidate_of_whose_law_they_are_until_it_is_proved():
    """A look names a new candidate; rows that are to prove nothing name none."""
    wide, proved, other = Trial((1, 2), 1, 1, 2), Trial((1, 3), 2, 90, 90), Trial((4,), 3, 1, 1)
    search = trials(wide, proved, other)
    found = search.after(Ask((1,), 5), rows(5, kept=4))
    named = found.trial((1,))
    assert (named.successes, named.n, named.place) == (4, 5, 2)  # the part of delta of the one that was proved
    assert found.tried[:3] == (Trial((1, 2), 1, 5, 7), proved, other)
    assert [on for on, _ in found.shown] == [(1,)]
    assert search.after(Ask((1,), 5, proves=False), rows(5)).trial((1,)) is None
    again = found.after(Ask((1,), 5), rows(5))
    assert [one.on for one in again.tried].count((1,)) == 1
    assert again.trial((1,)).n == 10


def test_superpixels_are_put_in_the_order_in_which_they_help():
    """The largest effect first, of equal ones the first by number; the rows are of the law of keeping nothing."""
    found = trials(k=3).ordered(SEEN)
    assert found.order == (1, 2, 0)
    assert [on for on, _ in found.shown] == [()]
    alike = Seen(np.resize([False, True], (1, 200)), np.ones(1, dtype=bool), np.ones(1))
    assert trials(k=200).ordered(alike).order == (*range(1, 200, 2), *range(0, 200, 2))


@pytest.mark.parametrize(
    ("kept", "n", "hopeless"),
    [(0, FEW, True), (0, FEW - 1, False), (FEW, FEW, False), (90, 90, False), (12, FEW, True)],
)
def test_a_set_is_hopeless_that_its_rows_say_is_below_the_threshold(kept, n, hopeless):
    """From sixteen on; one that is proved never is."""
    search = trials().after(Ask((1,), n), rows(n, kept=kept))
    assert search.hopeless((1,)) is hopeless


def test_the_set_that_keeps_nothing_is_given_up_last():
    """By rows that make any other hopeless, as it would take longer to prove than it is worth."""
    search = trials(shown=(((), rows(20, kept=18)),))
    assert search.hopeless((1,))
    assert not search.hopeless(())


def test_a_set_is_hopeless_where_a_wider_one_is():
    """What fails with more on fails with less."""
    search = trials().after(Ask((1, 2), 40), rows(40, kept=0))
    assert search.hopeless((1,))
    assert search.hopeless((1, 2))
    assert not search.hopeless((3,))


@pytest.mark.parametrize(
    ("name", "least"),
    [("threshold", 1e-9), ("delta", 1e-9), ("largest", 1e-9), ("rounds", 3), ("budget", 18)],
)
def test_options_may_be_as_little_as_that(name, least):
    """And no less."""
    assert getattr(Options(**{name: least}), name) == least
    with pytest.raises(ValueError, match=f"^{name} is "):
        Options(**{name: least - 1})


def test_options_may_be_all():
    """A share may be the whole, a precision and a chance may not; none is true or false."""
    assert (Options(largest=1).largest, Options(keep="score", share=1).share) == (1, 1)
    assert Options(strategy="beam", beam=1).beam == 1
    for name in ("threshold", "delta", "largest", "rounds", "budget"):
        with pytest.raises(ValueError, match=f"^{name} is True, expected"):
            Options(**{name: True})


def conversation(predict, **options):
    """All that was asked of twelve superpixels, and the rule."""
    made = recipe("anchors").override({"judge": False} | {f"options.{name}": value for name, value in options.items()})
    talker, shown, evidence = Anchors(made, LABELS), striped(K), []
    step = talker.open(shown)
    while isinstance(step, Probe):
        evidence.append(Evidence(step, predict(shown, step.masks())))
        step = talker.proceed(shown, evidence)
    return evidence, step.labels[0]


def test_a_search_goes_on_to_the_last_row_and_the_last_round_that_it_may():
    """A budget of just what the first three rounds take lets them be asked, and one less does not; so do rounds."""
    predict = of(lambda masks: masks[:, :5].all(axis=1))
    evidence, _ = conversation(predict)
    assert len(evidence) > 4
    asked = np.cumsum([one.probe.n for one in evidence]).tolist()
    for limit, rounds in (
        ({"budget": asked[2]}, 3),
        ({"budget": asked[2] - 1}, 2),
        ({"budget": asked[3] - 1}, 3),
        ({"rounds": 3}, 3),
        ({"rounds": 4}, 4),
    ):
        assert [one.probe.n for one in conversation(predict, **limit)[0]] == [one.probe.n for one in evidence][:rounds]
    single = of(PLANTED["single"][0])
    evidence, label = conversation(single)
    assert label.rule.outcome == "anchor"  # by the rows of the last round, which count where it is the last that may be
    assert conversation(single, rounds=len(evidence))[1].rule == label.rule


def test_the_order_is_told_by_masks_of_the_recipe_s_design():
    """A block under each seed, once it is known that keeping nothing will not do."""
    made = recipe("anchors").override({"judge": False, "seeds": [1, 2]})
    talker, shown = Anchors(made, LABELS), striped(K)
    step = talker.open(shown)
    step = talker.proceed(shown, [Evidence(step, of(majority)(shown, step.masks()))])
    assert step.blocks == tuple(Draw("hadamard", seed, made.drawn(K)) for seed in (1, 2))


@pytest.mark.parametrize("holds", [majority, PLANTED["constant"][0]])
def test_no_rows_are_drawn_twice(holds):
    """Each look has a seed of its own, in each round and under each of the recipe's seeds."""
    seeds = []
    for seed in (1, 2):
        made = recipe("anchors").override({"judge": False, "seeds": [seed]})
        talker, shown, evidence = Anchors(made, LABELS), striped(K), []
        step = talker.open(shown)
        while isinstance(step, Probe):
            seeds += [one.seed for one in step.blocks if isinstance(one, Draw) and one.design == "bernoulli"]
            evidence.append(Evidence(step, of(holds)(shown, step.masks())))
            step = talker.proceed(shown, evidence)
    assert len(seeds) > 3
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize(
    ("holds", "options", "outcome", "sentence"),
    [
        (PLANTED["and"][0], {}, "anchor", ""),
        (PLANTED["constant"][0], {}, "empty", ""),
        (
            lambda masks: masks.all(axis=1),
            {},
            "none",
            "No few parts of the picture keep the answer by themselves: there is no rule to rely on.",
        ),
        (
            lambda masks: masks[:, :5].all(axis=1),
            {"rounds": 3},
            "undecided",
            "No rule was proved with the evaluations there were: the parts shown are the best guess.",
        ),
    ],
)
def test_a_rule_claims_that_its_precision_is_surely_enough(holds, options, outcome, sentence):
    """By the lower bound; of no rule nothing is known, nor of what it would be."""
    label = conversation(of(holds), **options)[1]
    assert label.rule.outcome == outcome
    assert label.claims == (Claim("rule.low", pytest.approx(label.rule.low, nan_ok=True), 0.95, sentence),)
    figures = (label.rule.precision, label.rule.low, label.rule.high)
    assert np.isnan(figures).tolist() == [outcome == "none"] * 3
    assert outcome == "none" or label.rule.low <= label.rule.precision <= label.rule.high


def test_the_best_guess_is_what_kept_the_answer_most_often():
    """Of as many the one that came last; where a set is proved, that; where the photograph does not keep it, none."""
    tried = Trial((1,), 1, 5, 10), Trial((2,), 2, 8, 10), Trial((3,), 3, 16, 20), Trial((4,), 4, 8, 9)
    for last, best in ((Trial((5,), 5, 0, 9), tried[3]), (Trial((5,), 5, 8, 9), Trial((5,), 5, 8, 9))):
        assert Search(None, True, (), trials(*tried, last)).found() == ("undecided", best)
    assert Search(None, True, (), trials(*tried[:3])).found() == ("undecided", tried[2])
    held = Trial((6,), 6, 90, 90)
    assert Search(None, True, (), trials(*tried, held)).found() == ("anchor", held)
    assert Search(None, False, (), trials(*tried)).found() == ("none", None)


def test_superpixels_are_put_in_order_once_keeping_nothing_will_not_do():
    """As long as it may, it is looked at; where it is proved nothing else is."""
    ordering = (Ask((), 128, proves=False, seed=1),)
    search = Search(None, True, ordering, trials())
    assert search.wanted() == search.trials.looks_at([()])
    lost_rows = trials(shown=(((), rows(20, kept=0)),))
    assert replace(search, trials=lost_rows).wanted() is ordering
    assert replace(search, trials=trials(Trial((), 1, 90, 90))).wanted() == ()


BEAM = Options(threshold=0.9, delta=0.2, strategy="beam", beam=2)


def lost(on, masks, nearness):
    """Twenty rows of each of these masks, drawn for a set, none of which keeps the answer."""
    every = np.repeat(np.array(masks, dtype=bool), 20, axis=0)
    return on, Seen(every, np.zeros(len(every), dtype=bool), np.repeat(np.array(nearness, dtype=float), 20))


ALONE = (
    lost((0,), [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]], [-3, -1, -2]),
    lost((1,), [[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 1]], [-0.5, -4, -1]),
)
FIRST = Trial((0,), 1, 0, 60), Trial((1,), 2, 0, 60)


def test_a_beam_looks_again_at_sets_of_the_size_reached_that_may_hold():
    """Those that are not hopeless; when one is proved, at none."""
    search = trials(*FIRST, Trial((2,), 3), k=4, options=BEAM, shown=ALONE)
    assert [ask.on for ask in beam(search)] == [(2,)]
    assert beam(replace(search, tried=(*search.tried, Trial((3,), 4, 90, 90)))) == []


def test_a_beam_goes_on_to_the_best_sets_of_one_more():
    """As many as it is wide, the nearest to keeping the answer first, of two alike the first by number; up to the
    largest that are still a rule."""
    search = trials(*FIRST, k=4, options=BEAM, shown=ALONE)
    assert [ask.on for ask in beam(search)] == [(0, 1), (0, 2)]
    assert [ask.on for ask in beam(replace(search, options=replace(BEAM, beam=3)))] == [(0, 1), (0, 2), (1, 3)]
    pair = lost((0, 1), [[1, 1, 1, 1]], [-1])
    over = replace(search, tried=(*FIRST, Trial((0, 1), 3, 0, 20)), shown=(*ALONE, pair))
    assert beam(over) == []
    assert {len(ask.on) for ask in beam(replace(over, options=replace(BEAM, largest=0.75)))} == {3}


ORDER = (5, 3, 1, 0, 2, 4, 6, 7)


def shown_rows(*counts):
    """Rows for the empty set: (superpixels on, how many, whether they keep the answer) each."""
    masks = np.concatenate([np.tile(np.isin(np.arange(8), on), (n, 1)) for on, n, _ in counts])
    kept = np.concatenate([np.full(n, keeps) for _, n, keeps in counts])
    return ((), Seen(masks, kept, np.zeros(len(kept))))


@pytest.mark.parametrize(
    ("counts", "largest", "looked"),
    [
        ([((5,), 20, True)], 0.5, ()),
        ([((), 20, False), ((5,), 20, True)], 0.5, (5,)),
        ([((5,), 20, False), ((3, 5), 20, True)], 0.5, (3, 5)),
        ([((3, 5), 20, False), ((0, 1, 3, 5), 20, True)], 0.5, (0, 1, 3, 5)),
        ([((3, 5), 20, False), ((0, 1, 3, 5), 20, True)], 0.375, (1, 3, 5)),
        ([(ORDER, 20, False)], 0.5, (0, 1, 3, 5)),
        ([(ORDER, 20, False)], 0.25, (3, 5)),
        ([(ORDER, 20, False)], 1.0, tuple(range(8))),
    ],
)
def test_prefixes_are_doubled_until_one_may_hold(counts, largest, looked):
    """None, one, two, four of the order, up to the largest that is still a rule, which is looked at in any case."""
    search = trials(options=Options(threshold=0.9, delta=0.2, largest=largest), shown=(shown_rows(*counts),))
    assert [ask.on for ask in prefix(replace(search, order=ORDER))] == [looked]
    if not counts[-1][2]:
        assert prefix(replace(search, order=ORDER, tried=(Trial(looked, 1, 0, 20),))) == []


@pytest.mark.parametrize(
    ("held", "counts", "looked"),
    [
        ((0, 1, 3, 5), [((0, 1, 3, 5), 40, True)], (5,)),
        ((0, 1, 3, 5), [((5,), 20, False), ((0, 1, 3, 5), 20, True)], (3, 5)),
        ((0, 1, 3, 5), [((3, 5), 20, False), ((0, 1, 3, 5), 20, True)], (1, 3, 5)),
        ((5,), [((5,), 20, True)], ()),
    ],
)
def test_between_what_is_hopeless_and_what_holds_prefixes_are_halved(held, counts, looked):
    """The middle of none and four is one; then two; then three."""
    search = trials(Trial(held, 1, 90, 90), order=ORDER, shown=(shown_rows(*counts),))
    assert [ask.on for ask in prefix(search)] == [looked]


def test_where_keeping_nothing_is_proved_there_is_nothing_more_to_look_at():
    """It has no superpixel that could be left out."""
    search = trials(Trial((), 1, 90, 90), order=ORDER, shown=(shown_rows(((0, 1, 3, 5), 90, True)),))
    assert prefix(search) == []


def test_from_the_shortest_prefix_what_is_missed_least_is_left_out():
    """First a few rows without each superpixel that may be missed, where there are not so many yet; then a look at the
    rule without one, the nearest to keeping the answer; and from the shorter rule on."""
    held = Trial((1, 3, 5), 1, 90, 90)
    few = shown_rows(((3, 5), 20, False), ((1, 3, 5), FEW - 1, True))
    search = trials(held, order=ORDER, shown=(few,))
    assert prefix(search) == [Ask((1, 5), FEW, proves=False), Ask((1, 3), FEW, proves=False)]
    enough = shown_rows(((3, 5), 20, False), ((1, 3, 5), FEW, True))
    assert [ask.on for ask in prefix(replace(search, shown=(enough,)))] == [(1, 3)]
    more = tuple(
        (on, Seen(np.tile(np.isin(np.arange(8), on), (FEW, 1)), np.ones(FEW, dtype=bool), np.full(FEW, nearness)))
        for on, nearness in (((1, 3), -2.0), ((1, 5), -1.0))
    )
    known = replace(search, shown=(few, *more))
    assert [ask.on for ask in prefix(known)] == [(1, 5)]
    assert [ask.on for ask in prefix(replace(known, shown=(few, *reversed_nearness(more))))] == [(1, 3)]
    shorter = replace(known, tried=(held, Trial((1, 5), 2, 90, 90)))
    assert prefix(shorter) == [Ask((1,), FEW, proves=False)]


def reversed_nearness(shown):
    """The same rows, as far from keeping the answer as the others are near."""
    return tuple((on, replace(seen, nearness=-3 - seen.nearness)) for on, seen in shown)
