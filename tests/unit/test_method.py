"""A method says what of a recipe it reads, and refuses the rest."""

from dataclasses import dataclass, fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.answer.judgement import Thresholds
from pipeline.conversation.once import Once
from pipeline.conversation.reading import Reading
from pipeline.conversation.remembered import Remembered
from pipeline.explain import explain
from pipeline.judge.faithfulness import Removal, Subsets
from pipeline.judge.grounding import Grounded
from pipeline.judge.judged import Judged
from pipeline.judge.neighbourhood import OneOff
from pipeline.judge.variations import Variations
from pipeline.methods import METHODS, check, explainer, looked_into
from pipeline.methods.asked import base, check_of, chosen, every, named
from pipeline.methods.chosen_fill import ChosenFill
from pipeline.methods.lime import Lime
from pipeline.methods.method import DISPENSABLE, Method
from pipeline.methods.noise_experiment import NoiseExperiment
from pipeline.recipe import Recipe
from pipeline.recipes import RECIPES
from tests.planted import LABELS, striped


@dataclass(frozen=True, slots=True)
class Whole:
    """Options of a method that nobody runs."""

    both: bool = True


ASKS_ONCE = Method(Lime, lambda _: 1, options=Whole)

OTHERWISE: dict[str, Any] = {
    "design": "coin",
    "samples": 64,
    "seeds": (5,),
    "stopping": {"first": 3},
    "kernel_width": 0.5,
    "surrogate": {"name": "ridge", "alpha": 3},
}


@pytest.mark.parametrize("name", DISPENSABLE)
def test_what_a_method_does_not_read_cannot_be_set(name: str) -> None:
    """It would change the digest, so that all is explained again, and no number."""
    recipe = Recipe("x", **{name: OTHERWISE[name]})
    with pytest.raises(ValueError, match=f"has no use for {name}; leave it out"):
        ASKS_ONCE.check(recipe)
    Method(Lime, lambda _: 1, frozenset({name})).check(recipe)


def test_what_every_method_reads_is_free() -> None:
    """Superpixels, fill, labels, tests and the method's own options are no field that it may do without."""
    assert set(DISPENSABLE) < {one.name for one in fields(Recipe)}
    changes = {"segmenter": {"name": "grid", "n_segments": 9}, "fill": "blur", "labels": "all", "judge": False}
    ASKS_ONCE.check(Recipe("x", **changes, denoise=1.0, options={"both": False}))


@pytest.mark.parametrize("name", RECIPES)
def test_named_recipes_are_taken_by_their_methods(name: str) -> None:
    """None of them sets what its method has no use for."""
    METHODS[RECIPES[name].method].check(RECIPES[name])


def test_a_conversation_begins_with_the_whole_photograph_and_the_bare_fill() -> None:
    """All on, then none."""
    np.testing.assert_array_equal(base(3).masks(3), [[True] * 3, [False] * 3])


@pytest.mark.parametrize("k", [1, 2, 5])
def test_every_mask_is_there_once(k: int) -> None:
    """The whole photograph first and the bare fill last."""
    masks = every(k).masks(k)
    assert masks.shape == (2**k, k)
    assert sorted(masks @ (1 << np.arange(k))) == list(range(2**k))
    assert masks[0].all()
    assert not masks[-1].any()


@pytest.mark.parametrize(
    ("wanted", "columns"),
    [
        ("top", [2]),
        ("all", [2, 0, 3, 1]),
        (("d", "b", "a"), [0, 3, 1]),
        ("d", [3]),
        (("c",), [2]),
    ],
)
def test_labels_are_explained_the_most_probable_first(wanted: Any, columns: list[int]) -> None:
    """Of two alike the first of the model's; those named, in whatever order, or the one."""
    scores = np.array([0.2, 0.1, 0.5, 0.2], dtype=np.float32)
    assert chosen(Recipe("x", labels=wanted), ("a", "b", "c", "d"), scores) == columns


def test_of_many_labels_alike_the_first_is_explained() -> None:
    """However many there are, so that every machine explains the same."""
    labels, scores = tuple(f"label {n}" for n in range(1000)), np.resize(np.float32([0.25, 0.5]), 1000)
    assert chosen(Recipe("x", labels="all"), labels, scores) == [*range(1, 1000, 2), *range(0, 1000, 2)]


def test_a_label_is_no_part_of_its_name() -> None:
    """Of one that is called as another with more to it, the other is not explained."""
    assert chosen(Recipe("x", labels="cathode"), ("cat", "cathode"), np.float32([0.75, 0.25])) == [1]


def test_a_row_of_scores_has_the_names_of_its_labels() -> None:
    """As numbers of Python's own, each once; one score for each label."""
    found = named(("a", "b"), np.array([0.5, 0.25], dtype=np.float32))
    assert found == {"a": 0.5, "b": 0.25}
    assert {type(score) for score in found.values()} == {float}
    with pytest.raises(ValueError, match="shorter"):
        named(("a", "b"), np.array([0.5], dtype=np.float32))


def test_a_reading_is_of_the_probability_or_of_the_logit() -> None:
    """Of nothing else."""
    for of in ("probability", "logit"):
        check_of(of)
    with pytest.raises(ValueError, match=r"^of is 'score', expected (logit or probability|probability or logit)$"):
        check_of("score")


def test_an_option_that_is_not_there_is_refused_with_those_that_are() -> None:
    """The first by name; where there is none, that is said. What options refuse is told with the method's name."""
    with pytest.raises(ValueError, match=r"^recipe: method lime has no option 'a'; there are both$"):
        ASKS_ONCE.check(Recipe("x", options={"z": 1, "both": True, "a": 1}))
    with pytest.raises(ValueError, match=r"^recipe: method rise has no option 'a'; there are grid, probability$"):
        METHODS["rise"].check(Recipe("x", method="rise", options={"a": 1}))
    with pytest.raises(ValueError, match=r"^recipe: method lime has no option 'z'; it has none$"):
        Method(Lime, lambda _: 1).check(Recipe("x", options={"z": 1}))
    with pytest.raises(ValueError, match=r"^recipe: options of anchors: threshold is 2, expected a number between"):
        METHODS["anchors"].check(Recipe("x", method="anchors", seeds=(1,), options={"threshold": 2}))


def test_what_asks_again_cannot_be_thorough() -> None:
    """And what asks once can."""
    thorough = Recipe("x", thorough=True)
    ASKS_ONCE.check(thorough)
    with pytest.raises(ValueError, match=r"^recipe: method lime asks again, so it cannot be thorough; leave it out$"):
        Method(Lime, lambda _: 1, once=False).check(thorough)


def test_the_inside_is_read_in_full_precision() -> None:
    """Scores are, in less."""
    ASKS_ONCE.check(Recipe("x", precision="bf16"))
    told = (
        "recipe: precision is bf16, and method lrp reads the network's inside, whose small numbers a lower precision "
    )
    with pytest.raises(ValueError, match=f"^{told}loses; take f32$"):
        METHODS["lrp"].check(Recipe("x", method="lrp", precision="bf16"))


def test_scores_are_no_inside() -> None:
    """What a method reads of the network beside them is."""
    assert Method(Lime, lambda _: 1).inside == frozenset()
    assert Method(Lime, lambda _: 1, reads=frozenset({"scores", "gradient"})).inside == {"gradient"}


@pytest.mark.parametrize(
    ("name", "k", "options"),
    [
        *((name, 6, {}) for name in ("default", "shap", "occlusion", "rise", "anchors")),
        ("default", 4, {}),
        ("shap", 12, {}),
        ("occlusion", 6, {"window": 4}),
    ],
)
def test_every_answer_has_what_the_model_says_of_the_photograph_and_of_the_bare_fill(
    name: str, k: int, options: dict[str, int]
) -> None:
    """By label, the most probable explained first; and counts every row that the model was asked."""
    rows = []

    def predict(_: object, masks: np.ndarray) -> np.ndarray:
        rows.append(len(masks))
        no = 0.75 - masks.mean(axis=1) / 2
        return np.stack([1 - no, no], axis=1).astype(np.float32)

    made = RECIPES[name].override({"judge": False, "labels": "all", "seeds": [1, 11], "options": options})
    found = explain(striped(k), explainer(made, LABELS).inner, predict)
    assert found.probabilities == {"yes": 0.75, "no": 0.25}
    assert found.fill_probabilities == {"yes": 0.25, "no": 0.75}
    assert [one.label for one in found.labels] == ["yes", "no"]
    assert found.evaluations == sum(rows)


def test_a_recipe_s_explainer_is_its_method_s_and_what_it_asks_for_around_it() -> None:
    """The experiment about the method, the tests of both, the choice of the fill before all, and no mask twice; the
    tests have the model's labels, the first seed, and the thresholds that are given, or the usual ones."""
    limits, names = Thresholds(gap=0.25), ("yes", "no")
    made = Recipe("x", seeds=(5, 7), judge=False)
    lime = Lime(made, names)
    assert explainer(made, list(names)) == Once(lime)
    denoised = explainer(replace(made, denoise=0.5), names).inner
    assert isinstance(denoised, NoiseExperiment)
    assert (denoised.recipe, denoised.share) == (replace(made, denoise=0.5), 0.5)
    assert denoised.make(made) == lime
    judged = replace(made, judge=True)
    tests = (Removal(names, 5), OneOff(names), Grounded(names))
    own = Remembered(Lime(judged, names))
    assert explainer(judged, names) == Once(Judged(own, tests, Thresholds()))
    assert explainer(judged, names, limits) == Once(Judged(own, tests, limits))
    thorough = explainer(replace(judged, thorough=True), names, limits).inner
    assert isinstance(thorough, Judged)
    *first, last = thorough.examinations
    assert first == [*tests, Subsets(names, 5)]
    assert isinstance(last, Variations)
    assert (last.recipe, last.make(made)) == (replace(judged, thorough=True), lime)
    auto = explainer(replace(judged, fill="auto"), names, limits).inner
    assert isinstance(auto, ChosenFill)
    assert (auto.recipe, auto.labels) == (replace(judged, fill="auto"), names)
    assert auto.make(judged) == Judged(own, tests, limits)


@pytest.mark.parametrize(
    ("name", "options", "found", "reading"),
    [
        ("grad-cam", {}, {"layer": "last", "of": "probability"}, {"layer": "last", "of": "probability"}),
        ("grad-cam", {"layer": "first"}, {"of": "probability"}, {"layer": "first", "of": "probability"}),
        ("grad-cam", {"of": "probability"}, {"layer": "last"}, {"layer": "last", "of": "probability"}),
        ("lrp", {}, {"of": "probability"}, {"composite": "epsilon-plus-flat", "of": "probability"}),
        ("gradient-x-input", {"of": "probability"}, {}, {"of": "probability"}),
        ("xrai", {}, {}, {}),
    ],
)
def test_what_a_recipe_leaves_to_the_network_is_written_in(
    name: str, options: dict[str, str], found: dict[str, str], reading: dict[str, Any]
) -> None:
    """The last layer, and the probability of a network that shows no logits; what it names stays, and nothing else is
    written. What it reads is put to the network, which may refuse it."""
    refused: list[Reading] = []
    interior = SimpleNamespace(refuse=refused.append, told={"logit": "probability", "probability": "probability"}.get)
    made = Recipe("x", method=name, options=options)
    inside: Any = SimpleNamespace(layer="last", interior=interior)
    assert looked_into(made, inside) == replace(made, options={**options, **found})
    [kind] = METHODS[name].inside
    assert refused == [Reading(kind, **reading)]


def test_a_function_shows_no_inside() -> None:
    """That, and what to do, is one sentence."""
    told = (
        "recipe x reads the inside of a network, and a function of pictures shows none; give the model's file instead"
    )
    with pytest.raises(ValueError, match=f"^{told}$"):
        looked_into(Recipe("x", method="lrp"), None)


def test_what_cannot_be_segmented_or_fitted_is_refused_where_it_is_used() -> None:
    """Options of the segmenter by its name; of the surrogate where there is one."""
    check(Recipe("x", segmenter={"name": "grid", "n_segments": 9}), LABELS)
    with pytest.raises(ValueError, match="n_segment"):
        check(Recipe("x", segmenter={"name": "grid", "n_segment": 9}), LABELS)
    many = tuple(f"label {n}" for n in range(33))
    check(Recipe("x", labels="all"), many)
    check(Recipe("x", method="lrp", labels="top"), many)
