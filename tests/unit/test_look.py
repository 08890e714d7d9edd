"""What a network looks for: pictures are climbed to by its own gradient, and photographs are put in order."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.optimize import check_grad
from skimage import data

from pipeline.model.excitable import Excitable
from pipeline.model.excitation import most_excited, most_varied
from pipeline.model.maximised import Climb, maximised, painted, pulled_back
from pipeline.pictures import png
from polelens.cli import main as cli
from polelens.look import Wanted, look
from tests.insides import SIZE, read
from tests.models import custom_vision_onnx, custom_vision_zip, node, pooled, uneven

NETWORK = read(custom_vision_onnx())


def test_a_gradient_is_pulled_back_through_the_painting():
    """Through the smoothing, the colours and the squashing: as by central differences."""
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=(6, 5, 3)), rng.normal(size=(6, 5, 3))
    value = lambda flat: float((painted(flat.reshape(values.shape)) * weights).sum())  # noqa: E731
    slope = lambda flat: pulled_back(flat.reshape(values.shape), weights).ravel()  # noqa: E731
    assert check_grad(value, slope, values.ravel(), epsilon=1e-6) < 1e-4 * np.linalg.norm(slope(values.ravel()))


def test_the_canvas_is_climbed_to():
    """A network that weighs each pixel: what it is shown in the end excites it far more than noise, and less if the
    sign is turned."""
    network = Excitable(read(uneven(), "yes", "no"))
    weights = network.of_label(0)(np.zeros((SIZE, SIZE, 3), np.float32))
    worth = [
        float((maximised(network.size, lambda canvas, sign=sign: sign * network.of_label(0)(canvas), Climb(30))
               * weights).sum())
        for sign in (-1, 1)
    ]  # fmt: skip
    noise = float((maximised(network.size, network.of_label(0), Climb(1)) * weights).sum())
    assert worth[0] < noise < worth[1]


def test_the_gradient_is_of_the_canvas_in_its_own_colours():
    """RGB on 0..255, whatever the network is shown: of a linear BGR network with a scale the slopes over that."""
    scale = [50, 60, 70]
    network = Excitable(read(uneven(), "yes", "no", color="bgr", mean=[100, 110, 120], scale=scale))
    slopes = np.random.Generator(np.random.Philox(7)).normal(size=(3, SIZE, SIZE))
    slopes *= 0.45 / np.abs(slopes).sum() / 255  # of `tests.models.uneven`
    expected = (slopes / np.array(scale)[:, None, None])[::-1].transpose(1, 2, 0)
    gradient = network.of_label(0)(np.zeros((SIZE, SIZE, 3), np.float32))
    np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())


def test_one_logit_of_two_labels_is_climbed_both_ways():
    """What makes one label grow makes the other fall."""
    weights = np.random.default_rng(0).normal(size=(3, 1)) / 100
    network = Excitable(read(pooled(node("Sigmoid", "logits", "scores"), weights=weights), "no", "yes"))
    canvas = np.zeros((SIZE, SIZE, 3), np.float32)
    np.testing.assert_allclose(network.of_label(0)(canvas), -network.of_label(1)(canvas))
    assert np.abs(network.of_label(1)(canvas)).max() > 0


def test_a_channel_that_does_not_exist_is_refused():
    """The message says how many there are."""
    network = Excitable(NETWORK)
    with pytest.raises(ValueError, match=r"has 16 channels, numbered from 0; there is no 16"):
        network.of_channel(network.interior.anatomy.layer, 16)


def test_photographs_come_in_order_of_their_largest_activation():
    """The strongest first, with the places that come to half of it."""
    maps = [np.zeros((2, 2, 2), np.float32) for _ in range(3)]
    maps[0][1, 0, 0], maps[2][1] = 3, [[8, 4], [3.9, 0]]
    found = most_excited(maps, 1, 2)
    assert [(one.photograph, one.activation) for one in found] == [(2, 8), (0, 3)]
    assert found[0].region.tolist() == [[True, True], [False, False]]
    assert not most_excited(maps, 0, 1)[0].region.any()
    assert most_varied(maps, 1) == [1]


def test_labels_come_first_and_then_channels_with_their_photographs():
    """A picture each, of the canvas's size; a channel's photographs are no brighter than they were."""
    photographs = [data.chelsea()[:100, 100:200], data.rocket()[:200, 200:400], data.coffee()[:200, :200]]
    found = list(look(NETWORK, photographs, Wanted(channels=(2, 5), climb=Climb(2))))
    assert [one.title for one in found[:3]] == list(NETWORK.labels)
    assert [one.title.rpartition(" ")[2] for one in found[3:]] == ["2", "5"]
    assert all(one.maximised.shape == (SIZE, SIZE, 3) for one in found)
    for one in found[3:]:
        assert len(one.photographs) == len(photographs)
        assert list(one.activations) == sorted(one.activations, reverse=True)
    canvases = [NETWORK.profile.canvas(one) for one in photographs]
    assert all(any((shown <= canvas).all() for canvas in canvases) for one in found for shown in one.photographs)


def test_the_page_needs_nothing_but_itself(tmp_path):
    """The command writes one HTML file with all the pictures in it, and no address."""
    model, photograph, out = (tmp_path / name for name in ("planted.zip", "cat.png", "look.html"))
    model.write_bytes(custom_vision_zip())
    photograph.write_bytes(png(data.chelsea()[:64, 100:164]))
    words = ["models", "look", str(model), "--photograph", str(photograph), "--channel", "1", "--steps", "2"]
    told = CliRunner().invoke(cli, [*words, "--out", str(out)])
    assert told.exit_code == 0, told.output
    page = out.read_text()
    assert page.count("data:image/png;base64,") == 3 + 1 + 1
    assert "http" not in page
    assert 'name="viewport"' in page  # else a telephone shows it as wide as a desk
    assert f"4 pictures, of 1 photographs: {out}" in told.output
    spoken = json.loads(CliRunner().invoke(cli, [*words, "--out", str(out), "--json"]).stdout)
    assert (spoken["page"], spoken["photographs"], len(spoken["pictures"])) == (str(out), 1, 4)
    assert len(spoken["pictures"][-1]["activations"]) == 1


@pytest.mark.parametrize("words", [["sanity", "--recipe", "cam"], ["look", "--steps", "1", "--out"]])
def test_what_a_plain_file_does_not_say_can_be_said(tmp_path, words):
    """Labels and the rest go with the file, as everywhere; without them the remedy that is named is one to be had."""
    model, labels, photograph = (tmp_path / name for name in ("net.onnx", "labels.txt", "cat.png"))
    model.write_bytes(custom_vision_onnx(zipmap=False))
    labels.write_text("a\nb\nc\n")
    photograph.write_bytes(png(data.chelsea()[:64, 100:164]))
    out = [str(tmp_path / "look.html")] if words[-1] == "--out" else []
    asked = ["models", words[0], str(model), "--photograph", str(photograph), *words[1:], *out]
    assert "--labels" in CliRunner().invoke(cli, asked).output
    told = CliRunner().invoke(cli, [*asked, "--labels", str(labels)])
    assert told.exit_code == 0, told.output


def test_channels_are_those_of_a_layer_with_places():
    """Another is refused with those that there are."""
    with pytest.raises(ValueError, match=r"layer is 'gap', which is no tensor .* the last that are: c1, r1, c2, r2"):
        next(look(NETWORK, [], Wanted(layer="gap", climb=Climb(1))))
