"""What a plan reckons with, and what it says of it."""

import pytest

from pipeline.methods import METHODS, planned
from pipeline.recipes import RECIPES, recipe
from polelens.cli.plan import ANSWERING, REDUCE_SECONDS, Means, Rate
from polelens.cli.sample import Sample
from polelens.stack.workers import Crew

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


def test_a_rate_says_where_it_is_from() -> None:
    """A warm-up is said, and so are audits that were slower than it: they were not alone."""
    assert list(Rate(100, "audits").notes()) == []
    assert "measured by a warm-up on this machine: 100 evaluations" in next(Rate(100, "warm-up").notes())
    assert "audits of it had 20 evaluations" in next(Rate(100, "warm-up", slower=20).notes())
