"""The batch axis: one row, two or three give the same, whatever a file does to the axis."""

import numpy as np
import pytest

from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox
from pipeline.recipes import recipe
from pipeline.staging import stage
from tests.models import node, pooled

LABELS = ("a", "b", "c")
WEIGHTS = np.float32([[0.01, -0.01, 0], [-0.01, 0.01, 0], [0, 0, 0.005]])
ENDS = {
    "Squeeze without axes": [node("Squeeze", "mean", "f"), node("MatMul", "f weights", "scores")],
    "Squeeze at the very end": [node("Conv", "mean kernel", "z"), node("Squeeze", "z", "scores")],
    "Squeeze that Gemm cannot take": [node("Squeeze", "mean", "f"), node("Gemm", "f weights", "scores")],
    "axes named, the batch's too": [node("Squeeze", "mean all", "f"), node("MatMul", "f weights", "scores")],
    "Reshape to [c]": [node("Reshape", "logits bare", "scores")],
    "Softmax over the last axis": [node("Squeeze", "logits", "z"), node("Softmax", "z", "scores", axis=-1)],
    "Softmax over the first axis": [node("Squeeze", "logits", "z"), node("Softmax", "z", "scores", axis=0)],
}
CONSTANTS = {
    "kernel": WEIGHTS.T.reshape(3, 3, 1, 1).copy(),
    "all": np.array([0, 2, 3], np.int64),
    "bare": np.array([-1], np.int64),
}
FEW = recipe("default").override({"samples": 31, "seeds": [1, 11], "design": "coin", "fill": "black", "judge": False})


def _weights(file: bytes, batch: int, **profile: object) -> np.ndarray:
    photograph = np.full((48, 48, 3), (150, 90, 90), np.uint8)
    photograph[10:30, 15:35], photograph[30:, 30:] = (220, 30, 40), (30, 200, 90)
    model = read_model(file, name="net", labels=LABELS, profile=profile)
    box = BlackBox(model, batch=batch)
    found = explain(stage(photograph, model.profile, FEW), explainer(FEW, LABELS), box.scores)
    return found.labels[0].weights


@pytest.mark.parametrize("batch", [1, 2, 3, 8])
@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS.keys())
def test_under_any_batch_the_weights_are_those_of_the_file_that_flattens(ends, batch):
    """63 masks leave one row alone in the last batch of two, and of 31."""
    softmax = ends[-1].op_type == "Softmax"
    twin = [node("Softmax", "logits", "scores", axis=1)] if softmax else [node("Identity", "logits", "scores")]
    given = {} if softmax else {"activation": "softmax"}
    expected = _weights(pooled(*twin, weights=WEIGHTS), 8, **given)
    assert np.abs(expected).max() > 1e-3
    found = _weights(pooled(*ends, weights=WEIGHTS, **CONSTANTS), batch, **given)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("length", [1, 4])
def test_a_fixed_batch_is_freed(length):
    """Of one, or of several: the file is asked for the same picture as often as it wants."""
    ends = [node("Reshape", "logits form", "z"), node("Softmax", "z", "scores", axis=1)]
    file = pooled(*ends, shape=[length, 3, 32, 32], form=np.array([length, 3], np.int64))
    model = read_model(file, name="net", labels=LABELS)
    assert model.batch
    twin = pooled(node("Softmax", "logits", "scores", axis=1))
    np.testing.assert_allclose(_weights(file, 3), _weights(twin, 3), rtol=0, atol=1e-4)
