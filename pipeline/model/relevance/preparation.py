"""What happens to a picture before the first layer: moves, means taken off, scales."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from pipeline.model.relevance.layer import again
from pipeline.model.vjp.draft import Draft

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
Bounds = tuple[NDArray[np.float32], NDArray[np.float32]]


def prepared(nodes: Sequence[NodeProto], wrt: str) -> set[str]:
    """The tensors made of the picture by no layer yet, the picture among them."""
    raw = {wrt}
    for node in nodes:
        if node.op_type not in LAYERS and raw.intersection(node.input):
            raw.update(node.output)
    return raw


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """Between what the values of a prepared picture lie.

    Attributes
    ----------
    draft : Draft
    nodes : sequence of NodeProto
        The graph's own.
    wrt : str
        The tensor of the pictures.
    bounds : (float32, float32)
        The lowest and the highest picture, as they broadcast to one.
    """

    draft: Draft
    nodes: Sequence[NodeProto]
    wrt: str
    bounds: Bounds

    def __call__(self, tensor: str) -> tuple[str, str]:
        """The lowest and the highest that a prepared tensor can be, for one picture."""
        one, other = (self._prepared(tensor, bound) for bound in self.bounds)
        return self.draft.node("Min", one, other), self.draft.node("Max", one, other)  # a scale may be negative

    def _prepared(self, tensor: str, bound: NDArray[np.float32]) -> str:
        size = self.draft.lengths(self.wrt, range(1, len(self.draft.shape(self.wrt))))
        names = {self.wrt: self.draft.constant(np.broadcast_to(bound, (1, *size)), self.wrt)}
        for node in self.nodes:
            if tensor in names:
                break
            if node.op_type not in LAYERS and any(name in names for name in node.input):
                copy = NodeProto()
                copy.CopyFrom(node)
                copy.input[:] = [names.get(name, name) for name in node.input]
                names[node.output[0]] = again(self.draft, copy)
        return names[tensor]
