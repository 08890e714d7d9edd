"""A network that has forgotten what it learned, from the top down: its weights in random order, layer by layer.

Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, section 3.1: cascading randomisation. Each tensor of
weights keeps its values and loses their places, so that a variance stays above zero and activations stay in range.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, numpy_helper

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
LEARNED = frozenset(
    {"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LayerNormalization", "InstanceNormalization"}
    | {"GroupNormalization", "PRelu", "Attention"}
)


def layers(network: bytes) -> tuple[str, ...]:
    """The layers of a network that have learned anything, by the names of what they make, the top first.

    Parameters
    ----------
    network : bytes
        An ONNX file as `pipeline.model.simplified.simplified` makes them: weights are constants of the nodes that they
        are for.
    """
    model = onnx.ModelProto.FromString(network)
    return tuple(node.output[0] for node, _ in _learned(model.graph))


def randomised(network: bytes, depth: int, seed: int) -> bytes:
    """The network with the weights of its topmost layers in random order.

    Parameters
    ----------
    network : bytes
    depth : int
        How many of `layers`; what is randomised at one depth is randomised alike at every greater one.
    seed : int

    Returns
    -------
    bytes
        An ONNX file like the other.
    """
    model = onnx.ModelProto.FromString(network)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    done = set[str]()
    for number, (_, names) in enumerate(_learned(model.graph)[:depth]):
        for place, name in enumerate(names):
            if name not in done:  # a tensor may belong to two layers
                shuffled = _shuffled(numpy_helper.to_array(tensors[name]), (seed, number, place))
                tensors[name].CopyFrom(numpy_helper.from_array(shuffled, name))
                done.add(name)
    return bytes(model.SerializeToString(deterministic=True))


def depths(count: int, most: int) -> tuple[int, ...]:
    """At most so many numbers from 1 to `count`, both among them, evenly apart.

    Examples
    --------
    >>> depths(49, 5), depths(3, 5)
    ((1, 13, 25, 37, 49), (1, 2, 3))
    """
    return tuple(dict.fromkeys(np.linspace(1, count, min(most, count)).round().astype(int).tolist()))


def _learned(graph: onnx.GraphProto) -> list[tuple[NodeProto, Sequence[str]]]:
    """The layers from the top, each with the names of its weights."""
    tensors = {one.name for one in graph.initializer if one.data_type in FLOATS and np.prod(one.dims) > 1}
    found = [(node, [name for name in node.input if name in tensors]) for node in graph.node if node.op_type in LEARNED]
    return [one for one in reversed(found) if one[1]]


def _shuffled(values: NDArray[np.generic], key: tuple[int, int, int]) -> NDArray[np.generic]:
    seed, number, place = key
    rng = np.random.Generator(np.random.Philox(key=[seed, number * 16 + place]))
    return rng.permutation(values.ravel()).reshape(values.shape)
