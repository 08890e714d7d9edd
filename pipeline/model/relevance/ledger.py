"""A ledger of relevance: what did not go on to the inputs of a node, and where it stayed instead."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.model.vjp.draft import Draft

EPSILON = 1e-6  # zennit's; what keeps a denominator from zero takes its share of relevance, which is counted


@dataclass(slots=True)
class Ledger:
    """The tensors whose sums stayed in the network.

    Attributes
    ----------
    draft : Draft
    bias : list of str
        Relevance of constants that are added: biases, means, padding.
    stabiliser : list of str
        Relevance of what was added to denominators. Where nothing supports a unit at all, that takes everything.
    """

    draft: Draft
    bias: list[str] = field(default_factory=list)
    stabiliser: list[str] = field(default_factory=list)

    def quotient(self, received: str, z: str, like: str) -> str:
        """Relevance for each unit of z, which is kept from zero; what that takes is entered.

        Parameters
        ----------
        received, z : str
            Tensors of one shape.
        like : str
            A tensor of the graph, of their type.
        """
        draft = self.draft
        zero, up, down = (draft.constant(value, like) for value in (0.0, EPSILON, -EPSILON))
        added = draft.node("Where", draft.node("Less", z, zero), down, up)
        each = draft.node("Div", received, draft.node("Add", z, added))
        self.stabiliser.append(self.sum(draft.node("Mul", each, added)))
        return each

    def to_bias(self, each: str, bias: str) -> None:
        """Enter what a constant takes: its numbers times the relevance for each unit."""
        self.bias.append(self.sum(self.draft.node("Mul", each, bias)))

    def rest(self, received: Iterable[str | None], handed: Iterable[str | None]) -> None:
        """Enter as a constant's what was received and is not handed on."""
        self.bias += [self.sum(one) for one in received if one is not None]
        self.bias += [self.draft.node("Neg", self.sum(one)) for one in handed if one is not None]

    def sum(self, tensor: str) -> str:
        """The sum of all numbers of a tensor, a scalar."""
        return self.draft.node("ReduceSum", tensor, keepdims=0)
