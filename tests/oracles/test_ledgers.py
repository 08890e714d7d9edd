"""Relevance of whole architectures, which torchvision has: none of it is lost from sight, whatever is in them."""

import numpy as np
import pytest

from pipeline.model.anatomy import anatomy
from pipeline.model.backward import SEED
from pipeline.model.lrp import LEDGER, RELEVANCE, lrp
from pipeline.model.session import open_session
from pipeline.model.simplified import simplified

WHY = "torch and zennit are not installed: `make oracles` runs this"
torch = pytest.importorskip("torch", reason=WHY)
models = pytest.importorskip("torchvision.models", reason=WHY)
zennit = pytest.importorskip("tests.oracles.test_zennit", reason=WHY)

ARCHITECTURES = {
    "densenet121": {},
    "mobilenet_v2": {},
    "mobilenet_v3_small": {},
    "efficientnet_b0": {},
    "squeezenet1_1": {},
    "shufflenet_v2_x0_5": {},
    "convnext_tiny": {},
    "VisionTransformer": {
        "image_size": zennit.SIZE, "patch_size": 16, "num_layers": 2, "num_heads": 3, "hidden_dim": 48, "mlp_dim": 96,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_ledger_of_an_architecture_adds_up(name):
    """Depthwise convolutions, gates, shuffles, dense blocks, attention: the score is in the ledger, under every
    composite, to 1e-4 of all the relevance that lies on the picture or of the score."""
    net, _ = zennit.untrained(lambda: (getattr(models, name)(num_classes=zennit.LABELS, **ARCHITECTURES[name]), None))
    for module in net.modules():
        if isinstance(module, torch.nn.Linear):  # some heads begin with zeros
            torch.nn.init.normal_(module.weight, 0, 0.1)
    with pytest.warns(Warning):
        network = simplified(zennit.exported(net, opset=17))
    picture = np.random.default_rng(5).uniform(zennit.LOW, zennit.HIGH, (1, 3, zennit.SIZE, zennit.SIZE))
    (scores,) = open_session(network).run(["logits"], {"data": picture.astype(np.float32)})
    label = int(np.abs(scores[0]).argmax())  # some end in a rectifier, and have nothing to share out for others
    fed = {"data": picture.astype(np.float32), SEED: np.eye(zennit.LABELS, dtype=np.float32)[[label]]}
    for composite in zennit.EXPECTED:
        bounds = (np.float32(zennit.LOW), np.float32(zennit.HIGH))
        session = open_session(lrp(network, anatomy(network).logit, "data", composite, bounds))
        relevance, ledger = session.run([RELEVANCE, LEDGER], fed)
        scale = float(max(abs(ledger[0]), np.abs(relevance).sum()))
        assert abs(ledger[0]) > 1e-3
        assert ledger[1:].sum() == pytest.approx(ledger[0], abs=1e-4 * scale)
        assert ledger[1] == pytest.approx(relevance.sum(), abs=1e-4 * scale)
