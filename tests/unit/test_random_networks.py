"""The networks of random weights have the sizes of those that they stand for."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from benchmarks.random_networks import NETWORKS
from pipeline.model.session import open_session


@pytest.mark.parametrize(("name", "millions"), [("efficientnet_lite0", 4.6), ("resnet50", 25.5)])
def test_a_network_has_as_many_weights_and_answers_probabilities(name: str, millions: float) -> None:
    """As published, BatchNormalization folded in; its answers are finite and sum to 1."""
    file = NETWORKS[name]()
    weights = [numpy_helper.to_array(one).size for one in onnx.load_from_string(file).graph.initializer]
    assert sum(weights) / 1e6 == pytest.approx(millions, abs=0.1)
    picture = np.random.default_rng(0).normal(size=(1, 3, 224, 224)).astype(np.float32)
    (answer,) = open_session(file).run(None, {"data": picture})
    assert answer.shape == (1, 1000)
    assert answer.sum() == pytest.approx(1, abs=1e-4)
