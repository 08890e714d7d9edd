"""Integrated gradients, SmoothGrad and gradient times input are exact where the answer is known."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.answer.attribution import Attribution, Claim
from pipeline.conversation.known import Known
from pipeline.conversation.looks import Path, Whole
from pipeline.conversation.probe import Evidence, Probe
from pipeline.conversation.reading import Reading
from pipeline.explain import closed, converse
from pipeline.methods import check, check_inside, explainer, looked_into, planned_evaluations
from pipeline.methods.asked import GRADIENT
from pipeline.methods.integrated_gradients import IntegratedGradients, Options, gap
from pipeline.methods.mesh import graded
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside, with_inside
from pipeline.model.model import Model
from pipeline.model.precision import CPU, CUDA, OPENVINO
from pipeline.model.profile import Profile
from pipeline.recipes import recipe
from pipeline.refit import refit, refit_recipe
from pipeline.scene.scene import Scene
from polelens.notebook import explain as explain_one
from polelens.notebook import side_by_side
from tests import models
from tests.insides import SIZE, difference, explained, read, scene

SHOWN = scene()
UNEVEN = read(models.uneven(), "yes", "no")
SLOPES = np.random.Generator(np.random.Philox(7)).normal(size=(3, SIZE, SIZE))
SLOPES *= 0.45 / np.abs(SLOPES).sum() / 255  # of `models.uneven`
NETWORK = read(models.custom_vision_onnx())
BY_GRADIENT = ("integrated-gradients", "smoothgrad", "gradient-x-input")


def sigmoids(steepness: float) -> bytes:
    """Two labels of the mean brightness of the left half: a sigmoid of such a steepness at a value of 160."""
    half = np.zeros((3, SIZE, SIZE))
    half[..., : SIZE // 2] = steepness / (3 * SIZE * SIZE // 2)
    nodes = [
        models.node("MatMul", "pixels weights", "sum"),
        models.node("Sub", "sum middle", "logit"),
        models.node("Sigmoid", "logit", "p"),
        models.node("Sub", "one p", "q"),
        models.node("Concat", "p q", "probs", axis=1),
    ]
    constants = {"weights": half.reshape(-1, 1), "middle": [160.0 * steepness], "one": [1.0]}
    return models.planted(nodes, constants, size=SIZE)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_a_linear_model_gives_its_slopes_back(name: str) -> None:
    """Each pixel's slope times what it has that the fill has not, whatever the way and the noise; the label's
    complement has the opposite."""
    expected = (SLOPES * difference(UNEVEN, SHOWN)).sum(axis=0)
    changes: dict[str, Any] = {"samples": 4, "seeds": [1, 11, 21]} if name == "smoothgrad" else {}
    found = explained(UNEVEN, SHOWN, name, labels="all", **changes)
    for label in found.labels:
        sign = 1 if label.label == "yes" else -1
        np.testing.assert_allclose(label.heat, sign * expected, atol=1e-8)
        np.testing.assert_allclose(
            label.weights, sign * np.bincount(SHOWN.segments.ravel(), expected.ravel()), atol=1e-7
        )
    if name == "smoothgrad":
        assert found.labels[0].std_error.max() < 1e-8
        assert found.labels[0].weights_by_seed.shape == (3, 16)


@pytest.mark.parametrize("mesh", ["uniform", "graded"])
def test_integrated_gradients_of_a_curved_model_add_up(mesh: str) -> None:
    """A sigmoid's pixels share its rise in proportion to their own rise: the way is straight."""
    model, options = read(sigmoids(0.05), "yes", "no"), {"steps": 144, "most": 144, "mesh": mesh}
    found = explained(model, SHOWN, "integrated-gradients", labels=["yes"], options=options)
    rise = found.probabilities["yes"] - found.fill_probabilities["yes"]
    change = difference(model, SHOWN).sum(axis=0)
    change[:, SIZE // 2 :] = 0
    np.testing.assert_allclose(found.labels[0].heat, rise * change / change.sum(), atol=1e-4 * abs(rise))
    [claim] = found.labels[0].claims
    assert (claim.figure, claim.least) == ("completeness", 0.9)
    assert claim.value == pytest.approx(1, abs=1e-4)
    assert found.inside == {"read": "gradient", "of": "probability", "nodes": 144, "baselines": ["mean"]}
    assert found.evaluations == 2 + 144 * GRADIENT


def steep(**options: Any) -> Attribution:
    """A model that jumps on the way from black to white."""
    white = np.full((SIZE, SIZE, 3), 255, np.uint8)
    shown = Scene(white, scene().segments, np.zeros_like(white))
    model = read(sigmoids(2.0), "yes", "no")
    return explained(model, shown, "integrated-gradients", labels=["yes"], options=options)


def test_parts_are_cut_until_the_pixels_add_up() -> None:
    """A jump between two middles is missed by few and found by many; none is asked twice."""
    found = steep(steps=2, most=1024)
    nodes = found.inside["nodes"]
    assert nodes in (54, 162, 486)
    assert found.labels[0].claims[0].value >= 0.99
    assert found.evaluations == 2 + GRADIENT * nodes
    fewer = steep(steps=2, most=nodes // 3)
    assert fewer.inside["nodes"] == nodes // 3
    assert fewer.labels[0].claims[0].value < 0.99


def test_each_way_has_a_mesh_of_its_own() -> None:
    """For the labels explained, by what each baseline and the photograph are called; cut later, it is the same one."""
    labels, scores = ("a", "b", "c"), np.float32([[0.9, 0.08, 0.02], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.0, 0.5, 0.5]])
    options = {"baselines": ["black", "#ffffff"], "mesh": "graded", "steps": 12, "most": 36}
    made = recipe("xrai").override({"labels": ["a", "c"], "options": options})
    talker = explainer(made.override({"judge": False}), labels)
    asked = Evidence(talker.open(SHOWN), scores)
    first = talker.proceed(SHOWN, [asked])
    assert isinstance(first, Probe)
    assert first.reading == Reading("gradient", (0, 2), cost=2 * GRADIENT)
    expected = [graded(*scores[[row, 0]][:, [0, 2]].astype(float), parts=12) for row in (2, 3)]
    assert [look.ends for look in first.blocks if isinstance(look, Path)] == expected
    finer = talker.proceed(SHOWN, [asked, Evidence(first, np.zeros((2, 2 * SIZE * SIZE), np.float32))])
    assert isinstance(finer, Probe)
    assert finer.blocks == tuple(replace(look, n=24, finer=True) for look in first.blocks)


def test_parts_that_were_cut_are_as_if_asked_at_once() -> None:
    """The map is the mean over all middles, whenever each was asked; of several baselines too."""
    both = {"baselines": ["black", "blur"]}
    for options in ({}, both):
        slowly, at_once = (steep(steps=steps, most=18, gap=0, **options).labels[0].heat for steps in (2, 18))
        np.testing.assert_allclose(slowly, at_once, atol=1e-6 * np.abs(at_once).max())


def test_a_round_and_the_next_by_hand() -> None:
    """A gap as large as is allowed is enough; past it each part is cut in three, and the means count by their middles.
    The pixels miss the rise of a half by an eighth, first from below and then from above."""
    shown = Scene(np.zeros((1, 2, 3), np.uint8), np.array([[0, 1]], np.int32), np.zeros((1, 2, 3), np.uint8))

    def talker(allowed: float) -> IntegratedGradients:
        options = {"steps": 1, "most": 3, "gap": allowed, "mesh": "uniform"}
        return IntegratedGradients(recipe("integrated-gradients").override({"options": options}), ("a", "b"))

    asked = Evidence(talker(0.25).open(shown), np.float32([[0.75, 0.25], [0.25, 0.75]]))
    first = talker(0.25).proceed(shown, [asked])
    assert first == Probe(2, (Path(1),), reading=Reading("gradient", (0,), cost=GRADIENT))
    told = [asked, Evidence(first, np.float32([[0.125, 0.25]]))]
    enough = talker(0.25).proceed(shown, told)
    assert isinstance(enough, Attribution)
    assert enough.labels[0].heat.tolist() == [[0.125, 0.25]]
    finer = talker(0.2499).proceed(shown, told)
    assert finer == replace(first, blocks=(Path(2, finer=True),))
    found = talker(0.2499).proceed(shown, [*told, Evidence(finer, np.float32([[0.5, 0.25]]))])
    assert (found.labels[0].heat.dtype, found.labels[0].heat.tolist()) == (np.float32, [[0.375, 0.25]])
    assert (found.labels[0].label, found.labels[0].weights.tolist()) == ("a", [0.375, 0.25])
    assert (found.probabilities, found.fill_probabilities) == ({"a": 0.75, "b": 0.25}, {"a": 0.25, "b": 0.75})
    assert (found.evaluations, found.inside["nodes"]) == (2 + 3 * GRADIENT, 3)
    told_of = (
        "The coloured parts do not add up to the answer: the way from the bare fill to the photograph is too bumpy."
    )
    assert found.labels[0].claims == (Claim("completeness", 0.75, 0.9, told_of),)


def test_pixels_that_do_not_add_up_are_said_not_to() -> None:
    """At the cap the answer stands, with its claim unfulfilled and a sentence that says so."""
    [claim] = steep(steps=2, most=2).labels[0].claims
    assert not claim.value >= claim.least
    assert "do not add up to the answer" in claim.sentence


def test_a_fill_that_is_taken_for_the_label_leaves_nothing_to_explain() -> None:
    """Where the score does not rise the gap is not known, and the sentence names the fill."""
    [label] = explained(read(models.constant(size=SIZE), "a", "b", "c"), SHOWN, "integrated-gradients").labels
    assert not label.heat.any()
    assert math.isnan(label.claims[0].value)
    assert label.claims[0].sentence == (
        "The model takes the bare fill for this label as much as the photograph: nothing is left to explain."
    )
    assert math.isnan(gap(np.ones((2, 2)), -0.1))


def test_several_baselines_are_averaged() -> None:
    """Of a linear model: the slopes times what the canvas has beyond the mean of the baselines; so they add up."""
    baselines = {"baselines": ["black", "#ffffff"]}
    found = explained(UNEVEN, SHOWN, "integrated-gradients", labels=["yes"], options=baselines)
    expected = (SLOPES * (UNEVEN.profile.tensor(SHOWN.canvas) - 127.5)).sum(axis=0)
    np.testing.assert_allclose(found.labels[0].heat, expected, atol=1e-7)
    assert found.inside["baselines"] == ["black", "#ffffff"]
    assert found.labels[0].claims[0].value == pytest.approx(1, abs=1e-3) or expected.sum() < 0


def test_a_gradient_is_of_the_logit_or_of_the_probability() -> None:
    """Of a softmax over linear logits: a slope times the difference, or what the softmax makes of both slopes."""
    slopes = np.random.default_rng(0).normal(size=(3, SIZE, SIZE, 2)) / 20_000
    nodes = [models.node("MatMul", "pixels weights", "logits"), models.node("Softmax", "logits", "probs", axis=1)]
    model = read(models.planted(nodes, {"weights": slopes.reshape(-1, 2)}, size=SIZE), "a", "b")
    change = difference(model, SHOWN)[..., None]
    [first, second] = (slopes * change).sum(axis=0).transpose(2, 0, 1)
    found = explained(model, SHOWN, "gradient-x-input", labels=["a"])
    np.testing.assert_allclose(found.labels[0].heat, first, atol=1e-6)
    assert found.inside == {"read": "gradient", "of": "logit"}
    p = found.probabilities["a"]
    of_probability = explained(model, SHOWN, "gradient-x-input", labels=["a"], options={"of": "probability"})
    np.testing.assert_allclose(of_probability.labels[0].heat, p * (1 - p) * (first - second), atol=1e-6)


@pytest.mark.parametrize("changes", [{"nhwc": True}, {"fixed_batch": True}, {"free_size": True}], ids=str)
@pytest.mark.parametrize("name", BY_GRADIENT)
def test_the_form_of_the_file_changes_no_gradient(name: str, changes: dict[str, Any]) -> None:
    """Neither its layout nor its batch axis nor its open size."""
    other = read(models.custom_vision_onnx(**changes))
    few: dict[str, Any] = {"samples": 4, "seeds": [1, 11]} if name == "smoothgrad" else {}
    mine, expected = (explained(one, SHOWN, name, labels=["TRE"], **few).labels[0] for one in (other, NETWORK))
    np.testing.assert_allclose(mine.heat, expected.heat, atol=1e-3 * np.abs(expected.heat).max())


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_half_precision_has_the_same_gradient_to_its_precision(name: str) -> None:
    """Its weights keep 11 bits, so that here and there a unit switches elsewhere; all else stays."""
    half = read(models.custom_vision_onnx(half=True, zipmap=False), *models.LABELS)
    few: dict[str, Any] = {"samples": 4, "seeds": [1, 11]} if name == "smoothgrad" else {}
    mine, expected = (explained(one, SHOWN, name, labels=["TRE"], **few).labels[0].heat for one in (half, NETWORK))
    assert np.corrcoef(mine.ravel(), expected.ravel())[0, 1] > 0.999


def test_noise_leaves_the_difference_alone() -> None:
    """SmoothGrad is the mean gradient at noisy photographs times what the clean one has beyond the fill, by hand."""
    found = explained(NETWORK, SHOWN, "smoothgrad", labels=["TRE"], samples=4, seeds=[1, 11, 21]).labels[0]
    inside = Inside(NETWORK)
    tre = NETWORK.labels.index("TRE")
    maps = [
        inside.read(SHOWN, Reading("gradient", (tre,), "logit"), Whole(4, 0.15 * 255, seed).rows(row, row + 1)) * 4
        for seed in (1, 11, 21)
        for row in range(4)
    ]
    np.testing.assert_allclose(found.heat.ravel(), np.mean(maps, axis=0), rtol=1e-4, atol=1e-7)
    by_seed = np.reshape(maps, (3, 4, SIZE, SIZE)).mean(axis=1)
    np.testing.assert_allclose(found.heat_error, by_seed.std(axis=0, ddof=1) / math.sqrt(3), rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(found.std_error, found.weights_by_seed.std(axis=0, ddof=1) / math.sqrt(3), rtol=1e-5)
    assert found.stability.seeds == 3
    assert explained(NETWORK, SHOWN, "smoothgrad", labels=["TRE"], samples=4, seeds=[1]).labels[0].errors is None


def test_a_batch_of_any_size_reads_the_same() -> None:
    """Pictures at once are a matter of speed."""
    reading = Reading("gradient", (0, 2), "logit")
    rows = Path(7).rows(0, 7)
    whole = Inside(NETWORK, batch=7).read(SHOWN, reading, rows)
    for batch in (1, 2, 3, 16):
        found = Inside(NETWORK, batch=batch).read(SHOWN, reading, rows)
        np.testing.assert_allclose(found, whole, rtol=1e-3, atol=1e-5 * np.abs(whole).max())


def test_a_processor_is_asked_one_picture_at_a_time() -> None:
    """Unless said: what the layers of several gave drives each other out of its caches. A GPU has several to do."""
    assert [Inside(NETWORK, providers=[one]).batch for one in (CPU, OPENVINO, CUDA)] == [1, 1, 8]
    assert Inside(NETWORK, batch=3).batch == 3


def test_one_logit_for_two_labels_is_told_by_its_sign() -> None:
    """A lone sigmoid becomes absence and presence: what speaks for the one speaks against the other."""
    pooled = models.pooled(models.node("Sigmoid", "logits", "scores"), weights=[[0.02], [-0.01], [0.0]])
    model = read(pooled, "no", "yes", activation="none")
    for name in ("gradient-x-input", "integrated-gradients"):
        found = {one.label: one.heat for one in explained(model, SHOWN, name, labels="all").labels}
        np.testing.assert_allclose(found["yes"], -found["no"], atol=1e-9)
        red = difference(model, SHOWN)[0] * 0.02 - difference(model, SHOWN)[1] * 0.01
        assert np.corrcoef(found["yes"].ravel(), red.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_an_operator_without_a_gradient_is_refused_by_name(name: str) -> None:
    """In one sentence that names it and what is for such a network, before any photograph."""
    nodes = [
        models.node("Mod", "pixels seven", "odd", fmod=1),
        models.node("MatMul", "odd weights", "logits"),
        models.node("Softmax", "logits", "probs", axis=1),
    ]
    weights = np.random.default_rng(0).normal(size=(3 * SIZE * SIZE, 2)) / 1000
    model = read(models.planted(nodes, {"weights": weights, "seven": [7.0]}, size=SIZE), "a", "b")
    with pytest.raises(ValueError, match=r"there is none for its .*Mod.*; take .*lime"):
        explained(model, SHOWN, name)
    assert "Mod" in Inside(model).facts()["no_gradient"]


def test_a_function_has_no_gradient() -> None:
    """It is refused by the recipe's name, and the remedy is said."""
    with pytest.raises(ValueError, match="recipe integrated-gradients reads the inside of a network, and a function"):
        looked_into(recipe("integrated-gradients"), None)
    assert looked_into(recipe("default"), None) == recipe("default")


def test_what_was_tried_when_a_model_was_registered_refuses_too() -> None:
    """Where its file is not at hand; what was not tried then is not refused, nor is what reads scores alone."""
    facts = {"layer": None, "exact_cam": False, "no_gradient": "there is none for its Mod"}
    for name in ("smoothgrad", "grad-cam"):
        with pytest.raises(ValueError, match=f"recipe {name} takes the gradient of the network: .* Mod"):
            check_inside(recipe(name), facts)
        check_inside(recipe(name), None)
        check_inside(recipe(name), facts | {"no_gradient": None, "layer": "relu_9"})
    with pytest.raises(ValueError, match="recipe recipro-cam maps a layer, and the network has none"):
        check_inside(recipe("recipro-cam"), facts)
    check_inside(recipe("lrp"), facts | {"no_gradient": None})  # of an earlier version, which did not try it
    with pytest.raises(ValueError, match="recipe lrp hands the answer back through the network: its Mod cannot"):
        check_inside(recipe("lrp"), facts | {"no_gradient": None, "no_relevance": "its Mod cannot"})
    check_inside(recipe("default"), facts)


def test_many_labels_at_once_are_refused() -> None:
    """A map is as large as the canvas: all of a thousand labels are not handed back."""
    labels = [f"label {n}" for n in range(33)]
    with pytest.raises(ValueError, match="labels is all of 33, and smoothgrad maps at most 32; name some"):
        check(recipe("smoothgrad").override({"labels": "all"}), labels)
    check(recipe("smoothgrad").override({"labels": "all"}), labels[:32])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("integrated-gradients", {"steps": 0}, "steps is 0, expected a whole number from 1"),
        ("integrated-gradients", {"steps": "x"}, "steps is 'x', expected a whole number from 1"),
        ("integrated-gradients", {"steps": 64, "most": 32}, "steps is 64, expected at most 32"),
        (
            "integrated-gradients",
            {"steps": 16, "most": 36},
            "most is 36 where steps is 16, expected 16 or 48: parts are",
        ),
        ("xrai", {"steps": 47}, "most is 48 where steps is 47, expected 47 or 141"),
        ("integrated-gradients", {"baselines": ["auto"]}, "auto is for the recipe's fill, name those meant"),
        ("integrated-gradients", {"baselines": [["black"]]}, "expected a list of fills"),
        ("integrated-gradients", {"baselines": "black"}, "expected a list of fills"),
        ("integrated-gradients", {"baselines": ["blur", "blur"]}, "expected a list of fills, no two alike"),
        ("integrated-gradients", {"steps": 1, "most": 1025}, "most is 1025, expected a whole number from 1 to 1024"),
        ("integrated-gradients", {"gap": -1}, "gap is -1, expected a share"),
        ("integrated-gradients", {"mesh": "fine"}, "mesh is 'fine', expected uniform or graded"),
        ("smoothgrad", {"noise": 2.0}, "noise is 2.0, expected a share of the range"),
        ("smoothgrad", {"noise": True}, "noise is True, expected a share of the range"),
        ("gradient-x-input", {"of": "score"}, "of is 'score', expected probability or logit"),
    ],
)
def test_options_that_cannot_be_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    """By name and value, with what is expected."""
    with pytest.raises(ValueError, match=message):
        check(recipe(name).override({"options": options}), ("a", "b"))


@pytest.mark.parametrize("steps", [1, 1024])
def test_options_are_taken_up_to_their_bounds(steps: int) -> None:
    """One part or all there may be, with no gap at all, and no more rounds than the first; but no endless gap."""
    assert Options(steps=steps, most=steps, gap=0).rounds == [steps]
    with pytest.raises(ValueError, match="gap is inf, expected a share of at least 0"):
        Options(steps=steps, most=steps, gap=math.inf)


@pytest.mark.parametrize("name", [*BY_GRADIENT, "grad-cam", "cam"])
def test_the_whole_conversation_with_tests_is_within_the_plan(name: str) -> None:
    """Judged, denoised and with a fill that the model chooses: the answer stands, and costs at most what is planned."""
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[4:20, 4:20] = True
    shown = Scene(SHOWN.canvas, SHOWN.segments, SHOWN.fill, mask)
    changes = {"judge": True, "denoise": 1.0, "fill": "auto", "segmenter": {"name": "grid", "n_segments": 16}}
    made = recipe(name).override(changes)
    found = explained(NETWORK, shown, name, **changes)
    assert found.labels[0].judgement is not None
    assert found.labels[0].denoised is not None
    assert found.fill_choice is not None
    assert found.evaluations <= planned_evaluations(made)


def test_judged_anew_and_refitted_it_is_read_of_what_was_kept() -> None:
    """All that was read answers again without the network; another label was not read, and is refused."""
    made = recipe("integrated-gradients").override({"labels": ["TRE"], "judge": False})
    asked = looked_into(made, Inside(NETWORK))
    first, evidence = converse(
        SHOWN, explainer(asked, NETWORK.labels), BlackBox(NETWORK).scores, read=Inside(NETWORK).read
    )
    known = Known.of(evidence)
    again, _ = converse(SHOWN, explainer(asked, NETWORK.labels), lambda *_: pytest.fail("asked"), known, closed)
    assert again.to_json() == first.to_json()
    same, _ = refit(SHOWN, explainer(asked, NETWORK.labels), known)
    assert same.to_json() == first.to_json() | {"evaluations": 0}
    other = made.override({"labels": ["STAAL"]})
    with pytest.raises(ValueError, match="integrated-gradients is read of the network label by label; `polelens audit"):
        refit_recipe(made, other)
    with pytest.raises(ValueError, match="was not read of the network then; `polelens audit start` asks it"):
        refit(SHOWN, explainer(other, NETWORK.labels), known)


def test_rounds_are_cut_up_to_the_cap() -> None:
    """And no further, where the cap is no power of three times the first."""
    assert Options().rounds == [16, 48]
    assert Options(steps=5, most=134).rounds == [5, 15, 45]
    assert Options(steps=8, most=8).rounds == [8]


def test_a_network_that_cannot_be_looked_into_says_so() -> None:
    """What registering it finds is a sentence, and never an error: it is explained by its scores."""
    broken = Model("b", b"no network", ("a", "b"), Profile(SIZE), "ab" * 32, True, {"opset": 12})
    facts = with_inside(broken).facts["inside"]
    assert (facts["layer"], facts["exact_cam"]) == (None, False)
    assert "cannot be looked into" in facts["no_gradient"]
    assert "take a recipe of scores alone" in facts["no_gradient"]


def test_a_function_of_pictures_is_refused_in_a_notebook() -> None:
    """Alone and beside others, before it is asked anything."""

    def never(pictures: np.ndarray) -> np.ndarray:
        raise AssertionError("asked")

    white = np.full((SIZE, SIZE, 3), 255, np.uint8)
    with pytest.raises(ValueError, match="recipe grad-cam reads the inside of a network, and a function of pictures"):
        explain_one(white, never, recipe="grad-cam", labels=["a", "b"], size=SIZE)
    with pytest.raises(ValueError, match="recipe smoothgrad reads the inside of a network"):
        side_by_side(white, never, ["default", "smoothgrad"], labels=["a", "b"], size=SIZE)


def test_a_model_is_explained_by_both_beside_each_other() -> None:
    """Scores and what is read of the inside, put to the same tests; what was asked before is shared."""
    found = side_by_side(SHOWN.canvas, NETWORK, ["default", "grad-cam", "integrated-gradients"])
    [label] = found.labels
    rows = found.rows(label)
    assert [row["recipe"] for row in rows] == ["default", "grad-cam", "integrated-gradients"]
    assert all(0 <= row["shared"] <= row["evaluations"] for row in rows)
    assert rows[1]["shared"] > 2
    assert found.sides[1].explanation.document()["inside"]["read"] == "grad-cam"
    assert "heat.png" in found.sides[2].explanation.pictures
