"""Recipes compared over an archive, from one command to the page: who agrees with whom, and who is more faithful."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.recipes import recipe
from tests import models
from tests.commands import CommandsIn
from tests.live_audits import Bench, pictures

N = 6  # as many as a word needs
# Black by its number: a recipe has the name under which it was first stored, and other tests of these workers call the
# same with the word `black` something else.
COARSE = {"fill": "#000000", "labels": ["yes"], "segmenter.n_segments": 16}
RECIPES = {
    "default": recipe("default").override({"segmenter": "grid"}).override(COARSE),
    "occlusion": recipe("occlusion").override({"segmenter": "grid"}).override(COARSE),
    "few": recipe("default").override({"segmenter": "grid"}).override({**COARSE, "samples": 4, "seeds": [1]}),
    "fine": recipe("default").override({"segmenter": "grid"}).override({**COARSE, "segmenter.n_segments": 64}),
}


@pytest.fixture(scope="module")
def numbers(shared_bench: Bench) -> dict[str, int]:
    """Audits of one additive model: by two ways to the same weights, by too few masks, and over other superpixels."""
    bench = shared_bench
    weights = np.kron(np.random.Generator(np.random.Philox(5)).uniform(-1, 1, (4, 4)), np.ones((8, 8)))
    onnx_file = models.additive(weights * 0.4 / np.abs(weights).sum() / 255, bias=0.5)
    version = bench.model(onnx_file, "yes", "no", name="recipes")
    bench.photographs("recipes", pictures(N, seed=31))
    started = {name: bench.audits.start(version, one, "recipes/*") for name, one in RECIPES.items()}
    for number in started.values():
        assert bench.wait(number).done == N
    return started


def test_two_ways_to_find_the_same_weights_agree(
    shared_bench: Bench, commands: CommandsIn, numbers: dict[str, int], tmp_path: Path
) -> None:
    """Of an additive model: nearly the same order, the same curves, no p-value, and the page says recipe A and B."""
    cli = commands(shared_bench.environment)
    told = cli.json("audit", "compare", numbers["default"], numbers["occlusion"])
    assert (told["recipe_before"], told["recipe_after"]) == ("default", "occlusion")
    assert told["differing"] == ["method"]
    outcome = told["outcome"]
    assert outcome["word"] == "same"
    assert outcome["sentence"].startswith(
        "No difference in faithfulness that can be told between default and occlusion"
    )
    assert outcome["agreement"]["spearman"]["mean"] > 0.95
    assert (outcome["counts"]["compared"], outcome["counts"]["judged"], outcome["warnings"]) == (N, 0, [])
    assert {(one["p_value"], one["test"], one["on_grid"]) for one in told["photographs"]} == {(None, None, False)}
    printed = cli("audit", "compare", numbers["default"], numbers["occlusion"], "--report", tmp_path)
    assert "A: default" in printed
    assert "contradict most" in printed
    page = (tmp_path / "index.html").read_text()
    assert page.count("recipe A · <bdi>default</bdi>") == page.count("recipe B · <bdi>occlusion</bdi>") == N
    assert len(list((tmp_path / "pictures").glob("*.webp"))) == 2 * N
    assert "explained differently" not in page
    assert "default and occlusion: No difference" in cli("audit", "comparisons")


def test_too_few_masks_are_less_faithful(shared_bench: Bench, commands: CommandsIn, numbers: dict[str, int]) -> None:
    """Than enough of them, by the paired curves; the photographs that contradict most come first."""
    cli = commands(shared_bench.environment)
    told = cli.json("audit", "compare", numbers["few"], numbers["default"])
    outcome = told["outcome"]
    assert outcome["word"] == "better"
    names = (f"audit {numbers[name]}" for name in ("default", "few"))
    assert outcome["sentence"].startswith("{}'s explanations are more faithful than {}'s: deletion".format(*names))
    assert outcome["agreement"]["faithfulness"]["low"] > 0
    least = min(told["photographs"], key=lambda one: one["spearman"])
    printed = cli("audit", "compare", numbers["few"], numbers["default"], "--limit", "1")
    assert least["name"] in printed
    assert sum(one["name"] in printed for one in told["photographs"]) == 1


def test_other_superpixels_are_compared_on_the_grid(
    shared_bench: Bench, commands: CommandsIn, numbers: dict[str, int]
) -> None:
    """With a warning: that the evidence lies in the same places is seen, and whose curves are better is not claimed."""
    cli = commands(shared_bench.environment)
    outcome = cli.json("audit", "compare", numbers["default"], numbers["fine"])["outcome"]
    assert outcome["agreement"]["spearman"]["mean"] > 0.6
    assert (outcome["counts"]["on_grid"], outcome["word"]) == (N, "unknown")
    assert "curves over another segmenter cannot be compared" in outcome["sentence"]
    [warning] = outcome["warnings"]
    assert warning.startswith(f"The superpixels of {N} of {N} photographs are not the same")
    assert warning[:40] in cli("audit", "compare", numbers["default"], numbers["fine"])
