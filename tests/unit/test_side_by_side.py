"""Side by side: what several recipes have in common is asked once, and all are put to the same tests."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.answer.attribution import Attribution, LabelAttribution
from pipeline.conversation.known import NOTHING
from pipeline.judge.faithfulness import mu_fidelity, subsets
from pipeline.pictures.lettering import fit
from pipeline.pictures.several import CELL, LETTERS, SMALL
from pipeline.recipes import RECIPES
from pipeline.side_by_side import SEED, common_weights, compared
from polelens import explain, recipe, side_by_side
from polelens.cli.side_by_side import tell_side_by_side
from polelens.cli.text import console
from tests.planted import LABELS, planted, striped

GRID = {"segmenter": {"name": "grid", "n_segments": 16}, "fill": "black"}
WEIGHTS = np.linspace(-0.04, 0.08, 16)


def made(name: str, **changes: object):  # type: ignore[no-untyped-def]
    """A recipe over sixteen squares."""
    return recipe(name).override(GRID | changes)


class Counted:
    """A function that answers by weights over sixteen squares, and counts the pictures it is shown."""

    def __init__(self) -> None:
        self.shown = 0

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        self.shown += len(pictures)
        squares = pictures.reshape(len(pictures), 4, 8, 4, 8, 3).mean(axis=(2, 4, 5)).reshape(len(pictures), 16) / 255
        score = 0.4 + squares @ WEIGHTS
        return np.stack([score, 1 - score], axis=1)


WHITE = np.full((32, 32, 3), 255, np.uint8)


def test_each_explanation_is_what_it_is_alone_and_shared_rows_are_asked_once() -> None:
    """The same numbers to the bit, for fewer evaluations than one after another."""
    recipes = [made("default"), made("occlusion"), made("lime", design="coin", samples=200, judge=True)]
    function = Counted()
    found = side_by_side(WHITE, function, recipes, labels=["yes", "no"], size=32)
    together, apart = function.shown, 0
    for one, side in zip(recipes, found.sides, strict=True):
        alone = Counted()
        expected = explain(WHITE, alone, recipe=one, labels=["yes", "no"], size=32)
        assert side.explanation.document() == expected.document()
        apart += alone.shown
    tests = sum(side.asked for side in found.sides)
    assert tests < apart
    assert together - tests <= 200 + 9 * 14  # the subsets of the common tests, and what of the curves is new
    rows = found.rows(found.labels[0])
    assert rows[0]["shared"] == 0
    assert rows[1]["shared"] > 100  # the random orders and the neighbourhood are every method's


def test_methods_that_find_the_truth_cannot_be_told_apart() -> None:
    """Of an additive function both are right, agree, and are said to."""
    recipes = [made("default"), made("occlusion")]
    found = side_by_side(WHITE, Counted(), recipes, labels=["yes", "no"], size=32)
    assert found.sentences == ["yes: default and occlusion cannot be told apart here."]
    [pair] = found.pairs(found.labels[0])
    assert pair["spearman"] == pytest.approx(1)


def test_beside_an_agreement_stands_what_seeds_alone_allow() -> None:
    """The root of what is expected of two runs of each: 1 of what draws nothing, NaN of one seed, which has no second.

    Over many pairs of runs, the runs agree with each other as was expected of them.
    """

    def noisy(pictures: np.ndarray) -> np.ndarray:
        function = Counted()(pictures)
        rough = 0.2 * np.sin(pictures.reshape(len(pictures), -1).astype(float) @ np.arange(3072) / 255)
        return np.clip(function + np.stack([rough, -rough], axis=1), 0, 1)

    def sides(first: int):  # type: ignore[no-untyped-def]
        seeds = [made("lime", samples=64, seeds=[first + 5 * run + seed for seed in range(5)]) for run in (0, 1)]
        named = [replace(one, name=name) for one, name in zip(seeds, ("one", "other"), strict=True)]
        return side_by_side(WHITE, noisy, [*named, made("occlusion")], labels=["yes", "no"], size=32)

    runs = [found.pairs(found.labels[0]) for found in map(sides, range(0, 120, 10))]
    between = [pairs[0]["spearman"] for pairs in runs]
    assert 0.2 < np.mean(between) < 0.95
    assert np.mean([pairs[0]["seeds_allow"] for pairs in runs]) == pytest.approx(np.mean(between), abs=0.1)
    for pairs in runs:
        assert pairs[0]["seeds_allow"] == pytest.approx(pairs[1]["seeds_allow"] * pairs[2]["seeds_allow"])
    steady = side_by_side(WHITE, Counted(), [made("occlusion"), made("lime", seeds=[1])], labels=["yes", "no"], size=32)
    assert np.isnan(steady.pairs(steady.labels[0])[0]["seeds_allow"])
    assert steady.document()["labels"]["yes"]["agreement"][0]["seeds_allow"] is None
    assert steady.sides[0].rerun("yes") == 1


def test_all_are_tested_on_the_first_one_s_superpixels() -> None:
    """Weights of other superpixels are laid on them pixel by pixel; the figure is that of those weights."""
    first = striped(6)
    second = replace(first, segments=first.segments // 2)
    weights = np.array([3.0, -1.0, 2.0])
    label = LabelAttribution("yes", weights)
    laid_on = common_weights(first, second, label)
    assert laid_on.sum() == pytest.approx(weights.sum())
    pixels = (weights / np.bincount(second.segments.ravel()))[second.segments]
    np.testing.assert_allclose(laid_on, [pixels[first.segments == number].sum() for number in range(6)])

    def answered(scene, found):  # type: ignore[no-untyped-def]
        return scene, Attribution({"yes": 0.7, "no": 0.3}, None, 0, (LabelAttribution("yes", found),))

    truth = np.array([0.3, 0.1, -0.1, 0.2, 0.05, 0.0])
    predict = planted(lambda masks: 0.3 + masks @ truth)
    [found] = compared([answered(first, truth), answered(second, weights)], LABELS, predict, NOTHING)
    masks = subsets(first, SEED)
    expected = [mu_fidelity(one, masks, masks @ truth) for one in (truth, laid_on)]
    assert found.standing.mu_fidelity == pytest.approx(expected, abs=0.02)  # scores are float32
    assert found.curves[0].gain > found.curves[1].gain
    assert np.isnan(found.object_share).all()


def test_tests_that_favour_different_ones_are_said_to_disagree() -> None:
    """One explanation holds for a fifth hidden, the other for more and more: neither is called best."""
    scene, k = striped(20), 20
    near, far = np.zeros((2, k))
    near[:4], far[10:] = 0.1, 0.1

    def score(masks: np.ndarray) -> np.ndarray:
        hidden = (~masks).mean(axis=1)
        return np.where(hidden <= 0.2, 0.9 - (~masks) @ near, 0.5 * (masks @ far) / far.sum())

    answers = [
        (scene, Attribution({"yes": 0.9, "no": 0.1}, None, 0, (LabelAttribution("yes", one),))) for one in (near, far)
    ]
    [found] = compared(answers, LABELS, planted(score), NOTHING)
    told = found.sentence(["near", "far"])
    assert told == (
        "The tests disagree here: near says best what hiding a fifth does, far what hiding more and more does."
    )


def test_an_explanation_that_names_nothing_has_no_order_to_test() -> None:
    """Of an empty rule all weights are zero: no curve, no figure, and no place in the ranking."""
    scene, truth = striped(12), np.linspace(0, 0.1, 12)
    answers = [
        (scene, Attribution({"yes": 0.9, "no": 0.1}, None, 0, (LabelAttribution("yes", one),)))
        for one in (np.zeros(12), truth)
    ]
    [found] = compared(answers, LABELS, planted(lambda masks: 0.2 + masks @ truth), NOTHING)
    assert np.isnan([found.curves[0].gain, found.standing.mu_fidelity[0]]).all()
    assert found.sentence(["anchors", "shap"]) == "shap is best supported here; anchors prefers no part of the picture."


@pytest.mark.parametrize("names", [["default"], ["default", "default"]])
def test_two_or_more_each_once(names: list[str]) -> None:
    """One alone is `explain`; the same twice says nothing."""
    with pytest.raises(ValueError, match="side by side are two or more, each once"):
        side_by_side(WHITE, Counted(), names, labels=["yes", "no"], size=32)


LONGEST = max(RECIPES, key=len)


def test_the_table_has_room_for_its_names(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal of 80 columns shows every name and figure whole, of a photograph with a mask, too."""
    recipes = [replace(made(name), name=told) for name, told in (("default", "adaptive-2026"), ("rise", LONGEST))]
    found = side_by_side(WHITE, Counted(), recipes, labels=["yes", "no"], size=32, boxes=[(0, 0, 16, 16)])
    monkeypatch.setattr(console, "_width", 80)
    tell_side_by_side(found, None)
    shown = capsys.readouterr().out
    assert f"\n{LONGEST} " in shown
    assert "MuFidelity object" in shown
    assert "…" not in shown


@pytest.mark.parametrize("name", RECIPES)
def test_a_picture_has_room_for_its_title_and_figures(name: str) -> None:
    """Above a photograph of 16 to 9, upright or lying, neither is cut, whichever recipe it is."""
    upright, lying = round(CELL * 9 / 16), CELL
    assert fit(name, upright, LETTERS) == name
    for width in (upright, lying):
        assert fit("9,999 evaluations, MuFidelity 0.98", width, SMALL).endswith("0.98")


def test_an_answer_that_was_asked_for_in_rounds_says_why_no_more_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """Under the name of its recipe; one that asks all at once has nothing to say of it."""
    recipes = [made("adaptive", samples=32), made("occlusion")]
    found = side_by_side(WHITE, Counted(), recipes, labels=["yes", "no"], size=32)
    [label] = found.sides[0].explanation.attribution.labels
    assert label.agreement.stopped
    tell_side_by_side(found, None)
    shown = " ".join(capsys.readouterr().out.split())
    assert f"adaptive: {label.agreement.stopped.sentence}" in shown
    assert "occlusion: " not in shown


def test_what_is_no_list_of_recipes_is_refused() -> None:
    """A name is not read letter by letter, and `explain` says where several go."""
    with pytest.raises(ValueError, match="recipes is 'default', expected a list of two or more"):
        side_by_side(WHITE, Counted(), "default", labels=["yes", "no"], size=32)
    with pytest.raises(ValueError, match="several are for `side_by_side`"):
        explain(WHITE, Counted(), recipe=["default", "rise"], labels=["yes", "no"], size=32)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected one; several are for `polelens explain`, `audit start`"):
        explain(WHITE, Counted(), recipe="default,rise", labels=["yes", "no"], size=32)


def test_two_settings_of_a_recipe_go_by_two_names() -> None:
    """As the sentence says that refuses them under one; and recipes are held in anything."""
    few = made("default", samples=64)
    with pytest.raises(ValueError, match="each once; two settings of one go by two names"):
        side_by_side(WHITE, Counted(), [few, made("default")], labels=["yes", "no"], size=32)
    two = iter([few.override({"name": "few"}), made("default")])
    assert side_by_side(WHITE, Counted(), two, labels=["yes", "no"], size=32).names == ["few", "default"]


def test_an_argument_that_is_not_there_is_refused() -> None:
    """What is misspelt is not left out in silence."""
    with pytest.raises(TypeError, match="there is no argument lables; there are labels, size"):
        side_by_side(WHITE, Counted(), ["default", "rise"], lables=["yes", "no"], size=32)  # type: ignore[call-arg]


def test_no_label_in_common_is_nothing_to_compare() -> None:
    """It is said, and no empty picture is shown."""
    recipes = [made("default", labels=["yes"]), made("occlusion", labels=["no"])]
    with pytest.raises(ValueError, match="default, occlusion explain no label in common"):
        side_by_side(WHITE, Counted(), recipes, labels=["yes", "no"], size=32)


def test_saved_are_a_picture_the_figures_and_each_explanation(tmp_path: Path) -> None:
    """Strict JSON, a cell a method beside the photograph, and a folder a recipe."""
    recipes = [made("default", samples=32), made("occlusion"), made("rise", samples=16)]
    found = side_by_side(WHITE, Counted(), recipes, labels=["yes", "no"], size=32, show="4")
    found.save(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "default", "occlusion", "rise", "side-by-side.json", "side-by-side.png",
    ]  # fmt: skip
    told = json.loads((tmp_path / "side-by-side.json").read_text(), parse_constant=pytest.fail)
    assert [row["recipe"] for row in told["labels"]["yes"]["recipes"]] == ["default", "occlusion", "rise"]
    assert told["labels"]["yes"]["recipes"][0]["object_share"] is None
    assert (tmp_path / "rise" / "attribution.json").exists()
    with Image.open(tmp_path / "side-by-side.png") as sheet:
        assert sheet.width > 2 * 360  # two columns
    assert "side-by-side" not in found._repr_html_()
    assert found.sentences[0] in found._repr_html_()


def test_what_a_recipe_is_called_leads_nowhere_else(tmp_path: Path) -> None:
    """Its folder stays in the one that was named."""
    hostile = replace(made("occlusion"), name="../../evil")
    side_by_side(WHITE, Counted(), [made("default"), hostile], labels=["yes", "no"], size=32).save(
        tmp_path / "deep/out"
    )
    assert (tmp_path / "deep/out/______evil/attribution.json").exists()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["deep"]
    assert [one.name for one in (tmp_path / "deep").iterdir()] == ["out"]
