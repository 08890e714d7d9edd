"""Gradients inside ONNX Runtime against PyTorch's autograd, of whole networks: `make oracles` runs these.

Weights are random, statistics of BatchNormalization too: one that is left at mean 0 and variance 1 hides mistakes. The
pictures are small where the network takes such.
"""

import io
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.model.anatomy import anatomy
from pipeline.model.backward import SEED, backward, gradient_of
from pipeline.model.normalised import normalise
from pipeline.model.session import open_session
from pipeline.model.simplified import simplified

ABSENT = "PyTorch is not installed: `make oracles` runs this"
torch = pytest.importorskip("torch", reason=ABSENT)
torchvision = pytest.importorskip("torchvision", reason=ABSENT)
pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch's exporter warns of itself
LABELS, LABEL, PICTURES = 20, 3, 5
# Of torchvision: the side of the picture, whether an exact class activation map is to be had.
NETWORKS = {
    "convnext_tiny": (64, False),
    "densenet121": (64, True),
    "efficientnet_b0": (64, True),
    "googlenet": (64, True),
    "inception_v3": (128, True),
    "maxvit_t": (224, False),
    "mnasnet1_0": (64, True),
    "mobilenet_v2": (64, True),
    "mobilenet_v3_small": (64, False),
    "regnet_x_400mf": (64, True),
    "resnet18": (64, True),
    "shufflenet_v2_x1_0": (64, True),
    "squeezenet1_1": (64, True),
    "swin_t": (64, True),
    "vgg11": (32, False),
    "vit": (64, False),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_of_a_network_is_autograds(name: str) -> None:
    """To 1e-4 of the largest, with the batch left open in the file."""
    side, exact = NETWORKS[name]
    network = _network(name)
    small = simplified(normalise(_exported(network, side, 17)).model.SerializeToString())
    found = anatomy(small)
    assert (found.without_rule, found.exact_cam) == ((), exact)
    assert _disagreement(small, found.logit, network, side) < 1e-4


@pytest.mark.parametrize(
    ("name", "opset"), [("mobilenet_v3_small", 11), ("mobilenet_v3_small", 18), ("vit", 14), ("vit", 18)]
)
def test_at_other_opsets_too(name: str, opset: int) -> None:
    """The same network, written at another opset, has the same gradient."""
    side, network = NETWORKS[name][0], _network(name)
    small = simplified(normalise(_exported(network, side, opset)).model.SerializeToString())
    assert _disagreement(small, anatomy(small).logit, network, side) < 1e-4


def _disagreement(small: bytes, logit: str, network: Any, side: int) -> float:
    """The largest difference of two gradients of one label, over the largest number of autograd's: the median picture.

    A rule that is wrong is wrong of every picture. At some a ReLU or a maximum falls otherwise when the last digit
    does: PyTorch's own gradients in float32 and float64 are a per cent apart there.
    """
    x = torch.randn(PICTURES, 3, side, side, generator=torch.Generator().manual_seed(0))
    session = open_session(backward(small, logit, ["x"]))
    seed = np.zeros((PICTURES, LABELS), np.float32)
    seed[:, LABEL] = 1
    (ours,) = session.run([gradient_of("x")], {"x": x.numpy(), SEED: seed})
    x.requires_grad_(True)
    network(x)[:, LABEL].sum().backward()
    theirs = x.grad.numpy()
    return float(np.median(np.abs(ours - theirs).max(axis=(1, 2, 3)) / np.abs(theirs).max(axis=(1, 2, 3))))


def _network(name: str) -> Any:
    torch.manual_seed(0)
    models = torchvision.models
    make: dict[str, Callable[[], Any]] = {
        "vit": lambda: models.VisionTransformer(64, 16, 3, 4, 96, 192, num_classes=LABELS),
        "googlenet": lambda: models.googlenet(num_classes=LABELS, aux_logits=False, init_weights=False),
        "inception_v3": lambda: models.inception_v3(num_classes=LABELS, aux_logits=False, init_weights=False),
        "vgg11": _small_vgg,
    }
    network = make.get(name, lambda: models.get_model(name, num_classes=LABELS))().eval()
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
                part.running_mean.normal_(0, 0.1)
                part.running_var.uniform_(0.5, 1.5)
            if isinstance(part, torch.nn.Linear) and not part.weight.any():  # as a ViT's head is made
                part.weight.normal_(0, 0.1)
    return network


def _small_vgg() -> Any:
    """VGG-11 with its linear layers for a picture of 32 pixels, since they are of 120 million weights otherwise."""
    network = torchvision.models.vgg11(num_classes=LABELS)
    network.avgpool = torch.nn.Identity()
    for place, (before, after) in {0: (512, 64), 3: (64, 64), 6: (64, LABELS)}.items():
        network.classifier[place] = torch.nn.Linear(before, after)
    return network


def _exported(network: Any, side: int, opset: int) -> bytes:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    stream, axes = io.BytesIO(), {"x": {0: "n"}, "y": {0: "n"}}
    names = {"input_names": ["x"], "output_names": ["y"]}
    torch.onnx.export(
        network, (torch.zeros(2, 3, side, side),), stream, dynamo=False, dynamic_axes=axes, opset_version=opset, **names
    )
    return stream.getvalue()
