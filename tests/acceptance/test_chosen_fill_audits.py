"""`fill: auto` through workers: the model is asked in a round of its own, and what it said is kept with the answer."""

import numpy as np

from pipeline.methods.chosen_fill import CANDIDATES
from pipeline.recipes import recipe
from tests import models
from tests.live_audits import Bench, pictures

SIZE = 32


def test_the_fill_that_is_least_of_the_label_is_taken(shared_bench: Bench) -> None:
    """A model that is sure of what is bright is asked about black, one of what is dark about something brighter; the
    whole answer is that of the core alone."""
    bright = np.full((SIZE, SIZE), 0.9 / (3 * SIZE * SIZE * 255))
    model = shared_bench.model(models.additive(bright, bias=0.05), "bright", "dark", name="filled")
    shared_bench.photographs("filled", pictures(2, seed=6))
    auto = recipe("default").override({"fill": "auto", "labels": ["bright"], "samples": 32, "seeds": [1, 11]})
    for label in ("bright", "dark"):
        made = auto.override({"labels": [label]})
        number = shared_bench.audits.start(model, made, "filled/*")
        shared_bench.ask("produce")
        assert shared_bench.wait(number).done == 2
        shared_bench.assert_undisturbed(number, model, made)
        for row in shared_bench.results(number):
            assert row.attribution is not None
            choice = row.attribution.fill_choice
            assert choice is not None
            assert set(choice.scores) == set(CANDIDATES)
            assert (choice.taken == "black") == (label == "bright")
            assert choice.scores[choice.taken] == min(choice.scores.values())
            assert row.attribution.fill_probabilities is not None
            assert row.attribution.fill_probabilities[label] == choice.scores[choice.taken]
            assert row.attribution.to_json() == shared_bench.explained_alone(model, row, made).to_json()
