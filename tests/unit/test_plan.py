"""What a plan reckons with, and what it says of it."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from pipeline.judge import faithfulness, grounding
from pipeline.methods import METHODS, planned, planned_evaluations
from pipeline.methods.chosen_fill import CANDIDATES
from pipeline.recipes import RECIPES, recipe
from polelens.cli.plan import ANSWERING, ASSUMED, REDUCE_SECONDS, Means, Plan, rounds_told
from polelens.cli.rates import Rate
from polelens.cli.sample import Sample
from polelens.cost import InRounds, shortest
from polelens.stack.workers import Crew
from polelens.web.rendering import environment

SAMPLE = Sample(4, 40, seconds=0.05)
REST = SAMPLE.seconds + REDUCE_SECONDS  # of a photograph, beside its inference


def reckoned(rate: float | None, infer: int, rest: int = 1) -> Means:
    return Means(Rate(rate, "audits") if rate else None, Crew(infer, rest), ANSWERING, SAMPLE)


def test_inference_and_the_rest_share_the_workers() -> None:
    """Two take half as long as one, for both."""
    assert reckoned(100, 1).seconds(5_000, 10) == pytest.approx(50 + 10 * REST)
    assert reckoned(100, 2).seconds(5_000, 10) == pytest.approx((50 + 10 * REST) / 2)


def test_the_rest_takes_what_its_own_processes_need() -> None:
    """However fast the inference is, as on a GPU."""
    assert reckoned(1e9, 8).seconds(5_000, 10) == pytest.approx(10 * REST)
    assert reckoned(1e9, 8, rest=2).seconds(5_000, 10) == pytest.approx(10 * REST / 2)


def test_what_is_not_known_is_not_guessed() -> None:
    """Without a rate there is no time."""
    assert reckoned(None, 2).seconds(5_000, 10) is None


@pytest.mark.parametrize("name", RECIPES)
def test_a_plan_follows_the_superpixels(name: str) -> None:
    """Those that photographs have go before those that the recipe asks for; a fixed number of samples stays, and so
    does the budget of what asks in rounds."""
    made = recipe(name)
    assert planned(made, made.superpixels) == planned(made)
    few, many = planned(made, 20), planned(made, 200)
    assert (few["explanation"] < many["explanation"]) == (made.samples == "auto" and METHODS[made.method].once)
    assert many.get("judging", 0) - few.get("judging", 0) == (180 if made.judge else 0)


def test_a_plan_has_the_parts_that_a_recipe_asks_for() -> None:
    """The explanation always; what chooses the fill, the tests, their thorough ones and the experiment where wanted."""
    grid = {"name": "grid", "n_segments": 36}
    plain = recipe("default").override({"judge": False, "segmenter": grid, "samples": 100})
    assert planned(plain) == {"explanation": 2 + 9 * 100}
    every = plain.override({"judge": True, "thorough": True, "denoise": 1.0, "fill": "auto"})
    assert planned(every) == {
        "fill": len(CANDIDATES) - 1,
        "explanation": 2 + 9 * 100,
        "judging": faithfulness.PLANNED + 36 + grounding.PLANNED,
        "thorough": faithfulness.SUBSETS + 4 * (2 + 3 * 100),
        "denoise": 2 + 9 * 100,
    }
    assert planned_evaluations(every) == sum(planned(every).values())


def test_a_rate_says_where_it_is_from() -> None:
    """A warm-up is said, and so are audits that were slower than it: they were not alone."""
    assert list(Rate(100, "audits").notes()) == []
    assert "measured by a warm-up on this machine: 100 evaluations" in next(Rate(100, "warm-up").notes())
    assert "audits of it had 20 evaluations" in next(Rate(100, "warm-up", slower=20).notes())


def test_a_recipe_that_asks_in_rounds_says_the_least_and_the_most() -> None:
    """Of one photograph, beside what the default takes: three seeds of its masks at least, fourteen at most, and the
    tests of the answer in any case."""
    cost, default = InRounds.of(recipe("adaptive"), 40), planned_evaluations(recipe("default"), 40)
    assert cost is not None
    assert cost.default == default
    assert (cost.least - default, cost.most - default) == ((3 - 9) * 128, (14 - 9) * 128)
    assert cost.sentence == (
        f"adaptive asks 3 to 14 seeds of each photograph, about {cost.least:,} to {cost.most:,} evaluations: few where "
        "its 5 strongest superpixels are soon told from the next; where not, until more seeds would "
        f"hardly tell them apart, or all, which is more than the {default:,} of the recipe default"
    )


ROUNDS = Plan("poles@1", "adaptive", "f32", 9, 0, 0, 40, 4, 5184, 17856, 18, 0, 1, ASSUMED, 900.0, None, 19.8, None)


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (ROUNDS, ("5,184 to 17,856", "assumed as none answers, at most 19.8 s", "at most 18 parts")),
        (replace(ROUNDS, evaluations=5184), ("about 5,184", "assumed as none answers, about 19.8 s", "; 18 parts")),
        (replace(ROUNDS, seconds=None), ("assumed as none answers not known",)),
    ],
)
def test_a_page_says_at_most_where_the_command_does(plan: Plan, told: tuple[str, ...]) -> None:
    """Of what is reckoned with all seeds, where few may be enough."""
    order = SimpleNamespace(asked={"model": plan.model})
    found = SimpleNamespace(plan=plan.to_json(), notes=())
    html = environment().get_template("plan.html").render(order=order, found=found, refused="")
    text = " ".join(re.sub("<[^>]*>", " ", html).split())
    assert all(one in text for one in told)
    assert ("at most" in plan.line()) == ("at most" in text)


def test_what_a_photograph_may_cost_is_told_where_something_is_asked() -> None:
    """Not of an audit all of whose photographs were explained before."""
    cost = InRounds.of(recipe("adaptive"), 40)
    assert cost is not None
    plan = replace(ROUNDS, in_rounds=cost)
    assert rounds_told([plan, replace(plan, evaluations_least=0, evaluations=0), ROUNDS]) == [cost.sentence]


@pytest.mark.parametrize("name", RECIPES)
def test_what_asks_all_at_once_varies_by_no_rounds(name: str) -> None:
    """Only what has a rule of stopping does, and the shortest of it has none left."""
    made = recipe(name)
    assert (InRounds.of(made) is None) == (made.stopping is None)
    assert InRounds.of(shortest(made)) is None


@pytest.mark.parametrize(
    ("name", "changes", "superpixels"),
    [
        ("adaptive", {"seeds": [1, 2]}, 40),
        ("adaptive", {"seeds": [1]}, 40),
        ("adaptive", {}, 5),
        ("shap", {"stopping": {}}, 5),
    ],
)
def test_rounds_of_which_there_is_one_are_none(name: str, changes: dict, superpixels: int) -> None:
    """Where the first round is all there is: there are no more seeds, or all masks are asked, as they are few."""
    assert InRounds.of(recipe(name).override(changes), superpixels) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"stopping": {"top": 3}},
            "its 3 strongest superpixels are soon told from the next, and all where not",
        ),
        ({"stopping": {"top": 1}}, "few where its strongest superpixel is soon told from the next, and all where not"),
        ({"stopping": {"ratio": 0.1}}, "few where its weights are soon known, and all where they are not, which is"),
        ({"seeds": [1, 2, 3, 4]}, "or all"),  # never more than the default: that is not said
    ],
)
def test_where_many_seeds_are_asked_is_told_by_the_rule(changes: dict, told: str) -> None:
    """By the rule of the recipe, not by that of `adaptive`."""
    cost = InRounds.of(recipe("adaptive").override(changes), 40)
    assert cost is not None
    assert told in cost.sentence
    assert ("more than the" in cost.sentence) == (cost.most > cost.default)
