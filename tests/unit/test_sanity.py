"""The sanity check: a map that is made of the model changes with it, and one made of the photograph does not."""

import json
import math

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from scipy.stats import spearmanr
from skimage import data
from skimage.filters import sobel
from skimage.metrics import structural_similarity

from pipeline.judge.sanity import USELESS, Cascade, Likeness, cascade, likeness
from pipeline.model.admission import read_model
from pipeline.model.randomised import depths, layers, randomised
from pipeline.model.session import open_session
from pipeline.model.simplified import simplified
from pipeline.pictures import png
from pipeline.recipes import recipe
from polelens.cli import main as cli
from polelens.sanity import sanity as check_sanity
from polelens.sanity import white_box
from tests.insides import read
from tests.models import Network, additive, custom_vision_zip, uneven

CAT_IN_COLOUR = data.chelsea()[:64, 100:164]
CAT = data.chelsea()[:64, 100:164].mean(axis=2)


@pytest.fixture(scope="module")
def network():
    return simplified(read_model(custom_vision_zip(Network()), name="planted").onnx)


def weights(network):
    """The tensors of a network, by name."""
    return {one.name: numpy_helper.to_array(one) for one in onnx.ModelProto.FromString(network).graph.initializer}


def test_layers_come_from_the_top(network):
    """The head is first, the layer that reads the picture last."""
    found = layers(network)
    made = [node.output[0] for node in onnx.ModelProto.FromString(network).graph.node]
    assert len(found) == 3
    assert [made.index(name) for name in found] == sorted((made.index(name) for name in found), reverse=True)


def test_a_depth_changes_so_many_layers_and_keeps_their_values(network):
    """Weights change their places and not their values, the top layer's first, and deeper ones as the depth says."""
    plain, changed = weights(network), []
    for depth in range(4):
        found = weights(randomised(network, depth, seed=1))
        for name, values in found.items():
            np.testing.assert_array_equal(np.sort(values, axis=None), np.sort(plain[name], axis=None))
        changed.append({name for name in plain if (plain[name] != found[name]).any()})
    assert changed[0] == set()
    assert changed[0] < changed[1] < changed[2] < changed[3]
    assert {plain[name].shape for name in changed[3]} >= {(8, 3, 3, 3), (16, 8, 3, 3)}


def test_it_is_the_same_whenever_it_is_asked(network):
    """One seed gives one network, at each depth the same layers' weights, and another seed another."""
    assert randomised(network, 3, 1) == randomised(network, 3, 1) != randomised(network, 3, 2)
    plain, first, all_ = (weights(randomised(network, depth, 1)) for depth in (0, 1, 3))
    head = [name for name in plain if (plain[name] != first[name]).any()]
    assert head
    for name in head:
        np.testing.assert_array_equal(first[name], all_[name])


def test_a_randomised_network_answers_otherwise(network):
    """It still runs, and says something else."""
    entry = open_session(network).get_inputs()[0].name
    picture = {entry: np.random.default_rng(0).random((1, 3, 32, 32)).astype(np.float32) * 255}
    (before,), (after,) = (open_session(one).run(None, picture) for one in (network, randomised(network, 3, 1)))
    assert np.isfinite(after).all()
    assert not np.allclose(before, after)


def test_edges_are_useless_and_noise_is_not():
    """A map of the photograph's edges is the same of every network; one that is drawn anew has nothing in common."""
    rng = np.random.default_rng(0)
    edges = [sobel(CAT), sobel(CAT.T)]
    assert cascade("edges", edges, [edges, edges]).useless
    noise = cascade("noise", [rng.normal(size=CAT.shape)] * 2, [[rng.normal(size=CAT.shape)] * 2] * 2)
    assert not noise.useless
    assert abs(noise.likeness[-1].rank) < 0.1


def test_a_map_that_is_gone_is_another():
    """A constant map has nothing in common with one that is not: it counts as changed, and no NaN arises."""
    assert likeness(sobel(CAT), np.zeros_like(CAT)).rank == 0


def test_the_sign_and_the_scale_do_not_matter():
    """Maps are compared by their absolute values, each against its own largest."""
    found = likeness(sobel(CAT), -7 * sobel(CAT))
    assert (found.rank, found.structure) == (pytest.approx(1), pytest.approx(1))


def test_half_of_the_variance_in_common_is_useless():
    """The line is where the square of the correlation is a half, of the whole network randomised alone."""
    other, edges = sobel(CAT), sobel(CAT)
    mixed = edges + 0.2 * np.random.default_rng(0).permutation(other.ravel()).reshape(other.shape)
    rank = likeness(edges, mixed).rank
    assert cascade("mixed", [edges], [[mixed]]).useless == (rank**2 >= 0.5)
    assert not cascade("first", [edges], [[edges], [np.zeros_like(edges)]]).useless


def test_the_median_photograph_counts():
    """One photograph of three does not decide."""
    edges = sobel(CAT)
    found = cascade("mixed", [edges] * 3, [[edges, edges, np.zeros_like(edges)]])
    assert found.likeness == (Likeness(pytest.approx(1), pytest.approx(1)),)


def test_the_figures_are_those_of_scipy_and_of_scikit_image():
    """Spearman's correlation and the structural similarity of absolute values, each over its own largest."""
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(20, 30)), 5 * rng.normal(size=(20, 30))
    first, second = (np.abs(heat) / np.abs(heat).max() for heat in (one, other))
    found = likeness(one, other)
    assert found.rank == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic)
    assert found.structure == pytest.approx(structural_similarity(first, second, win_size=7, data_range=1.0))


def test_maps_are_compared_in_double_precision():
    """Whatever the numbers they come in."""
    one, other = (np.random.default_rng(seed).normal(size=(12, 12)).astype(np.float32) for seed in (0, 1))
    assert likeness(one, other) == likeness(one.astype(float), other.astype(float))


@pytest.mark.parametrize(("shape", "window"), [((3, 9), 3), ((9, 4), 3), ((5, 6), 5), ((6, 6), 5), ((7, 20), 7)])
def test_a_window_fits_the_smaller_side(shape, window):
    """The largest odd one that does, of at most seven pixels."""
    rng = np.random.default_rng(2)
    one, other = rng.random(shape), rng.random(shape)
    first, second = one / one.max(), other / other.max()
    expected = structural_similarity(first, second, win_size=window, data_range=1.0)
    assert likeness(one, other).structure == pytest.approx(expected)


@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_a_constant_map_has_no_rank_in_common(constant):
    """Whichever of the two it is, nor with another constant one; the structure is a number all the same."""
    flat, edges = np.full_like(CAT, constant), sobel(CAT)
    pairs = [(flat, edges), (edges, flat), (flat, flat)]
    assert [likeness(*pair).rank for pair in pairs] == [0, 0, 0]
    assert all(np.isfinite(likeness(*pair).structure) for pair in pairs)


@pytest.mark.parametrize(
    ("rank", "useless", "told"),
    [
        (
            USELESS,
            True,
            "edges is useless for this model: its map is much the same (0.71) when the model has forgotten all it "
            "learned, so it shows the photograph and not the model",
        ),
        (
            math.nextafter(USELESS, 0),
            False,
            "edges shows the model: its map is another (0.71) when the model has forgotten all",
        ),
    ],
)
def test_what_a_check_comes_to_is_told(rank, useless, told):
    """From the line on, of the network that forgot all; a structure that is unknown is null in JSON."""
    found = Cascade("edges", (Likeness(0.9, 0.8), Likeness(rank, float("nan"))))
    assert found.useless is useless
    assert found.sentence == told
    assert found.to_json() == {
        "recipe": "edges",
        "rank": [0.9, rank],
        "structure": [0.8, None],
        "useless": useless,
        "sentence": told,
    }


def test_each_depth_has_the_medians_of_its_own_photographs():
    """Of both figures; and as many maps as photographs are asked for."""
    rng = np.random.default_rng(3)
    own = [rng.random((8, 8)) for _ in range(3)]
    at_depths = [[rng.random((8, 8)) for _ in range(3)] for _ in range(2)]
    found = cascade("mixed", own, at_depths)
    for told, maps in zip(found.likeness, at_depths, strict=True):
        pairs = [likeness(one, other) for one, other in zip(own, maps, strict=True)]
        assert told.rank == sorted(one.rank for one in pairs)[1]
        assert told.structure == sorted(one.structure for one in pairs)[1]
    assert found.recipe == "mixed"
    with pytest.raises(ValueError, match="shorter"):
        cascade("mixed", own, [own[:2]])


def test_depths_span_the_network():
    """From the top layer to all of them."""
    assert depths(1, 5) == (1,)
    assert depths(20, 3) == (1, 10, 20)


def test_the_recipes_of_a_model_are_checked_on_its_own_label():
    """Every recipe that reads the inside: maps of the label that the model gives, changed once all is forgotten."""
    model = read_model(custom_vision_zip(Network(seed=3)), name="planted")
    photographs = [data.chelsea()[:200, 100:300], data.rocket()[:300, 200:500]]
    found = check_sanity(model, photographs, white_box())
    assert [one.recipe for one in found.cascades] == [one.name for one in white_box()]
    assert found.depths == (1, 2, 3)
    assert len(found.layers) == 3
    assert not found.refused
    assert not any(one.useless for one in found.cascades if one.recipe in ("cam", "grad-cam", "lrp"))
    assert found == check_sanity(model, photographs, white_box())


def test_what_knows_nothing_of_the_model_is_found_useless():
    """A network whose weights are all alike cannot forget them: its gradients show the photograph alone."""
    alike = read(additive(np.full((32, 32), 1e-4), bias=0.1), "yes", "no")
    [found] = check_sanity(alike, [CAT_IN_COLOUR], [recipe("gradient-x-input")]).cascades
    assert found.likeness[-1].rank == pytest.approx(1)
    assert found.useless
    assert "gradient-x-input is useless for this model: its map is much the same (1.00)" in found.sentence


def test_a_recipe_that_the_model_cannot_be_asked_is_told_with_the_reason():
    """A network without a layer of maps: the others are checked all the same."""
    flat = read(uneven(), "yes", "no")
    found = check_sanity(flat, [CAT_IN_COLOUR], [recipe("cam"), recipe("gradient-x-input")])
    assert [one.recipe for one in found.cascades] == ["gradient-x-input"]
    assert "cam is a map of a layer, and the network has none" in found.refused["cam"]


def test_a_recipe_of_scores_alone_is_refused():
    """LIME has nothing to do with what is inside."""
    with pytest.raises(ValueError, match="recipe rise does not read the network's inside"):
        check_sanity(read(uneven(), "yes", "no"), [CAT_IN_COLOUR], [recipe("rise")])


def test_the_command_tells_it(tmp_path):
    """On a file and a photograph, without services: a table for people, and JSON."""
    model, photograph = tmp_path / "planted.zip", tmp_path / "cat.png"
    model.write_bytes(custom_vision_zip(Network(seed=3)))
    photograph.write_bytes(png(CAT_IN_COLOUR))
    asked = ["models", "sanity", str(model), "--photograph", str(photograph), "--recipe", "cam,lrp"]
    told = CliRunner().invoke(cli, asked)
    assert told.exit_code == 0, told.output
    assert "1 photograph, the median" in told.output
    body = json.loads(CliRunner().invoke(cli, [*asked, "--json"]).stdout)
    assert body["depths"] == [1, 2, 3]
    assert [one["recipe"] for one in body["recipes"]] == ["cam", "lrp"]
    assert all(len(one["rank"]) == len(one["structure"]) == 3 for one in body["recipes"])
