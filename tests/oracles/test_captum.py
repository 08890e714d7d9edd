"""Integrated gradients, gradient times input and Grad-CAM are captum's, of the same network made a torch module."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from demo.photographs import archive
from pipeline.model.admission import read_model
from pipeline.model.model import Model
from pipeline.model.simplified import simplified
from pipeline.recipes import recipe
from pipeline.scene.scene import Scene
from pipeline.staging import stage
from tests import models
from tests.insides import explained, read, scene

torch = pytest.importorskip("torch", reason="the oracles are not installed: `make oracles` runs this")
captum = pytest.importorskip("captum.attr", reason="the oracles are not installed: `make oracles` runs this")
onnx2torch = pytest.importorskip("onnx2torch", reason="the oracles are not installed: `make oracles` runs this")

DEMO = Path(__file__).parents[2] / "demo"


def planted() -> tuple[Model, Scene]:
    """A planted network, whose softmax is not saturated at values from 0 to 1."""
    return read(models.custom_vision_onnx(opset=13, zipmap=False), *models.LABELS, scale=255), scene()


def poles(version: int) -> tuple[Model, Scene]:
    """The demo's model, and a pole."""
    model = read_model((DEMO / f"poles-v{version}.zip").read_bytes(), name="poles")
    [shot] = archive(1, 7, shortcut=False)
    return model, stage(shot.image, model.profile, recipe("default"))


CASES = {"planted": planted, "poles@1": lambda: poles(1), "poles@2": lambda: poles(2)}


class Pair:
    """A model and a scene, and both as captum takes them."""

    def __init__(self, model: Model, shown: Scene) -> None:
        self.model, self.shown = model, shown
        size = model.profile.height, model.profile.width
        self.net = onnx2torch.convert(onnx.ModelProto.FromString(simplified(model.onnx, size))).eval()
        self.x = torch.tensor(model.profile.tensor(shown.canvas)[None], requires_grad=True)
        self.fill = torch.tensor(model.profile.tensor(shown.fill)[None])

    def ours(self, name: str, label: str, **options: Any) -> np.ndarray:
        """The heat map of a label under a recipe."""
        heat = explained(self.model, self.shown, name, labels=[label], options=options).labels[0].heat
        assert heat is not None
        return heat

    @staticmethod
    def map(theirs: Any) -> np.ndarray:
        """What captum says, summed over channels, float [h, w]."""
        return np.asarray(theirs.detach().numpy()[0].sum(axis=0))


@pytest.fixture(scope="module", params=CASES)
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(*CASES[request.param]())


def alike(mine: np.ndarray, theirs: np.ndarray) -> None:
    """Pixel by pixel, to a thousandth of the hottest."""
    assert np.abs(theirs).max() > 0
    np.testing.assert_allclose(mine, theirs, atol=1e-3 * np.abs(theirs).max())


def test_integrated_gradients(pair: Pair) -> None:
    """From the fill, in the middles of the same 32 parts."""
    theirs = captum.IntegratedGradients(pair.net)
    for column, label in enumerate(pair.model.labels):
        found = theirs.attribute(pair.x, pair.fill, target=column, n_steps=32, method="riemann_middle")
        alike(pair.ours("integrated-gradients", label, steps=32, most=32), pair.map(found))


def test_gradient_times_input(pair: Pair) -> None:
    """Captum's baseline is zero: its input in ours is what the fill has and the photograph beyond it."""
    for column, label in enumerate(pair.model.labels):
        [gradient] = torch.autograd.grad(pair.net(pair.x)[0, column], pair.x)
        theirs = captum.InputXGradient(pair.net).attribute(pair.x, target=column) - gradient * pair.fill
        alike(pair.ours("gradient-x-input", label, of="probability"), pair.map(theirs))


def test_grad_cam(pair: Pair) -> None:
    """At the last rectifier, stretched bilinearly by torch."""
    [*_, layer] = [one for one in pair.net.modules() if isinstance(one, torch.nn.ReLU)]
    size = pair.shown.canvas.shape[:2]
    for column, label in enumerate(pair.model.labels):
        found = captum.LayerGradCam(pair.net, layer).attribute(pair.x, target=column, relu_attributions=True)
        theirs = torch.nn.functional.interpolate(found, size, mode="bilinear", align_corners=False)
        mine, expected = pair.ours("grad-cam", label, of="probability") * size[0] * size[1], pair.map(theirs)
        np.testing.assert_allclose(mine, expected, atol=1e-3 * expected.max() + 1e-9)  # ReLU leaves some nothing
