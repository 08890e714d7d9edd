"""Relevance: that of zennit's composites, which `make oracles` installs, of networks with batch normalisation."""

import io

import numpy as np
import pytest

from pipeline.model.backward import SEED
from pipeline.model.lrp import LEDGER, RELEVANCE, lrp
from pipeline.model.session import open_session
from pipeline.model.simplified import simplified

WHY = "torch and zennit are not installed: `make oracles` runs this"
torch = pytest.importorskip("torch", reason=WHY)
models = pytest.importorskip("torchvision.models", reason=WHY)
composites = pytest.importorskip("zennit.composites", reason=WHY)
zennit_torchvision = pytest.importorskip("zennit.torchvision", reason=WHY)
rules = pytest.importorskip("zennit.rules", reason=WHY)
types = pytest.importorskip("zennit.types", reason=WHY)
canonizers = pytest.importorskip("zennit.canonizers", reason=WHY)

SIZE, LABELS = 64, 7
LOW, HIGH = -2.0, 2.5
EXPECTED = {
    "epsilon": lambda **how: composites.LayerMapComposite(
        [*composites.layer_map_base(), (types.Linear, rules.Epsilon())], **how
    ),
    "epsilon-plus": composites.EpsilonPlus,
    "epsilon-plus-flat": composites.EpsilonPlusFlat,
    "epsilon-gamma-box": lambda **how: composites.EpsilonGammaBox(low=LOW, high=HIGH, **how),
    "epsilon-alpha2-beta1": composites.EpsilonAlpha2Beta1,
}


def resnet():
    """ResNet-18, and how zennit takes its residuals apart."""
    return models.resnet18(weights=None, num_classes=LABELS), zennit_torchvision.ResNetCanonizer


def vgg():
    """VGG-11 with batch normalisation and a small head."""
    net = models.vgg11_bn(weights=None, num_classes=LABELS)
    net.avgpool = torch.nn.Identity()
    side = SIZE // 32
    net.classifier = torch.nn.Sequential(
        torch.nn.Linear(512 * side**2, 64), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(64, LABELS)
    )
    return net, canonizers.SequentialMergeBatchNorm


def untrained(made):
    """A network of random weights, with statistics and biases as if it had seen pictures."""
    torch.manual_seed(3)
    net, canonizer = made()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, (low, high) in zip(
                (module.running_mean, module.running_var, module.weight.data, module.bias.data),
                ((-0.3, 0.3), (0.5, 1.5), (0.5, 1.5), (-0.3, 0.3)),
                strict=True,
            ):
                tensor.uniform_(low, high)
            module.eps = 0.0  # zennit up to 0.5.1 adds it twice, so that its network has another score
    return net.eval(), canonizer


def exported(net, opset=13):
    """The network's ONNX file, of any batch."""
    file, axes = io.BytesIO(), {"data": {0: "n"}, "logits": {0: "n"}}
    names = {"input_names": ["data"], "output_names": ["logits"], "dynamic_axes": axes}
    torch.onnx.export(net, (torch.zeros(1, 3, SIZE, SIZE),), file, opset_version=opset, dynamo=False, **names)
    return file.getvalue()


@pytest.fixture(scope="module", params=[resnet, vgg], ids=["resnet18", "vgg11"])
def network(request):
    net, canonizer = untrained(request.param)
    with pytest.warns(Warning):
        return simplified(exported(net)), net, canonizer


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(5).uniform(LOW, HIGH, (1, 3, SIZE, SIZE)).astype(np.float32)


@pytest.mark.parametrize("composite", EXPECTED)
def test_relevance_is_that_of_zennit(network, picture, composite):
    """Every pixel's relevance, and a ledger that adds up to the score."""
    file, net, canonizer = network
    bounds = (np.float32(LOW), np.float32(HIGH))
    session = open_session(lrp(file, "logits", "data", composite, bounds))
    seed = np.eye(LABELS, dtype=np.float32)[[2]]
    relevance, ledger = session.run([RELEVANCE, LEDGER], {"data": picture, SEED: seed})

    x = torch.from_numpy(picture).double().requires_grad_()
    with EXPECTED[composite](canonizers=[canonizer()]).context(net.double()) as changed:
        logits = changed(x)
        (expected,) = torch.autograd.grad(logits, x, logits.detach() * torch.from_numpy(seed))
    scale = np.abs(expected.numpy()).max()
    np.testing.assert_allclose(relevance / scale, expected.numpy() / scale, atol=1e-4)
    assert ledger[1:].sum() == pytest.approx(ledger[0], rel=1e-4)
