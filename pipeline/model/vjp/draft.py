"""What is being added to a graph: nodes and constants with names of their own, at the graph's opset."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.model.onnx_file import opset

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
AXES_AS_INPUT = 13  # from this opset on ReduceSum, Squeeze and Unsqueeze take their axes as an input
MEAN_AXES_AS_INPUT = 18
PAD_BY_INPUT = 11  # and Pad its pads


class Unsupported(ValueError):
    """A node that there is no rule for; the message says what about it."""


class Draft:
    """Nodes that are added to a graph, and what is known of the graph's own tensors.

    Attributes
    ----------
    model : onnx.ModelProto
        Changed in place.
    opset : int
    """

    def __init__(self, model: onnx.ModelProto, prefix: str) -> None:
        self.model = model
        self.opset = opset(model)
        self._prefix = prefix
        self._made = 0
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        graph = model.graph
        self._values = _types(model)
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._tensors |= {
            node.output[0]: attribute.t
            for node in graph.node
            if node.op_type == "Constant"
            for attribute in node.attribute
            if attribute.name == "value"
        }

    # What is known of the graph's own tensors

    def knows(self, name: str) -> bool:
        """Whether the graph has a tensor of this name."""
        return name in self._values or name in self._tensors

    def shape(self, name: str) -> tuple[int | str, ...]:
        """The lengths of a tensor's axes, an open one by its symbol. Raises Unsupported where they are not known."""
        if name in self._tensors:
            return tuple(self._tensors[name].dims)
        if name not in self._values or not self._values[name].HasField("shape"):
            raise Unsupported(f"the shape of {name!r} is not known")
        dims = self._values[name].shape.dim
        return tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in dims)

    def lengths(self, name: str, axes: range) -> tuple[int, ...]:
        """The lengths of some axes, all of which must be known. Raises Unsupported otherwise."""
        shape = self.shape(name)
        found = tuple(length for axis in axes if isinstance(length := shape[axis], int))
        if len(found) != len(axes):
            raise Unsupported(f"the size of {name!r} is not known")
        return found

    def length(self, name: str, axis: int) -> int:
        """The length of one axis, which must be known."""
        return self.lengths(name, range(axis, axis + 1))[0]

    def element(self, name: str) -> int:
        """The type of a tensor's numbers, of onnx.TensorProto; UNDEFINED where it is not known."""
        if name in self._tensors:
            return self._tensors[name].data_type
        return int(self._values[name].elem_type) if name in self._values else TensorProto.UNDEFINED

    def dtype(self, name: str) -> np.dtype[Any]:
        """The same as a type of NumPy. Raises Unsupported where it is not known."""
        if self.element(name) == TensorProto.UNDEFINED:
            raise Unsupported(f"the type of {name!r} is not known")
        return helper.tensor_dtype_to_np_dtype(self.element(name))

    def value(self, name: str) -> NDArray[Any] | None:
        """The numbers of a constant; None where the tensor is none."""
        return numpy_helper.to_array(self._tensors[name]) if name in self._tensors else None

    # What is added

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; the name of its first output."""
        return self.nodes(operator, *inputs, count=1, **attributes)[0]

    def nodes(self, operator: str, *inputs: str, count: int, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node with so many outputs; their names."""
        name = self._fresh(operator)
        outputs = [name, *(f"{name}/{place}" for place in range(1, count))]
        self.model.graph.node.append(
            helper.make_node(operator, inputs, outputs, name=name, domain=domain or None, **attributes)
        )
        return outputs

    def declare(self, name: str, like: str) -> None:
        """Write down that an added tensor has another's shape: ONNX Runtime is slow with tensors of unknown ones."""
        added = name.startswith(self._prefix) and name not in self._values and name not in self._tensors
        if added and self.element(like) in FLOATS and like in self._values:
            self._values[name] = self._values[like]
            value = self.model.graph.value_info.add(name=name)
            value.type.tensor_type.CopyFrom(self._values[like])

    def constant(self, value: ArrayLike, like: str | None = None) -> str:
        """A constant: of the type of the tensor `like`, or of the value's own."""
        kind = None if like is None else self.dtype(like)
        array = np.asarray(value, kind)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), self._fresh("constant"))
            self.model.graph.initializer.append(tensor)
            self._tensors[tensor.name] = tensor
            self._constants[key] = tensor.name
        return self._constants[key]

    def integers(self, *values: int) -> str:
        """A constant int64 [n]."""
        return self.constant(np.array(values, np.int64))

    def total(self, messages: list[str]) -> str:
        """The sum of tensors of one shape."""
        if len(messages) == 1:
            return messages[0]
        return self.node("Add" if len(messages) == 2 else "Sum", *messages)

    def zeros_like(self, name: str) -> str:
        """Zeros of a tensor's shape and type."""
        value = numpy_helper.from_array(np.zeros(1, self.dtype(name)))
        return self.node("ConstantOfShape", self.node("Shape", name), value=value)

    def reduce_sum(self, x: str, axes: list[int], *, keep: bool = True) -> str:
        """The sum over some axes."""
        if self.opset >= AXES_AS_INPUT:
            return self.node("ReduceSum", x, self.integers(*axes), keepdims=int(keep))
        return self.node("ReduceSum", x, axes=axes, keepdims=int(keep))

    def reduce_mean(self, x: str, axes: list[int]) -> str:
        """The mean over some axes, which stay with length 1."""
        if self.opset >= MEAN_AXES_AS_INPUT:
            return self.node("ReduceMean", x, self.integers(*axes))
        return self.node("ReduceMean", x, axes=axes)

    def unsqueeze(self, x: str, axes: list[int]) -> str:
        """With axes of length 1 put in."""
        if self.opset >= AXES_AS_INPUT:
            return self.node("Unsqueeze", x, self.integers(*axes))
        return self.node("Unsqueeze", x, axes=axes)

    def squeeze(self, x: str, axes: list[int]) -> str:
        """Without axes of length 1."""
        if self.opset >= AXES_AS_INPUT:
            return self.node("Squeeze", x, self.integers(*axes))
        return self.node("Squeeze", x, axes=axes)

    def slice(self, x: str, axes: list[int], starts: list[int], ends: list[int], steps: list[int] | None = None) -> str:
        """Ranges of some axes, every so many."""
        bounds = (starts, ends, axes) if steps is None else (starts, ends, axes, steps)
        return self.node("Slice", x, *(self.integers(*some) for some in bounds))

    def pad(self, x: str, begins: list[int], ends: list[int], value: str | None = None) -> str:
        """With a constant around it, 0 unless said: `value` is a constant's name."""
        if not any(begins + ends):
            return x
        if self.opset >= PAD_BY_INPUT:
            return self.node("Pad", x, self.integers(*begins, *ends), *([value] if value else []))
        number = {} if value is None else {"value": float(np.asarray(self.value(value)))}
        return self.node("Pad", x, pads=begins + ends, **number)

    def reshape(self, x: str, shape: list[int]) -> str:
        """Of another shape; -1 is what remains."""
        return self.node("Reshape", x, self.integers(*shape))

    def reshape_like(self, x: str, like: str) -> str:
        """Of the shape of another tensor."""
        shape = [length if isinstance(length, int) else -1 for length in self.shape(like)]
        if shape.count(-1) <= 1:
            return self.reshape(x, shape)
        return self.node("Reshape", x, self.node("Shape", like))

    def transpose(self, x: str, perm: list[int]) -> str:
        """With its axes in another order."""
        return x if perm == sorted(perm) else self.node("Transpose", x, perm=perm)

    def cast(self, x: str, like: str) -> str:
        """Of the type of another tensor's numbers."""
        return self.node("Cast", x, to=self.element(like))

    def times(self, x: str, factor: float, like: str) -> str:
        """Multiplied by a number."""
        return x if factor == 1 else self.node("Mul", x, self.constant(factor, like))

    def _fresh(self, word: str) -> str:
        self._made += 1
        return f"{self._prefix}{word}_{self._made}"


def _types(model: onnx.ModelProto) -> dict[str, onnx.TypeProto.Tensor]:
    """The types and shapes of a graph's tensors: as stated, or else inferred."""
    graph = model.graph
    types = {value.name: value.type.tensor_type for value in (*graph.input, *graph.value_info, *graph.output)}
    if types.keys() >= {name for node in graph.node for name in node.output if name}:
        return types
    stated = {value.name: onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in graph.output}
    for value in graph.output:
        value.ClearField("type")  # where an output's shape is stated in part, no more of it would be inferred
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    for value in graph.output:
        value.CopyFrom(stated[value.name])
    types = {name: value.type.tensor_type for name, value in stated.items()}
    for value in (*graph.value_info, *inferred.value_info, *inferred.input, *inferred.output):
        if value.type.tensor_type.elem_type:
            types[value.name] = value.type.tensor_type
    return types
