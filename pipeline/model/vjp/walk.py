"""The walk against the direction of a graph: each node hands what arrives at its outputs on to its inputs.

What is handed on is for the rules to say: gradients by those of `pipeline.model.vjp`, relevance by others. Where a
tensor is read by several nodes, what they hand back is summed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onnx import NodeProto, helper

from pipeline.model.onnx_file import reads
from pipeline.model.vjp.draft import Draft, Unsupported

STANDARD = ("", "ai.onnx")
# What these give does not change when their inputs change a little.
STEADY = {"And", "ArgMax", "ArgMin", "Ceil", "Equal", "Floor", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less"}
STEADY |= {"LessOrEqual", "NonZero", "Not", "Or", "Round", "Shape", "Sign", "Size", "Xor"}


STEPS = STEADY - {"Shape", "Size"}  # of these the picture's numbers decide the answer, not its size alone


@dataclass(frozen=True, slots=True)
class Step:
    """One node on the way back.

    Attributes
    ----------
    node : onnx.NodeProto
    received : tuple of str or None
        For each output the tensor that arrives there, of that output's shape; None where nothing arrives.
    wanted : tuple of bool
        For each input whether what is handed to it goes anywhere.
    draft : Draft
        Takes the nodes that the rule makes.
    """

    node: NodeProto
    received: tuple[str | None, ...]
    wanted: tuple[bool, ...]
    draft: Draft

    @property
    def message(self) -> str:
        """What arrives at the first output."""
        if self.received[0] is None:
            raise Unsupported("only an output beside the first leads to what is asked")
        return self.received[0]

    @property
    def x(self) -> str:
        """The first input."""
        return str(self.node.input[0])

    @property
    def y(self) -> str:
        """The first output."""
        return str(self.node.output[0])

    def input(self, place: int) -> str | None:
        """An input that may be left out."""
        return self.node.input[place] or None if place < len(self.node.input) else None

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute of the node; text as str."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                value = helper.get_attribute_value(attribute)
                return value.decode() if isinstance(value, bytes) else value
        return default

    def only(self, *places: int) -> None:
        """Raises Unsupported where another input than these wants a message."""
        for place, wanted in enumerate(self.wanted):
            if wanted and place not in places:
                raise Unsupported(f"its input {place + 1} depends on the picture")


Rule = Callable[[Step], Sequence[str | None]]
"""What a node hands to each of its inputs; inputs at the end may be left out, and None is nothing."""


@dataclass(slots=True)
class Walked:
    """What a walk found.

    Attributes
    ----------
    messages : mapping of str to str
        For each tensor that was asked for, the tensor that arrived there; of zeros where nothing did.
    refused : tuple of str
        The operators without a rule, each with what about it has none.
    """

    messages: dict[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


def operator(node: NodeProto) -> str:
    """The name of a node's operator, with its domain where that is not the standard's."""
    return str(node.op_type if node.domain in STANDARD else f"{node.domain}.{node.op_type}")


def walk(draft: Draft, start: tuple[str, str], wrt: Sequence[str], rules: Mapping[str, Rule]) -> Walked:
    """Add what hands a message back from one tensor to others, node by node.

    Parameters
    ----------
    draft : Draft
        Over a graph in topological order, as ONNX files are.
    start : (str, str)
        The tensor where the walk begins, and the message that arrives there, of the same shape.
    wrt : sequence of str
        The tensors whose messages are asked for, of floating-point numbers.
    rules : mapping of str to Rule
        By `operator`. A rule raises Unsupported for a node that it has nothing for.

    Returns
    -------
    Walked
        Where it names refused operators, the draft is of no use.
    """
    of, message = start
    nodes = list(draft.model.graph.node)
    leading = _leading(nodes, wrt)
    arrived: dict[str, list[str]] = {of: [message]}
    refused = dict.fromkeys(_steps(nodes, leading, of))
    for node in reversed(nodes):
        wanted = tuple(name in leading for name in node.input)
        received = tuple(_settled(draft, arrived, name) for name in node.output)
        inner = leading.intersection(reads(node)).difference(node.input)
        if not (any(wanted) or inner) or not any(received):
            continue
        step = Step(node, received, wanted, draft)
        try:
            handed = _handed(step, rules if not inner else {})
        except Unsupported as reason:
            refused[f"{operator(node)} ({reason})" if str(reason) else operator(node)] = None
            handed = node.input  # of the right shapes, so that the nodes before it are asked too
        for name, goes_on, one in zip(node.input, wanted, handed, strict=False):
            if goes_on and one is not None:
                draft.declare(one, name)
                arrived.setdefault(name, []).append(one)
    return Walked({name: _settled(draft, arrived, name) or draft.zeros_like(name) for name in wrt}, tuple(refused))


def _handed(step: Step, rules: Mapping[str, Rule]) -> Sequence[str | None]:
    name = operator(step.node)
    if name not in rules:
        raise Unsupported("")
    return rules[name](step)


def _leading(nodes: Iterable[NodeProto], wrt: Sequence[str]) -> set[str]:
    """The tensors through which a change of what is asked for spreads."""
    spread = set(wrt)
    for node in nodes:
        if node.op_type not in STEADY and spread.intersection(reads(node)):
            spread.update(name for name in node.output if name)
    return spread


def _steps(nodes: Sequence[NodeProto], leading: set[str], of: str) -> list[str]:
    """The operators that answer in steps, where all that leads to a tensor goes through such: nothing comes back."""
    stepped, spread = (
        [node for node in nodes if node.op_type in STEPS and leading.intersection(reads(node))],
        set[str](),
    )
    for node in nodes:
        if any(node is one for one in stepped) or spread.intersection(reads(node)):
            spread.update(node.output)
    lost = of in spread and of not in leading
    return list(dict.fromkeys(f"{operator(node)} (it answers in steps)" for node in stepped)) if lost else []


def _settled(draft: Draft, arrived: dict[str, list[str]], name: str) -> str | None:
    """All that arrives at a tensor as one; called when everything that reads it has had its turn."""
    if not arrived.get(name):
        return None
    arrived[name] = [draft.total(arrived[name])]
    return arrived[name][0]
