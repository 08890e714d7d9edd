"""What a TensorFlow file holds, read without TensorFlow: the graph, its ends, and the operators between them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from pipeline.model.model import ModelRefused
from pipeline.model.onnx_file import DETECTOR_OUTPUTS
from pipeline.text import meant

# The fields that are read, with their numbers in TensorFlow's own .proto files; a "*" repeats. The rest is left alone.
MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Dim": {"size": (1, "int64")},
    "Shape": {"dim": (2, "Dim*"), "unknown_rank": (3, "bool")},
    "Called": {"name": (1, "string")},
    "Value": {"shape": (7, "Shape"), "func": (10, "Called")},
    "Attribute": {"key": (1, "string"), "value": (2, "Value")},
    "Node": {"name": (1, "string"), "op": (2, "string"), "input": (3, "string*"), "attr": (5, "Attribute*")},
    "Argument": {"name": (1, "string")},
    "Declaration": {"name": (1, "string"), "input_arg": (2, "Argument*")},
    "Function": {"signature": (1, "Declaration"), "node_def": (3, "Node*")},
    "Library": {"function": (1, "Function*")},
    "Graph": {"node": (1, "Node*"), "library": (2, "Library")},
    "Tensor": {"name": (1, "string")},
    "NamedTensor": {"key": (1, "string"), "value": (2, "Tensor")},
    "Signature": {"inputs": (1, "NamedTensor*"), "outputs": (2, "NamedTensor*")},
    "NamedSignature": {"key": (1, "string"), "value": (2, "Signature")},
    "Saver": {"filename_tensor_name": (1, "string"), "restore_op_name": (3, "string")},
    "MetaGraph": {"graph_def": (2, "Graph"), "saver_def": (3, "Saver"), "signature_def": (5, "NamedSignature*")},
    "SavedModel": {"saved_model_schema_version": (1, "int64"), "meta_graphs": (2, "MetaGraph*")},
}
PLACEHOLDERS = ("Placeholder", "PlaceholderV2")
NO_ANSWER = (*PLACEHOLDERS, "PlaceholderWithDefault", "Const", "NoOp", "Assert")
SCORES = ("loss", "model_output", "model_outputs")  # what Custom Vision calls them
SIGNATURE = "serving_default"


@dataclass(frozen=True, slots=True)
class Ends:
    """Where pictures enter a graph and scores leave it, as TensorFlow names tensors: `Placeholder:0`, `loss:0`."""

    input: str
    output: str


def graph_of(data: bytes) -> Any | None:
    """The graph in a frozen graph's file; None if these bytes are something else."""
    graph = _parsed("Graph", data) if data.startswith(b"\n") else None
    return graph if graph is not None and graph.node and all(node.name and node.op for node in graph.node) else None


def saved_model_of(data: bytes) -> Any | None:
    """The first graph of a saved_model.pb, with its signatures and saver; None if these bytes are something else."""
    saved = _parsed("SavedModel", data) if data.startswith(b"\x08") else None
    found = saved is not None and saved.meta_graphs and saved.meta_graphs[0].graph_def.node
    return saved.meta_graphs[0] if saved is not None and found else None


def ends_of(graph: Any, input_name: str | None = None, output: str | None = None) -> Ends:
    """The ends of a graph: as named, or the one placeholder before the one node that no other needs.

    Raises
    ------
    ModelRefused
        If there is no such node, or more than one and none of Custom Vision's names; if it is a detector; or if the
        answer needs more than one input.
    """
    nodes = {node.name: node for node in graph.node}
    scores = _output(nodes, output)
    cut = _known(nodes, input_name, "--input") if input_name else None
    before = [nodes[name] for name in ancestors(graph, [node_of(scores)], stop=[node_of(cut)] if cut else [])]
    entrances = [node.name for node in before if node.op in PLACEHOLDERS or node.name == node_of(cut or "")]
    if len(entrances) != 1 or (cut and node_of(cut) not in entrances):
        raise ModelRefused(
            f"the graph has {len(entrances)} inputs ({_listed(entrances)}) before {scores!r}, expected one picture; "
            "name the tensor that alone leads there with --input, or export an image classifier"
        )
    return Ends(cut or f"{entrances[0]}:0", scores)


def signed_ends(saved: Any, input_name: str | None = None, output: str | None = None) -> Ends:
    """The ends of a SavedModel: those of its signature, or as named, by the signature's keys or as tensors."""
    signatures = {each.key: each.value for each in saved.signature_def if each.value.outputs}
    signature = signatures.get(SIGNATURE) or next(iter(signatures.values()), None)
    if signature is None:
        raise ModelRefused("the SavedModel has no signature; save it with one, as model.export of Keras does")
    inputs, outputs = ({e.key: e.value.name for e in side} for side in (signature.inputs, signature.outputs))
    if output is None and len(outputs) > 1:
        named = [key for key, tensor in outputs.items() if key in SCORES or node_of(tensor) in SCORES]
        if not named:
            raise ModelRefused(_no_single_output(outputs))
        output = named[0]
    scores = outputs.get(output, output) if output else next(iter(outputs.values()))
    return ends_of(saved.graph_def, inputs.get(input_name, input_name) if input_name else None, scores)


def shape_at(graph: Any, tensor: str) -> tuple[int | None, ...] | None:
    """The shape that the graph declares for a placeholder; None where it declares none."""
    node = next(node for node in graph.node if node.name == node_of(tensor))
    shape = next((attribute.value.shape for attribute in node.attr if attribute.key == "shape"), None)
    if shape is None or shape.unknown_rank or not shape.dim:
        return None
    return tuple(dim.size if dim.size > 0 else None for dim in shape.dim)


def node_of(name: str) -> str:
    """The node of a tensor or of a control input: `^a` and `a:0` are of `a`."""
    return name.removeprefix("^").split(":")[0]


def ancestors(graph: Any, roots: Iterable[str], stop: Collection[str] = ()) -> list[str]:
    """The nodes that these need, themselves included, and nothing before `stop`."""
    nodes = {node.name: node for node in graph.node}
    found: dict[str, None] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or name not in nodes:
            continue
        found[name] = None
        waiting += [] if name in stop else map(node_of, nodes[name].input)
    return list(found)


def reached(graph: Any, names: Iterable[str]) -> tuple[dict[str, str], set[str]]:
    """What these nodes use: each operator, with a node that has it, and the functions called, by functions too."""
    bodies = {function.signature.name: function.node_def for function in graph.library.function}
    nodes = {node.name: node for node in graph.node}
    called: set[str] = set()
    operators: dict[str, str] = {}
    waiting = [nodes[name] for name in names]
    while waiting:
        node = waiting.pop()
        if node.op not in bodies:
            operators.setdefault(node.op, node.name)
        new = {name for name in (node.op, *_calls(node)) if name in bodies} - called
        called |= new
        waiting += chain.from_iterable(bodies[name] for name in new)
    return operators, called


def restores_elsewhere(saved: Any) -> bool:
    """Whether restoring a SavedModel would read another file than the variables it comes with."""
    saver, graph = saved.saver_def, saved.graph_def
    file = node_of(saver.filename_tensor_name)
    restore = next((node for node in graph.node if node.name == saver.restore_op_name), None)
    called = set(_calls(restore)) if restore is not None and [*map(node_of, restore.input[:1])] == [file] else set()
    wrong = _reads(graph.node, other_than=file)
    for function in graph.library.function:
        own = function.signature.name in called and function.signature.input_arg
        argument = function.signature.input_arg[0].name if own else ""
        wrong = wrong or _reads(function.node_def, other_than=argument)
    return wrong


def _reads(nodes: Iterable[Any], *, other_than: str) -> bool:
    return any(node.op.startswith("Restore") and node_of(node.input[0]) != other_than for node in nodes if node.input)


def _output(nodes: Mapping[str, Any], given: str | None) -> str:
    if given:
        return _known(nodes, given, "--output")
    needed = {node_of(name) for node in nodes.values() for name in node.input if not name.startswith("^")}
    last = [name for name, node in nodes.items() if name not in needed and node.op not in NO_ANSWER]
    detector = DETECTOR_OUTPUTS & set(last)
    if detector:
        raise ModelRefused(
            f"the model is an object detector (output {min(detector)!r}); polelens explains classifiers only"
        )
    named = [name for name in SCORES if name in nodes]
    if len(last) != 1 and not named:
        raise ModelRefused(_no_single_output(last))
    return f"{last[0] if len(last) == 1 else named[0]}:0"


def _known(nodes: Mapping[str, Any], name: str, option: str) -> str:
    """The tensor of this name, if its node is there."""
    if node_of(name) not in nodes:
        raise ModelRefused(
            f"{option} is {name!r}, and the graph has no node of that name{meant(name, nodes)}; its last is "
            f"{list(nodes)[-1]!r}"
        )
    return name if ":" in name else f"{name}:0"


def _no_single_output(names: Collection[str]) -> str:
    return f"the graph has {len(names)} outputs ({_listed(names)}); name the one with the scores with --output"


def _listed(names: Collection[str]) -> str:
    first = ", ".join(repr(name) for name in list(names)[:5])
    return (first or "none") + (" and more" if len(names) > 5 else "")


def _calls(node: Any) -> Sequence[str]:
    return [attribute.value.func.name for attribute in node.attr if attribute.value.func.name]


def _parsed(message: str, data: bytes) -> Any | None:
    try:
        parsed = CLASSES[message].FromString(data)
        _ = [node.op for node in parsed.node] if message == "Graph" else None  # a broken name is found when it is read
    except (DecodeError, UnicodeDecodeError):
        return None
    return parsed


def _classes() -> dict[str, Any]:
    """Message classes of `MESSAGES`, in a pool of their own: TensorFlow brings its own into the default one."""
    file = descriptor_pb2.FileDescriptorProto(name="polelens/graph_def.proto", package="polelens", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            plain = kind.removesuffix("*")
            label = kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if plain in MESSAGES:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".polelens.{plain}"
            else:
                added.type = kinds.Type.Value(f"TYPE_{plain.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"polelens.{name}")) for name in MESSAGES}


CLASSES = _classes()
