"""XRAI and relevance as methods: the maps that the pure parts give, by recipe, for any label."""

from typing import get_args

import numpy as np
import pytest

from pipeline.answer.attribution import Claim
from pipeline.conversation.probe import Evidence, Probe
from pipeline.conversation.reading import Kind, Reading
from pipeline.methods import METHODS, looked_into, lrp
from pipeline.methods.activation_maps import COSTS
from pipeline.methods.asked import GRADIENT, base
from pipeline.methods.gradients import DRAWN
from pipeline.methods.region_ranking import LEAST, ranked
from pipeline.model.blackbox import BlackBox
from pipeline.model.inside import Inside
from pipeline.model.relevance.composite import COMPOSITES
from pipeline.recipes import recipe
from pipeline.scene.regions import apart, regions
from pipeline.scene.scene import Scene
from pipeline.scene.segments import grid
from tests import models
from tests.insides import SIZE, explained, read, scene

SHOWN = scene()
UNEVEN = read(models.uneven(), "yes", "no")
NETWORK = read(models.custom_vision_onnx())
WAYS = {"baselines": ["black", "#ffffff"]}


@pytest.mark.parametrize(
    ("options", "cut", "least"),
    [
        ({}, regions(SHOWN.canvas), LEAST),
        ({"regions": "superpixels"}, apart(SHOWN.segments), 1),
        ({"fast": True}, regions(SHOWN.canvas), LEAST),
    ],
)
def test_xrai_is_integrated_gradients_in_regions(options, cut, least):
    """The map of integrated gradients from black and white, ranked by region; their sum, claim and price."""
    own = explained(NETWORK, SHOWN, "integrated-gradients", options=WAYS)
    found = explained(NETWORK, SHOWN, "xrai", options=options)
    heat = ranked(own.labels[0].heat, cut, fast=bool(options.get("fast")), least=least).heat
    np.testing.assert_array_equal(found.labels[0].heat, heat)
    np.testing.assert_allclose(found.labels[0].weights, np.bincount(SHOWN.segments.ravel(), heat.ravel()), atol=1e-9)
    np.testing.assert_allclose(found.labels[0].weights.sum(), own.labels[0].heat.sum(), rtol=1e-4)
    assert found.labels[0].claims == own.labels[0].claims
    assert found.evaluations == own.evaluations
    assert found.inside == {
        **own.inside,
        "regions": options.get("regions", "scales"),
        "cut": len(cut),
        "fast": bool(options.get("fast")),
    }


def test_xrai_on_superpixels_gives_back_what_is_in_them():
    """On the recipe's own superpixels nothing is lost: the weights are those of integrated gradients."""
    own = explained(UNEVEN, SHOWN, "integrated-gradients", options=WAYS, labels="all")
    found = explained(UNEVEN, SHOWN, "xrai", options={"regions": "superpixels"}, labels="all")
    for mine, expected in zip(found.labels, own.labels, strict=True):
        np.testing.assert_allclose(mine.weights, expected.weights, atol=1e-6)


def test_superpixels_of_one_pixel_are_regions():
    """Of the recipe's own superpixels none is too small."""
    shown = Scene(np.zeros((1, 4, 3), np.uint8), np.array([[0, 1, 2, 2]], np.int32), np.zeros((1, 4, 3), np.uint8))
    options = {"regions": "superpixels", "baselines": ["black"], "steps": 1, "most": 1}
    method = METHODS["xrai"].make(recipe("xrai").override({"options": options}), ("a", "b"))
    asked = Evidence(method.open(shown), np.float32([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]]))
    read = method.proceed(shown, [asked])
    found = method.proceed(shown, [asked, Evidence(read, np.float32([[4, 1, 3, 5]]))])
    assert found.labels[0].heat.tolist() == [[4, 1, 4, 4]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regions": "squares"}, "regions is 'squares', expected scales or superpixels"),
        ({"fast": 1}, "fast is 1, expected true or false"),
        ({"steps": 0}, "steps is 0, expected a whole number"),
    ],
)
def test_xrai_refuses_what_it_does_not_take(options, message):
    """Each option in one sentence."""
    with pytest.raises(ValueError, match=message):
        METHODS["xrai"].check(recipe("xrai").override({"options": options}))


@pytest.mark.parametrize("composite", COMPOSITES)
def test_relevance_adds_up_to_the_logit(composite):
    """Of every label: pixels, biases and stabilisers; the weights are the pixels' sums, and the claim is told."""
    found = explained(NETWORK, SHOWN, "lrp", labels="all", options={"composite": composite})
    assert found.inside["composite"] == composite
    logits = np.array([found.inside["ledger"][label]["logit"] for label in found.probabilities])
    shares = np.exp(logits - logits.max())
    np.testing.assert_allclose(shares / shares.sum(), list(found.probabilities.values()), rtol=1e-3, atol=1e-9)
    for label in found.labels:
        entries = found.inside["ledger"][label.label]
        size = float(max(np.abs(label.heat).sum(), abs(entries["logit"])))
        kept = entries["biases"] + entries["stabilisers"]
        assert label.weights.sum() + kept == pytest.approx(entries["logit"], abs=1e-4 * size)
        assert entries["photograph"] == pytest.approx(label.weights.sum(), abs=1e-4 * size)
        [claim] = label.claims
        everything = abs(entries["photograph"]) + abs(entries["biases"]) + abs(entries["stabilisers"])
        assert claim.value == pytest.approx(abs(entries["photograph"]) / everything, rel=1e-5)
        assert f"{1 - claim.value:.0%} of the score stayed" in claim.sentence


def test_relevance_of_a_linear_model_is_its_slopes_times_the_picture():
    """Under epsilon, with the bias kept by the bias: exact."""
    found = explained(UNEVEN, SHOWN, "lrp", labels=["yes"], options={"composite": "epsilon"})
    slopes = np.random.Generator(np.random.Philox(7)).normal(size=(3, SIZE, SIZE))
    slopes *= 0.45 / np.abs(slopes).sum() / 255
    np.testing.assert_allclose(
        found.labels[0].heat, (slopes * UNEVEN.profile.tensor(SHOWN.canvas)).sum(axis=0), atol=1e-6
    )
    assert found.inside["ledger"]["yes"]["biases"] == pytest.approx(0.5, abs=1e-4)
    assert found.labels[0].claims[0].value < lrp.LEAST_CONSERVED


def test_one_logit_of_two_labels_is_their_presence_and_their_absence():
    """A sigmoid's label and its complement: the same map with the sign turned."""
    weights = np.random.default_rng(0).normal(size=(3, 1)) / 100
    network = read(models.pooled(models.node("Sigmoid", "logits", "scores"), weights=weights), "no", "yes", size=SIZE)
    found = explained(network, SHOWN, "lrp", labels="all", options={"composite": "epsilon"})
    one, other = found.labels
    np.testing.assert_allclose(one.heat, -other.heat, atol=1e-7)
    assert np.abs(one.heat).max() > 0


def test_a_network_without_a_rule_is_refused_before_it_is_asked():
    """An operator that hands nothing back is named."""
    ends = [models.node("Sin", "logits", "waves"), models.node("Softmax", "waves", "scores", axis=1)]
    network = read(models.pooled(*ends), "a", "b", "c")
    with pytest.raises(ValueError, match=r"the model's Sin cannot hand relevance back; take a method beside lrp"):
        looked_into(recipe("lrp"), Inside(network))


def test_the_composites_are_those_that_there_are():
    """The names that a recipe takes, which need no network, and the rules behind them."""
    assert tuple(COMPOSITES) == lrp.COMPOSITES
    assert "lrp" in get_args(Kind)
    with pytest.raises(ValueError, match="composite is 'zplus', expected one of epsilon, epsilon-plus"):
        METHODS["lrp"].check(recipe("lrp").override({"options": {"composite": "zplus"}}))


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        *((name, COSTS[name]) for name in ("cam", "recipro-cam", "ablation-cam")),
        *((name, COSTS[name] + 2) for name in ("grad-cam", "grad-cam++")),  # backward again for each label more
        ("gradient-x-input", 3 * GRADIENT),
        ("smoothgrad", 3 * GRADIENT * 2 * 5),
        ("lrp", 3 * lrp.RELEVANCE),
    ],
)
def test_every_answer_has_what_the_network_says_and_counts_what_was_read(name, cost):
    """Of the photograph and of the bare fill, which are two evaluations more; maps are float32, and their sums over the
    superpixels the weights."""
    few = {"samples": 5, "seeds": [1, 11]} if name == "smoothgrad" else {}
    found = explained(NETWORK, SHOWN, name, labels="all", **few)
    whole, bare = BlackBox(NETWORK).scores(SHOWN, base(SHOWN.k).masks(SHOWN.k))
    assert list(found.probabilities) == list(found.fill_probabilities) == list(NETWORK.labels)
    assert list(found.probabilities.values()) == pytest.approx(whole.tolist(), abs=1e-6)
    assert list(found.fill_probabilities.values()) == pytest.approx(bare.tolist(), abs=1e-6)
    assert [one.label for one in found.labels] == [NETWORK.labels[c] for c in np.argsort(-whole)]
    assert found.evaluations == 2 + cost
    for label in found.labels:
        assert (label.heat.dtype, label.heat.shape) == (np.float32, SHOWN.segments.shape)
        sums, size = np.bincount(SHOWN.segments.ravel(), label.heat.ravel()), np.abs(label.heat).sum()
        np.testing.assert_allclose(label.weights, sums, atol=1e-6 * size)
        assert label.errors is None or label.heat_error.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "changes", "rows"),
    [
        ("gradient-x-input", {}, GRADIENT),
        ("smoothgrad", {"seeds": [1, 11], "samples": "auto"}, 2 * DRAWN * GRADIENT),
        ("smoothgrad", {"seeds": [1, 11], "samples": 5}, 2 * 5 * GRADIENT),
        ("lrp", {}, lrp.RELEVANCE),
        ("grad-cam", {}, COSTS["grad-cam"]),
    ],
)
def test_the_plan_is_of_one_label(name, changes, rows):
    """Beside the photograph and the bare fill."""
    assert METHODS[name].planned(recipe(name).override(changes)) == 2 + rows


@pytest.mark.parametrize("noise", [1e-9, 1, 0.5])
def test_noise_is_a_share_of_the_range_of_values(noise):
    """Above none, up to all of it; its standard deviation is told in values of 255."""
    made = recipe("smoothgrad").override({"options": {"noise": noise}, "seeds": [1, 11], "samples": "auto"})
    METHODS["smoothgrad"].check(made)
    looks = METHODS["smoothgrad"].make(made, ("a", "b")).looks()
    assert [(one.n, one.noise, one.seed) for one in looks] == [(DRAWN, noise * 255, 1), (DRAWN, noise * 255, 11)]
    for beyond in (0, 1.001):
        with pytest.raises(ValueError, match=f"noise is {beyond}, expected a share"):
            METHODS["smoothgrad"].check(made.override({"options": {"noise": beyond}}))


def test_a_map_is_laid_on_a_canvas_that_is_higher_than_wide():
    """Rows stay rows: of a map of two places, one above the other, the upper half has what is in the upper."""
    canvas = np.zeros((8, 4, 3), np.uint8)
    shown, made = Scene(canvas, grid(canvas, 4), canvas), recipe("cam").override({"options": {"layer": "last"}})
    maps = METHODS["cam"].make(made, ("a", "b"))
    reading = maps.reading([1, 0])
    assert reading == Reading("cam", (1, 0), "logit", "last", COSTS["cam"])
    read = Evidence(Probe(shown.k, maps.looks(), reading=reading), np.array([[2, 1, 3, -1, 0, 5]], np.float32))
    found, told = maps.answer(shown, [1, 0], read)
    assert [one.label for one in found] == ["b", "a"]
    assert told == {"read": "cam", "of": "logit", "layer": "last", "map": [2, 1]}
    np.testing.assert_allclose(found[0].heat[[0, -1]] * 32, [[3] * 4, [-1] * 4])
    np.testing.assert_allclose(found[1].heat[[0, -1]] * 32, [[0] * 4, [5] * 4])


def test_smoothgrad_is_the_mean_over_seeds_with_its_error_by_hand():
    """Pixel by pixel, and superpixel by superpixel: the seeds' scatter over the root of how many there are."""
    shown = Scene(np.zeros((1, 3, 3), np.uint8), np.array([[0, 0, 1]], np.int32), np.zeros((1, 3, 3), np.uint8))
    method = METHODS["smoothgrad"].make(recipe("smoothgrad").override({"seeds": [1, 11, 21]}), ("a", "b"))
    reading = method.reading([1, 0])
    assert reading == Reading("gradient", (1, 0), "logit", cost=2 * GRADIENT)
    maps = np.random.default_rng(0).normal(size=(3, 2, 1, 3)).astype(np.float32)
    found, told = method.answer(shown, [1, 0], Evidence(Probe(2, method.looks(), reading=reading), maps.reshape(3, -1)))
    assert told == {"read": "gradient", "of": "logit"}
    for place, (label, name) in enumerate(zip(found, "ba", strict=True)):
        own, laid = maps[:, place].astype(float), np.add.reduceat(maps[:, place, 0].astype(float), [0, 2], axis=1)
        assert label.label == name
        np.testing.assert_allclose(label.heat, own.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(label.heat_error, own.std(axis=0, ddof=1) / np.sqrt(3), rtol=1e-5)
        np.testing.assert_allclose(label.weights, laid.mean(axis=0))
        np.testing.assert_allclose(label.weights_by_seed, laid)
        np.testing.assert_allclose(label.std_error, laid.std(axis=0, ddof=1) / np.sqrt(3))
        assert label.stability.seeds == 3 and np.isnan(label.stability.csi)


@pytest.mark.parametrize("kind", COSTS)
def test_a_map_is_all_that_its_method_reads_of_the_inside(kind):
    """Beside the scores, which are asked first: so it asks again, and cannot be thorough."""
    assert METHODS[kind].inside == {kind}
    with pytest.raises(ValueError, match=f"method {kind.replace('+', '[+]')} asks again, so it cannot be thorough"):
        METHODS[kind].check(recipe(kind).override({"thorough": True}))


def test_a_layer_without_a_name_is_refused():
    """As one that is no text is."""
    for layer in ("", 3):
        with pytest.raises(
            ValueError, match=f"layer is {layer!r}, expected the name of a tensor, or null for the last"
        ):
            METHODS["cam"].check(recipe("cam").override({"options": {"layer": layer}}))


def test_relevance_claims_the_share_that_lies_on_the_photograph():
    """Signs do not cancel; of a score of zero nothing is known, and that is said."""
    shown = Scene(np.zeros((1, 2, 3), np.uint8), np.array([[0, 1]], np.int32), np.zeros((1, 2, 3), np.uint8))
    method = METHODS["lrp"].make(recipe("lrp"), ("a", "b"))
    reading = method.reading([0, 1])
    assert reading == Reading("lrp", (0, 1), "logit", cost=2 * lrp.RELEVANCE, composite="epsilon-plus-flat")
    told = np.array([[2, -3, 0.5, -1, 1.25, -0.25], [0, 0, 0, 0, 0, 0]], np.float32)
    read = Evidence(Probe(2, method.looks(), reading=reading), told.reshape(1, -1))
    found, inside = method.answer(shown, [0, 1], read)
    names = ("logit", "photograph", "biases", "stabilisers")
    assert inside["ledger"]["a"] == dict(zip(names, [0.5, -1, 1.25, -0.25], strict=True))
    assert {name: inside[name] for name in ("read", "of", "composite")} == {
        "read": "lrp",
        "of": "logit",
        "composite": "epsilon-plus-flat",
    }
    assert found[0].heat.tolist() == [[2, -3]]
    assert found[0].claims == (
        Claim(
            "conservation",
            pytest.approx(1 / 2.5),
            lrp.LEAST_CONSERVED,
            "60% of the score stayed with the network's own biases and is not the photograph's: the coloured parts "
            "speak for the rest.",
        ),
    )
    nothing = "The network's score for this label is zero: there is nothing to share out."
    assert found[1].claims == (Claim("conservation", pytest.approx(np.nan, nan_ok=True), 0.5, nothing),)


def test_the_inside_is_read_once_for_the_labels_that_are_explained():
    """First the scores tell which; then the answer counts both probes."""
    method = METHODS["lrp"].make(recipe("lrp"), ("a", "b"))
    asked, scores = method.open(SHOWN), np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)
    read = method.proceed(SHOWN, [Evidence(asked, scores)])
    assert (asked.k, asked.n, read.k, read.reading.columns) == (16, 2, 16, (1,))
    told = np.zeros((1, SHOWN.segments.size + len(lrp.ENTRIES)), np.float32)
    found = method.proceed(SHOWN, [Evidence(asked, scores), Evidence(read, told)])
    assert (found.evaluations, [one.label for one in found.labels]) == (2 + lrp.RELEVANCE, ["b"])
    assert (found.probabilities, found.fill_probabilities) == ({"a": 0.25, "b": 0.75}, {"a": 0.5, "b": 0.5})


@pytest.mark.parametrize(("name", "options"), [("xrai", {}), ("integrated-gradients", WAYS)])
def test_ways_are_planned_up_to_the_cap_of_each(name, options):
    """Gradients by way and part; the bare baselines are asked for their scores once."""
    made = recipe(name).override({"options": {**options, "steps": 2, "most": 18}})
    assert METHODS[name].planned(made) == 2 + 2 + 2 * 18 * GRADIENT
