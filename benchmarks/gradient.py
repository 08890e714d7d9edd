"""Gradient: what it costs to ask a network for the gradient of a label, in passes of the network."""

import numpy as np
import onnx

from benchmarks.bare import pictures
from benchmarks.pairs import PAIRS, Pairs, alternate, clocked
from benchmarks.row import Row
from benchmarks.subjects import model
from pipeline.model.anatomy import anatomy
from pipeline.model.backward import SEED, backward, gradient_of
from pipeline.model.inside import Inside
from pipeline.model.session import open_session
from pipeline.model.simplified import simplified

PICTURES = (1, 8)

ROW = Row(
    "gradient",
    "seconds of the gradient of one label by the picture, forward and backward pass, one thread, 1 picture and 8, "
    "so many at once as readings take; the larger ratio",
    "the forward pass alone: same network, same pictures, all at once",
    3.2,
    at_least=False,
)


def measure(quick: bool) -> Row:
    """The gradient's seconds over the forward pass's."""
    rounds, pairs = (1, 1) if quick else (10, 3 * PAIRS)
    timed = {count: _timed(count, rounds, pairs) for count in PICTURES}
    worst = max(one.ratio for one in timed.values())
    told = " and ".join(
        f"{one.ratio:.2f} forward passes of {count} at once "
        f"({1000 * one.medians[0] / rounds / count:.1f} ms to {1000 * one.medians[1] / rounds / count:.1f} ms each)"
        for count, one in timed.items()
    )
    figures = {str(count): one.to_json() | {"passes": rounds} for count, one in timed.items()}
    return ROW.measured(worst, figures, f"With {model().name} a gradient costs {told}.")


def _timed(count: int, rounds: int, pairs: int) -> Pairs:
    network, size = model().onnx, (model().profile.height, model().profile.width)
    small = simplified(network, size)
    logit, (picture,) = anatomy(small).logit, onnx.load_from_string(small).graph.input
    forward, back = open_session(network), open_session(backward(small, logit, [picture.name]))
    columns = next(value.shape[1:] for value in back.get_inputs() if value.name == SEED)
    shown, at_once = pictures(count, size), Inside(model()).batch
    seed = np.zeros((at_once, *columns), np.float32)
    seed.reshape(at_once, -1)[:, 0] = 1

    def ours() -> None:
        for start in [*range(0, count, at_once)] * rounds:
            some = shown[start : start + at_once]
            back.run([gradient_of(picture.name)], {picture.name: some, SEED: seed[: len(some)]})

    def theirs() -> None:
        for _ in range(rounds):
            forward.run(None, {picture.name: shown})

    ours()
    theirs()
    return alternate(clocked(ours), clocked(theirs), pairs)
